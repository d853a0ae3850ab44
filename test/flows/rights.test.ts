/**
 * Every call of administration, as it is routed: who may make it, who may not, and who is not let in at all. A route that
 * is added is found here by itself; without a line in http/rights.ts it fails.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { adminActions } from '../../src/core/policy/rights.ts'
import { RIGHTS } from '../../src/http/rights.ts'
import {
  addAdministrator,
  apiToken,
  type Call,
  caller,
  codeOf,
  logIn,
  type Session,
} from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { needed, type RoutedCall, routedCalls } from '../support/calls.ts'
import { type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness
let chief: Call
let clerk: Call
let calls: readonly RoutedCall[]
/** Those that a right is needed for. */
let guarded: readonly RoutedCall[]

beforeAll(async () => {
  h = await startHarness()
  for (const name of ['chief', 'clerk']) await addAdministrator(h, name)
  chief = await apiToken(h, 'chief')
  clerk = await apiToken(h, 'clerk')
  calls = routedCalls(h)
  guarded = calls.filter((call) => needed(call, fieldsOf(call)).length > 0)
})
afterAll(() => h.close())
afterEach(async () => {
  const { value } = (await h.admin('/system/getPolicy', { display_inactive: '1' })).json.result ?? {}
  await h.admin('/system/delPolicy', { name: Object.keys(value ?? {}).join(','), enforce: 'true' })
})

/** A type that there is, where one is asked for. */
const fieldsOf = ({ path }: RoutedCall): Fields => (path === '/admin/init' ? { type: 'email' } : {})
const make = (call: Call, { method, path, key }: RoutedCall): Promise<Reply> =>
  call(method, path, fieldsOf({ method, path, key }))
const SCOPES = ['admin', 'system', 'audit', 'tools'] as const

async function permit(user: string, actions: Readonly<Partial<Record<string, string>>>): Promise<void> {
  for (const scope of SCOPES) {
    const policy = { name: `${user}_${scope}`, scope, realm: '*', user, client: '*', enforce: 'true' }
    const action = actions[scope]
    const saved = await (action === undefined
      ? h.admin('/system/delPolicy', { name: policy.name, enforce: 'true' })
      : h.admin('/system/setPolicy', { ...policy, action }))
    if (saved.json.result?.status !== true) throw new Error(saved.text)
  }
}
const ALL = { admin: '*', system: '*', audit: '*', tools: '*' }

type Refusals = Readonly<Record<string, string>>
/** What each call answers, in short: `401`, `403 410` for version 2 and metrics, `410`, or `-`. */
async function answers(call: Call, some: readonly RoutedCall[]): Promise<Refusals> {
  const short: Record<string, string> = {}
  for (const one of some) {
    const reply = await make(call, one)
    const refused = codeOf(reply) === 410 ? '410' : ''
    short[one.key] = [401, 403, 500].includes(reply.status) ? `${reply.status} ${refused}`.trim() : refused || '-'
  }
  return short
}
const expected = (some: readonly RoutedCall[], answer: (call: RoutedCall) => string): Refusals =>
  Object.fromEntries(some.map((call) => [call.key, answer(call)]))
const refusal = ({ path }: RoutedCall): string => (/^\/(api|metrics)\b/.test(path) ? '403 410' : '410')

describe('every call', () => {
  it('has its line in the table, which has no others', () => {
    expect(calls.length).toBeGreaterThan(50)
    const keys = calls.map(({ key }) => key)
    expect(keys.filter((key) => !Object.hasOwn(RIGHTS, key))).toEqual([])
    expect(Object.keys(RIGHTS).filter((key) => !keys.includes(key))).toEqual([])
  })

  it('is refused when nobody has said what it needs, but to the operator', async () => {
    const node = anotherNode(h, {})
    node.app.post('/admin/undeclared', (c) => c.text('done'))

    const refused = await chief('POST', '/admin/undeclared', {}, node)

    expect([refused.status, refused.text.includes('done')]).toEqual([500, false])
    expect((await node.admin('/admin/undeclared')).text).toBe('done')
  })

  it('is for every administrator while no policy says anything', async () => {
    expect(await answers(clerk, guarded)).toEqual(expected(guarded, () => '-'))
  })

  it('is refused to whom no policy permits anything, in the audit with the reason, and open to whom all is', async () => {
    await permit('chief', ALL)
    const before = await lastRow()

    const refused = await answers(clerk, guarded)
    const rows = await rowsAfter(before)

    expect(refused).toEqual(expected(guarded, refusal))
    expect(rows).toHaveLength(guarded.length)
    for (const row of rows)
      expect(row).toMatchObject({
        success: 0,
        action_detail: 'right_missing',
        administrator: expect.stringMatching(/^clerk@/),
      })
    expect(await answers(chief, guarded)).toEqual(expected(guarded, () => '-'))
  })

  it('is refused to whom exactly its right is not given, and open to whom nothing else is', async () => {
    for (const [right, some] of byRight()) {
      const [scope = '', action = ''] = right.split(' ')
      const actions = action === 'show' ? adminActions : [action]
      await permit('chief', ALL)
      await permit('clerk', { ...ALL, [scope]: `*, ${actions.map((name) => `!${name}`).join(', ')}` })
      const without = await answers(clerk, some)
      await permit('clerk', { [scope]: action })
      const only = await answers(clerk, some)

      expect(without, `without ${right}`).toEqual(expected(some, refusal))
      expect(only, `only ${right}`).toEqual(expected(some, () => '-'))
    }
  })

  it('of version 2 about realms and resolvers needs one of two rights', async () => {
    const some = calls.filter((call) => (needed(call, {})[0]?.length ?? 0) > 1)
    for (const actions of [{ system: 'read' }, { admin: 'userlist' }]) {
      await permit('chief', ALL)
      await permit('clerk', actions)

      expect(await answers(clerk, some)).toEqual(expected(some, () => '-'))
    }
    await permit('clerk', { admin: 'show', audit: 'view', system: 'write' })

    expect(await answers(clerk, some)).toEqual(expected(some, refusal))
  })
})

