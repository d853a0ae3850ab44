/** Logins that fail: how many are compared, for whom, from where, and what the others notice of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addAdministrator } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness
let tests = 0
beforeAll(async () => {
  // The peer of the harness is a proxy that is trusted, so that tests may come from wherever they like.
  h = await startHarness({ OTPOST_TRUSTED_PROXIES: '192.0.2.7' })
  for (const name of ['ada', 'bob']) await addAdministrator(h, name)
})
afterAll(() => h.close())
// Few, since each password that is compared costs its time. What was counted before is over.
beforeEach(async () => {
  tests++
  h.pass(1000)
  await limits({ admin_login_attempts: '2', admin_login_attempts_address: '3', admin_login_attempts_name: '4' })
})

/** An address from which no other test comes. */
const address = (n: number): string => `10.${tests}.0.${n}`

const limits = (fields: Fields) => h.admin('/system/setConfig', fields)
const RIGHT = 'correct horse'

function attempt(username: string, password: string, from: string, node: Pick<Harness, 'request'> = h): Promise<Reply> {
  const body = new URLSearchParams({ username, password })
  return node.request('/admin/login', { method: 'POST', headers: { 'x-forwarded-for': from }, body })
}
async function statuses(n: number, username: string, password: string, from: string): Promise<readonly number[]> {
  const found: number[] = []
  for (let i = 0; i < n; i++) found.push((await attempt(username, password, from)).status)
  return found
}
const lastAudit = async () => (await h.client.execute('SELECT * FROM audit ORDER BY number DESC LIMIT 1')).rows[0]

describe('wrong passwords', () => {
  it('of one administrator from one address are compared so often, and then nothing is for a while', async () => {
    expect(await statuses(3, 'ada', 'wrong', address(1))).toEqual([401, 401, 429])

    const refused = await attempt('ada', RIGHT, address(1))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
    expect(refused.json).toMatchObject({
      result: { status: true, value: false },
      detail: { message: 'Too many failed logins: try again later' },
    })
    expect(refused.headers.getSetCookie()).toEqual([])
    expect(await lastAudit()).toMatchObject({ success: 0, user: 'ada', action_detail: 'too_many_failures' })

    h.pass(899)
    expect((await attempt('ada', RIGHT, address(1))).status).toBe(429)
    h.pass(1)
    expect((await attempt('ada', RIGHT, address(1))).status).toBe(200)
  })

  it('hinder neither another administrator there nor this one elsewhere', async () => {
    await statuses(3, 'ada', 'wrong', address(1))

    expect((await attempt('bob', RIGHT, address(1))).status).toBe(200)
    expect((await attempt('ada', RIGHT, address(2))).status).toBe(200)
  })

  it('say the same of a name that nobody has', async () => {
    const replies = async (name: string) => {
      const found: unknown[] = []
      for (let i = 0; i < 3; i++) {
        const { status, json, headers } = await attempt(name, 'wrong', address(1))
        found.push([status, json, headers.get('retry-after')])
      }
      return found
    }
    await limits({ admin_login_attempts_address: '0' })

    expect(await replies('nobody')).toEqual(await replies('ada'))
  })

  it.each(['ADA', ' ada', 'ada  ', 'ádà', 'ａda', 'a\u00adda'])(
    'count for one name in whatever letters, as for %j',
    async (spelling) => {
      await limits({ admin_login_attempts_address: '0' })
      await statuses(1, 'ada', 'wrong', address(1))

      expect(await statuses(2, spelling, 'wrong', address(1))).toEqual([401, 429])
    },
  )

  it('from one address are compared so often whatever the names, over one network of IPv6', async () => {
    const found: number[] = []
    for (let i = 0; i < 4; i++) found.push((await attempt(`name${i}`, 'wrong', `2001:db8:0:1::${i}`)).status)

    expect(found).toEqual([401, 401, 401, 429])
    expect((await attempt('ada', RIGHT, '2001:db8:0:1:ffff::1')).status).toBe(429)
    expect((await attempt('ada', RIGHT, '2001:db8:0:2::1')).status).toBe(200)
  })

  it('of one name from everywhere keep strangers out, and nobody who has logged in from there before', async () => {
    expect((await attempt('ada', RIGHT, address(200))).status).toBe(200)
    for (let i = 0; i < 4; i++) await attempt('ada', 'wrong', address(i))

    expect((await attempt('ada', RIGHT, address(99))).status).toBe(429)
    expect((await attempt('ada', RIGHT, address(200))).status).toBe(200)
    expect((await attempt('bob', RIGHT, address(99))).status).toBe(200)
    expect(await statuses(3, 'ada', 'wrong', address(200))).toEqual([401, 401, 429])
  })

  it('begin anew after a right one, which is not counted', async () => {
    await statuses(1, 'ada', 'wrong', address(1))
    await statuses(2, 'ada', RIGHT, address(1))

    expect(await statuses(2, 'ada', 'wrong', address(1))).toEqual([401, 401])
    // One and two were wrong: for the address as a whole that is all.
    expect((await attempt('bob', RIGHT, address(1))).status).toBe(429)
  })

  it('count on every node together', async () => {
    const second = anotherNode(h, {})
    const from = '192.0.2.8' // the peer of the second node, which trusts no proxy
    await attempt('ada', 'wrong', from)
    await attempt('ada', 'wrong', from, second)

    expect((await attempt('ada', RIGHT, from, second)).status).toBe(429)
  })

  it('are counted before they are compared: many at once are no more than some', async () => {
    const replies = await Promise.all(Array.from({ length: 12 }, () => attempt('ada', 'wrong', address(1))))

    const found = replies.map(({ status }) => status)
    expect(found.filter((status) => status === 401)).toHaveLength(2)
    expect(found.filter((status) => status === 429)).toHaveLength(10)
  })

  it('wait in a queue in which one network of IPv6 has no more places than one address', async () => {
    await limits({ admin_login_attempts: '0', admin_login_attempts_address: '0', admin_login_attempts_name: '0' })

    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, n) => attempt('ada', 'wrong', `2001:db8:0:3::${n}`)),
    )

    const messages = replies.map(({ json }) => json.detail?.message)
    expect(messages.filter((message) => message === 'Bad username or password')).toHaveLength(4)
    expect(messages.filter((message) => message === 'Too many logins at once: try again in a moment')).toHaveLength(4)
  })

  it('are not limited where the settings say 0', async () => {
    await limits({ admin_login_attempts: '0', admin_login_attempts_address: '0', admin_login_attempts_name: '0' })

    expect(await statuses(5, 'ada', 'wrong', address(1))).toEqual(Array(5).fill(401))
  })

  it('leave no name in the database in clear', async () => {
    await attempt('a-password-typed-as-name', 'wrong', address(1))

    const { rows } = await h.client.execute('SELECT * FROM login_attempts')
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain('typed')
  })
})
