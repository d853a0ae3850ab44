/** Managed providers (contract 4.3): what they show, and who may change and delete them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
})
afterAll(() => h.close())

const save = (fields: Fields = {}): Promise<Reply> =>
  h.admin('/system/setProvider', {
    ...{ name: 'M', type: 'email', class: 'SMTPEmailProvider', timeout: '10' },
    config: JSON.stringify({ SMTP_SERVER: h.catcher.host, SMTP_PORT: h.catcher.port, SMTP_PASSWORD: 'hunter2' }),
    ...fields,
  })
const remove = (fields: Fields = {}): Promise<Reply> =>
  h.admin('/system/delProvider', { type: 'email', name: 'M', ...fields })
const shown = async (): Promise<unknown> => {
  const { json } = await h.admin('/system/getProvider', { type: 'email', name: 'M' })
  const found = json.result?.value as { readonly M?: unknown } | undefined // its documented form
  return found?.M
}
const error = (reply: Reply) => reply.json.result?.error

const OVERWRITE = { code: -311, message: 'Not allowed to overwrite the configuration of a managed provider' }
const DELETE = { code: -311, message: 'Not allowed to delete the managed provider' }

describe('a managed provider', () => {
  beforeEach(async () => {
    await save({ managed: 'geheim' })
    return () => remove({ managed: 'geheim' })
  })

  it('shows that it is one, and nothing of its configuration', async () => {
    expect(await shown()).toEqual({ Class: 'SMTPEmailProvider', Timeout: '10', Managed: true, Default: false })
  })

  it.each<readonly [string, Fields]>([
    ['no password', {}],
    ['an empty one', { managed: '' }],
    ['another one', { managed: 'falsch' }],
    ['the hash of it', { managed: '$scrypt$ln=14,r=8,p=5$AAAA$AAAA' }],
  ])('is neither changed nor deleted with %s', async (_, given) => {
    const before = (await h.store.settings()).providers

    expect(error(await save({ ...given, class: 'ResendEmailProvider', config: '{"API_KEY":"x"}' }))).toMatchObject({
      code: -311,
    })
    expect(error(await save({ ...given, timeout: '99' }))).toEqual(OVERWRITE)
    expect(error(await remove(given))).toEqual(DELETE)
    expect((await h.store.settings()).providers).toEqual(before)
  })

  it('is changed with its password, keeps it, and fills in masked secrets', async () => {
    const config = { SMTP_SERVER: h.catcher.host, SMTP_PORT: h.catcher.port, SMTP_PASSWORD: '***' }
    const changed = await save({ managed: 'geheim', timeout: '99', config: JSON.stringify(config) })

    expect(changed.json.result?.value).toBe(true)
    expect(await shown()).toMatchObject({ Timeout: '99', Managed: true })
    expect(error(await save())).toEqual(OVERWRITE)
  })

  it('may be used and made the default by whoever may write providers', async () => {
    const config = JSON.stringify({ SMTP_SERVER: h.catcher.host, SMTP_PORT: h.catcher.port })
    await save({ managed: 'geheim', config })
    const tested = await h.admin('/system/testProvider', { type: 'email', name: 'M', to: 'ada@example.org' })
    const marked = await h.admin('/system/setDefaultProvider', { type: 'email', name: 'M' })
    await h.admin('/system/setDefaultProvider', { type: 'email', name: 'catcher' })

    expect([tested, marked].map((reply) => reply.json.result?.value)).toEqual([true, true])
  })

  it('asks for its password before it tells which policies use it', async () => {
    await h.admin('/system/setPolicy', {
      ...{ name: 'uses', scope: 'authentication', realm: '*', action: 'email_provider=catcher M' },
    })

    expect(error(await remove())).toEqual(DELETE)
    expect((await remove({ managed: 'geheim' })).json.detail?.message).toMatch(/\[uses\]/)
    await h.admin('/system/delPolicy', { name: 'uses' })
  })

  it('keeps only a hash of the password', async () => {
    const [row] = await h.batch([{ sql: "SELECT * FROM providers WHERE name = 'M'", params: [] }], 'read')

    expect(JSON.stringify(row)).toMatch(/\$scrypt\$/)
    expect(JSON.stringify(row)).not.toContain('geheim')
  })
})

describe('a provider that is not managed', () => {
  it('becomes a managed one when it is saved with a password', async () => {
    await save()
    const before = await shown()
    await save({ managed: 'geheim' })

    expect(before).toMatchObject({ Config: expect.stringContaining('***') })
    expect(before).not.toHaveProperty('Managed')
    expect(await shown()).toMatchObject({ Managed: true })
    expect((await remove({ managed: 'geheim' })).json.result?.value).toBe(true)
  })

  it('is managed by one of several who give passwords at the same moment', async () => {
    await save()
    const replies = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((managed) => save({ managed })))

    const winner = replies.findIndex((reply) => reply.json.result?.value === true)
    expect(replies.filter((reply) => error(reply)?.message === OVERWRITE.message)).toHaveLength(4)
    expect((await remove({ managed: 'abcde'[winner] ?? '' })).json.result?.value).toBe(true)
  })
})
