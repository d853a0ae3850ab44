/** Policies by which administrators could take away their own rights. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addAdministrator, type Call, codeOf, logIn } from '../support/administrators.ts'
import { type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
let call: Call
beforeEach(async () => {
  h = await startHarness()
  await addAdministrator(h, 'ada')
  call = (await logIn(h, 'ada')).call
})
afterEach(() => h.close())

const POLICY = { name: 'sys', scope: 'system', action: 'read, write', realm: '*', client: '*', user: 'ada' }
const save = (fields: Fields) => call('POST', '/system/setPolicy', { ...POLICY, ...fields })
const warning = ({ headers }: { headers: Headers }) => decodeURI(headers.get('otpost-warning') ?? '')

describe('a policy that takes the right to write from whom saves it', () => {
  it.each([
    ['of another administrator', { user: 'eve' }],
    ['from another address', { client: '10.0.0.0/8' }],
    ['in another year', { time: '* * * * * 1999' }],
    ['to read alone beside one of another', { action: 'read' }],
  ])('is refused: %s', async (_, fields) => {
    const reply = await save(fields)

    expect(codeOf(reply)).toBe(-311)
    expect(reply.json.result?.error?.message).toMatch(/^Warning: potential lockout/)
    expect(codeOf(await save({}))).toBeUndefined()
  })

  it('is stored when it is enforced, with a warning, and the operator of the machine is not locked out', async () => {
    const reply = await save({ user: 'eve', enforce: 'true' })

    expect(codeOf(reply)).toBeUndefined()
    expect(warning(reply)).toContain("you would no longer have the right 'write' of scope system yourself")
    expect(codeOf(await save({}))).toBe(410)
    expect((await h.admin('/system/delPolicy', { name: 'sys', enforce: 'true' })).json.result?.status).toBe(true)
    expect(codeOf(await save({}))).toBeUndefined()
  })

  it('is not removed from beside one of another without being enforced', async () => {
    await save({})
    await call('POST', '/system/setPolicy', { ...POLICY, name: 'other', user: 'eve' })

    expect(codeOf(await call('POST', '/system/delPolicy', { name: 'sys' }))).toBe(-311)
    expect(codeOf(await call('POST', '/system/delPolicy', { name: 'sys', enforce: 'true' }))).toBeUndefined()
  })

  it('is a warning where it comes from a file', async () => {
    const body = new FormData()
    body.set(
      'file',
      new File(['[sys]\nscope = system\naction = write\nuser = eve\nrealm = *\nclient = *\n'], 'policy.cfg'),
    )
    const { cookie, csrf } = await logIn(h, 'ada')

    const reply = await h.request('/system/importPolicy', {
      method: 'POST',
      headers: { cookie, 'x-csrf-token': csrf },
      body,
    })

    expect(warning(reply)).toContain("you would no longer have the right 'write'")
  })
})

describe('a policy of scope admin', () => {
  it('is stored with a warning when nothing is left to whom saves it', async () => {
    const kept = await save({ name: 'rights', scope: 'admin', action: 'show' })
    const lost = await save({ name: 'rights', scope: 'admin', action: 'show', user: 'eve' })

    expect(warning(kept)).toBe('')
    expect(warning(lost)).toContain('you would no longer have any right of scope admin yourself')
    expect(codeOf(await call('GET', '/admin/show'))).toBe(410)
  })

  it('warns of conditions on attributes, which administrators do not have', async () => {
    const reply = await save({ name: 'rights', scope: 'admin', action: '*', user: '*, *#department == it' })

    expect(warning(reply)).toContain('conditions on attributes hold for no administrator')
  })
})
