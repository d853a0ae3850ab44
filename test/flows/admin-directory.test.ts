/** Administrators whose password only a directory knows, over a real HTTP service. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addAdministrator, logIn } from '../support/administrators.ts'
import { type Harness, startHarness } from '../support/harness.ts'
import { PEOPLE, type People, startPeople, usePeople } from '../support/people.ts'

let h: Harness
let people: People
beforeAll(async () => {
  h = await startHarness()
  people = await startPeople()
  await usePeople(h, people.url, 'linotp_admins')
  await addAdministrator(h, 'yan')
})
afterAll(async () => {
  await h.close()
  await people.close()
})
beforeEach(() => {
  people.people = PEOPLE
})

type Call = Awaited<ReturnType<typeof logIn>>['call']
/** The session of an administrator who works without a break, for so many periods of 25 minutes and a bit. */
async function work(call: Call, periods: number): Promise<Call | null> {
  let current = call
  for (let period = 0; period < periods; period++) {
    h.pass(1501)
    const reply = await current('GET', '/admin/show')
    const cookie = reply.headers.getSetCookie().find((one) => one.startsWith('access_token_cookie='))
    if (reply.status !== 200 || cookie === undefined) return null
    const headers = { cookie: cookie.split(';')[0] ?? '' }
    current = (_, path, fields = {}) => h.request(`${path}?${new URLSearchParams(fields)}`, { headers })
  }
  return current
}

describe('an administrator of a directory', () => {
  it('logs in with the password that the directory knows, and with no other', async () => {
    const { reply, call } = await logIn(h, 'zoe', 'zoe-password')

    expect(reply.status).toBe(200)
    expect((await logIn(h, 'zoe', 'wrong')).reply.status).toBe(401)
    expect((await logIn(h, 'nobody', 'zoe-password')).reply.status).toBe(401)
    const out = await call('GET', '/admin/logout')
    expect(out.json.detail?.message).toBe('Logout successful for zoe@linotp_admins (linotp_admins)')
  })

  it('is refused, and no error, while the directory does not answer', async () => {
    people.answer = () => ({ status: 500 })

    const { reply } = await logIn(h, 'zoe', 'zoe-password')

    people.answer = null
    expect([reply.status, reply.json.detail?.message]).toEqual([401, 'Bad username or password'])
  })

  it('is made anew while the directory has the user, and not for longer than eight hours', async () => {
    const { call } = await logIn(h, 'zoe', 'zoe-password')

    expect(await work(call, 19)).not.toBeNull()
    expect(await work((await logIn(h, 'zoe', 'zoe-password')).call, 20)).toBeNull()
  })

  it('is not made anew once the user is gone, or has another id', async () => {
    const [first, second] = [await logIn(h, 'zoe', 'zoe-password'), await logIn(h, 'zoe', 'zoe-password')]
    people.people = PEOPLE.filter(({ login }) => login !== 'zoe')
    const gone = await work(first.call, 1)
    people.people = [{ id: 'u9', login: 'zoe', password: 'zoe-password' }]

    expect([gone, await work(second.call, 1)]).toEqual([null, null])
  })

  it('hears nothing of the right password of a local administrator', async () => {
    const before = people.heard.length

    const { reply } = await logIn(h, 'yan')

    expect(reply.status).toBe(200)
    expect(people.heard.length).toBe(before)
  })
})