/** Calls that need one right, by that right. */
function byRight(): ReadonlyMap<string, readonly RoutedCall[]> {
  const found = new Map<string, readonly RoutedCall[]>()
  for (const call of guarded) {
    const [rights = []] = needed(call, fieldsOf(call))
    const [right, ...others] = rights
    if (!right || others.length > 0) continue
    const key = `${right.scope} ${right.action ?? 'show'}`
    found.set(key, [...(found.get(key) ?? []), call])
  }
  return found
}

describe('every call turns away', () => {
  let session: Session
  beforeAll(async () => {
    session = await logIn(h, 'clerk')
  })

  const unauthorized = (some: readonly RoutedCall[]) => expected(some, () => '401')

  it('strangers, and who brings nothing but the name', async () => {
    expect(await answers(caller(h, {}), calls)).toEqual(unauthorized(calls))
    expect(await answers(caller(h, { authorization: 'Bearer clerk' }), calls)).toEqual(unauthorized(calls))
  })

  it('a session without its CSRF token, but for what only reads', async () => {
    const writing = calls.filter(({ method }) => method !== 'GET')
    const { cookie, csrf } = session

    expect(await answers(caller(h, { cookie }), writing)).toEqual(unauthorized(writing))
    expect(await answers(caller(h, { cookie, 'x-csrf-token': `${csrf}0` }), writing)).toEqual(unauthorized(writing))
    expect(await answers(caller(h, { cookie: '', 'x-csrf-token': csrf }), writing)).toEqual(unauthorized(writing))
  })

  it('a session of another key', async () => {
    const other = await startHarness()
    await addAdministrator(other, 'clerk')
    const { cookie, csrf } = await logIn(other, 'clerk')
    await other.close()

    expect(other.keys).not.toBe(h.keys)
    expect(await answers(caller(h, { cookie, 'x-csrf-token': csrf }), calls)).toEqual(unauthorized(calls))
  })

  it('a session that has ended, by logout, and by a new password of its administrator', async () => {
    const own = await logIn(h, 'clerk')
    await own.call('POST', '/admin/logout')
    expect(await answers(own.call, calls)).toEqual(unauthorized(calls))

    const changed = await logIn(h, 'clerk')
    expect((await changed.call('GET', '/admin/show')).status).toBe(200)
    await h.admin('/otpost/admins/clerk/password', { password: 'another horse' })
    expect(await answers(changed.call, calls)).toEqual(unauthorized(calls))
    await h.admin('/otpost/admins/clerk/password', { password: 'correct horse' })
  })

  it('a session and an API token that have expired, and an API token that was revoked', async () => {
    const expiring = await apiToken(h, 'clerk', { expires: '30m' })
    const revoked = await apiToken(h, 'clerk', { name: 'gone' })
    const tokens = (await h.request('/otpost/api-tokens', {}, 'operator')).json.result?.value as {
      id: string
      name: string
    }[] // as routes/operators.ts writes it
    const id = tokens.find(({ name }) => name === 'gone')?.id
    await h.request(`/otpost/api-tokens/${id}`, { method: 'DELETE' }, 'operator')
    const own = await logIn(h, 'clerk')
    h.pass(1799)
    expect((await expiring('GET', '/admin/show')).status).toBe(200)

    h.pass(1)

    expect(await answers(own.call, calls)).toEqual(unauthorized(calls))
    expect(await answers(expiring, calls)).toEqual(unauthorized(calls))
    expect(await answers(revoked, calls)).toEqual(unauthorized(calls))
  })

  it('an API token that is bound to other rights', async () => {
    for (const [right, some] of byRight()) {
      const [scope = '', action = ''] = right.split(' ')
      const others = SCOPES.filter((one) => one !== scope)
      const rest = scope === 'admin' ? adminActions.filter((name) => name !== action && action !== 'show') : []
      const words = [...others, ...rest.map((name) => `admin/${name}`)].join(' ')

      const bound = await apiToken(h, 'chief', { scope: words })

      expect(await answers(bound, some), right).toEqual(expected(some, refusal))
    }
  })

  it('an API token that is bound to something, where others are made that are not', async () => {
    const whole = calls.filter((call) => needed(call, {}).some(([right]) => right?.whole))
    const bound = await apiToken(h, 'chief', { scope: 'admin system audit tools' })

    expect(whole.map(({ key }) => key)).toContain('POST /otpost/api-tokens')
    expect(await answers(bound, whole)).toEqual(expected(whole, refusal))
  })
})

async function lastRow(): Promise<number> {
  const { rows } = await h.client.execute('SELECT MAX(number) AS n FROM audit')
  return Number(rows[0]?.n)
}
async function rowsAfter(number: number) {
  const { rows } = await h.client.execute({
    sql: 'SELECT * FROM audit WHERE number > ? ORDER BY number',
    args: [number],
  })
  return rows
}
