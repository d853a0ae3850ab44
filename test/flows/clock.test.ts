/** A clock that jumps, forth and back: what is over stays over, and what is held up is not held up for the length of the jump. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CLOCK_SKEW, isWithin } from '../../src/core/time.ts'
import { createLookupCache } from '../../src/flows/lookup-cache.ts'
import { addAdministrator } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'
import { logIn, setUpUsers } from '../support/self.ts'

const [HOUR, DAY, VALIDITY, BLOCKING] = [3600, 86_400, 120, 600]

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await addAdministrator(h, 'ada')
  await h.admin('/system/setConfig', { EmailBlockingTimeout: String(BLOCKING), EmailChallengeValidityTime: '600' })
})
afterAll(() => h.close())
beforeEach(() => enroll(h, 'ada', 'CLOCK'))
afterEach(async () => {
  await h.admin('/admin/remove', { serial: 'CLOCK' })
  for (const key of ['max_attempts', 'request_id_parameter']) await h.admin('/system/delConfig', { key })
})

const trigger = () => h.trigger('ada', 'pin-')
const unblock = (seconds = '0') => h.admin('/system/setConfig', { EmailBlockingTimeout: seconds })
const answer = async (otp: string, state: string, more: Fields = {}) =>
  (await h.check({ user: 'ada', pass: otp, state, ...more })).json.result?.value
const states = async () =>
  (await h.client.execute("SELECT state FROM challenges WHERE serial = 'CLOCK' ORDER BY id")).rows.map(
    (row) => row.state,
  )

describe('a challenge that is over', () => {
  const ways: readonly (readonly [string, () => Promise<readonly [string, string]>])[] = [
    [
      'accepted',
      async () => {
        const { otp, transactionId } = await trigger()
        expect(await answer(otp, transactionId)).toBe(true)
        return [otp, transactionId]
      },
    ],
    [
      'exhausted',
      async () => {
        await h.admin('/system/setConfig', { max_attempts: '1' })
        const { otp, transactionId } = await trigger()
        expect(await answer(otp === '000000' ? '000001' : '000000', transactionId)).toBe(false)
        return [otp, transactionId]
      },
    ],
    [
      'superseded',
      async () => {
        await unblock()
        const [old, fresh] = [await trigger(), await trigger()]
        await unblock(String(BLOCKING))
        expect(await answer(fresh.otp, fresh.transactionId)).toBe(true)
        return [old.otp, old.transactionId]
      },
    ],
  ]
  const jumps = [[6 * HOUR, -6 * HOUR], [-6 * HOUR], [-6 * HOUR, 6 * HOUR], [2 * DAY, -2 * DAY], [-30, 30]]

  it.each(ways.flatMap(([state, make]) => jumps.map((by) => [state, by, make] as const)))(
    '%s, stays so when the clock moves by %j seconds',
    async (state, by, make) => {
      const [otp, transactionId] = await make()

      const answers: unknown[] = []
      for (const seconds of by) {
        h.pass(seconds)
        answers.push(await answer(otp, transactionId), await answer(`pin-${otp}`, ''))
      }

      expect(answers).not.toContain(true)
      expect(await states()).toContain(state)
      h.pass(-by.reduce((sum, seconds) => sum + seconds, 0))
    },
  )
})

describe('a challenge that is open', () => {
  it('is over when the clock is set back, blocks nobody, and does not come to life when its time comes again', async () => {
    const old = await trigger()
    h.pass(-HOUR)

    const back = await answer(old.otp, old.transactionId)
    const fresh = await trigger()
    h.pass(HOUR)
    const again = await answer(old.otp, old.transactionId)

    expect([back, again]).toEqual([false, false])
    expect(fresh.reply.json.detail?.message).toBe('e-mail sent successfully')
    expect(fresh.transactionId).not.toBe(old.transactionId)
  })

  it('that is not asked for again comes to life no more once there was housekeeping', async () => {
    const { otp, transactionId } = await trigger()
    h.pass(-HOUR)
    await h.housekeeping()
    h.pass(HOUR)

    expect(await answer(otp, transactionId)).toBe(false)
  })

  it('lives no longer than its validity and a minute when the clock is set back by less', async () => {
    const { otp, transactionId } = await trigger()
    h.pass(-60)
    const shown = await h.check({ user: 'ada', pass: 'pin-' })
    h.pass(60 + VALIDITY)

    expect(shown.json.detail).toMatchObject({
      transactionid: transactionId,
      message: 'e-mail with otp already submitted',
    })
    expect(await answer(otp, transactionId)).toBe(false)
  })

  it('can be answered when the clock was ahead for a moment and its time is not over', async () => {
    const { otp, transactionId } = await trigger()
    h.pass(6 * HOUR)
    const ahead = await answer('pin', transactionId)
    h.pass(-6 * HOUR + 30)

    expect([ahead, await answer(otp, transactionId)]).toEqual([false, true])
  })

  it('is gone for good when the token was used while the clock was ahead, and so is what was sent then', async () => {
    const first = await trigger()
    h.pass(6 * HOUR)
    const ahead = await trigger()
    h.pass(-6 * HOUR)

    const answers = [await answer(first.otp, first.transactionId), await answer(ahead.otp, ahead.transactionId)]
    const fresh = await trigger()

    expect(answers).toEqual([false, false])
    expect(await answer(fresh.otp, fresh.transactionId)).toBe(true)
  })

  it('of a node whose clock differs by half a minute blocks and is answered here, and the other way round', async () => {
    for (const [theirs, ours] of [
      [30, 0],
      [-30, 0],
    ] as const) {
      const node = anotherNode(h, { edges: { clock: () => h.edges.clock() + theirs - ours } })
      const before = h.catcher.mails().length
      const opened = await node.post('/validate/check', { user: 'ada', pass: 'pin-' })
      const blocked = await h.check({ user: 'ada', pass: 'pin-' })
      const otp = h.catcher.mails().at(-1)?.text.trim() ?? ''
      const accepted = await answer(otp, String(opened.json.detail?.transactionid))

      expect(h.catcher.mails().length - before).toBe(1)
      expect(blocked.json.detail?.message).toBe('e-mail with otp already submitted')
      expect(accepted).toBe(true)
    }
  })

  it('is repeated as a yes to nobody after the clock was set back', async () => {
    await h.admin('/system/setConfig', { request_id_parameter: 'rid' })
    const { otp, transactionId } = await trigger()
    const first = await answer(otp, transactionId, { rid: 'one' })
    const repeated = await answer(otp, transactionId, { rid: 'one' })
    h.pass(-HOUR)

    expect([first, repeated, await answer(otp, transactionId, { rid: 'one' })]).toEqual([true, true, false])
    h.pass(HOUR)
  })
})

describe('a session', () => {
  const administrator = async () => {
    const body = new URLSearchParams({ username: 'ada', password: 'correct horse' })
    const { headers } = await h.request('/admin/login', { method: 'POST', body })
    const cookie = headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ')
    const csrf = /csrf_access_token=([^;]+)/.exec(cookie)?.[1] ?? ''
    const call = async (path: string, method = 'POST') =>
      (await h.request(path, { method, headers: { cookie, 'x-csrf-token': csrf } })).status
    return call
  }

  it('of an administrator is none when the clock was set back', async () => {
    const call = await administrator()

    const before = await call('/system/getConfig')
    h.pass(-30)
    const skewed = await call('/system/getConfig')
    h.pass(-HOUR)

    expect([before, skewed, await call('/system/getConfig')]).toEqual([200, 200, 401])
    h.pass(HOUR + 30)
  })

  it('of an administrator that was ended is none after the clock was ahead for a week', async () => {
    const call = await administrator()
    await call('/admin/logout', 'GET')
    h.pass(7 * DAY)
    await h.housekeeping()
    h.pass(-7 * DAY)

    expect(await call('/system/getConfig')).toBe(401)
  })

  it('of a user is none when the clock was set back by more than it may be off', async () => {
    const own = await startHarness()
    await setUpUsers(own)
    const browser = await logIn(own)
    const status = async () => (await browser.get('usertokenlist')).status

    const before = await status()
    own.pass(-CLOCK_SKEW - 1)
    const back = await status()
    own.pass(CLOCK_SKEW + 1)

    expect([before, back, await status()]).toEqual([200, 401, 200])
    await own.close()
  })
})

describe('what a process remembers by time', () => {
  it('is asked anew: answers of directories', () => {
    const cache = createLookupCache()
    const question = { resolver: 'r', sealedConfig: 'c', kind: 'login', value: 'ada' } as const
    cache.put(question, [], 600, 10_000)

    expect([cache.get(question, 10_001), cache.get(question, 9_999), cache.get(question, 10_001)]).toEqual([
      ...[[], undefined, undefined],
    ])
  })

  it.each([
    [1000, 1059, true],
    [1000, 1060, false],
    [1000, 941, true],
    [1000, 940, false],
  ])('is a minute old at most, from %d to %d: %s', (at, now, expected) => {
    expect(isWithin(60, at, now)).toBe(expected)
  })
})
