/** Contract of `accept`: of equal right answers one wins, and a lost one changes nothing but fail counts and audit. */
import { describe, expect, it } from 'vitest'
import {
  acceptCommand,
  auditOf,
  auditsOf,
  challenged,
  challengeOf,
  countOf,
  enrolled,
  enrolledMany,
  NOW,
  openCommand,
  type Suite,
  times,
  tokenOf,
} from './store-fixture.ts'

export function answerTests(suite: Suite): void {
  describe('accept', () => {
    races(suite)
    consequences(suite)
    usageCounts(suite)
    refusals(suite)
  })
}

/** A token with one delivered challenge. */
async function ready(suite: Suite, set?: string) {
  const token = await enrolled(suite, {}, set)
  const challenge = await challenged(suite, token)
  return { challenge, token: await tokenOf(suite, token.serial) }
}

function races(suite: Suite): void {
  it('accepts one of fifty equal answers, and each loser counts a failure', async () => {
    const { challenge, token } = await ready(suite)
    const commands = Array.from({ length: 50 }, () => acceptCommand(suite, { challenge, token }))

    const outcomes = await Promise.all(commands.map((command) => suite.store.accept(command)))

    expect(countOf(outcomes, 'done')).toBe(1)
    expect(countOf(outcomes, 'lost')).toBe(49)
    expect(await challengeOf(suite, challenge.id)).toEqual({ ...challenge, state: 'accepted', attempts: 1 })
    // The winner came first, since nobody else could: its reset to 0, then the failures of the others.
    expect(await tokenOf(suite, token.serial)).toEqual({ ...token, failCount: 49, lastFailedAt: NOW })
    const audit = await auditsOf(
      suite,
      commands.map((command) => command.requestId),
    )
    expect(audit).toEqual(outcomes.map((outcome) => [outcome]))
  })

  it('accepts one of fifty answers to fifty challenges of one transaction', async () => {
    const tokens = await enrolledMany(suite, 50)
    const { opened } = await suite.store.open(openCommand(suite, tokens))
    const bySerial = new Map(tokens.map((token) => [token.serial, token]))

    const outcomes = await Promise.all(
      opened.map((challenge) => {
        const token = bySerial.get(challenge.serial)
        return token ? suite.store.accept(acceptCommand(suite, { challenge, token })) : null
      }),
    )

    expect(countOf(outcomes, 'done')).toBe(1)
    expect(countOf(outcomes, 'lost')).toBe(49)
  })

  it('says lost to an accepted answer that is sent once more, and does nothing for a request that has been answered', async () => {
    const { challenge, token } = await ready(suite)
    const command = acceptCommand(suite, { challenge, token })

    expect(await suite.store.accept(command)).toBe('done')
    await expect(suite.store.accept(command)).rejects.toThrow('UNIQUE constraint failed: audit.request_id')
    expect(await suite.store.accept(acceptCommand(suite, { challenge, token }))).toBe('lost')

    expect(await auditOf(suite, command.requestId)).toEqual(['done'])
  })
}

function consequences(suite: Suite): void {
  it('closes a challenge that was taken over into the transaction of the accepted one, which was then taken over too', async () => {
    const [mail, phone] = [await enrolled(suite), await enrolled(suite)]
    const [first, second] = [suite.next('9'), suite.next('12')]
    const taken = await challenged(suite, mail, { set: `delivery = 'delivered', parent_id = '${first}'` })
    const set = `delivery = 'delivered', transaction_id = '${first}.02', parent_id = '${second}'`
    const challenge = await challenged(suite, phone, { set })

    await suite.store.accept(acceptCommand(suite, { challenge, token: phone }))

    expect((await challengeOf(suite, taken.id)).state).toBe('superseded')
  })

  it('ends the rest of the transaction and older challenges of the token, and lets newer ones stand', async () => {
    const [token, sibling, stranger] = await Promise.all([enrolled(suite), enrolled(suite), enrolled(suite)])
    const older = await challenged(suite, token)
    const others = await challenged(suite, stranger)
    const { opened } = await suite.store.open(openCommand(suite, [token, sibling]))
    const newer = await challenged(suite, token)
    const challenge = opened.find(({ serial }) => serial === token.serial)
    if (!challenge) throw new Error('nothing was opened')

    await suite.store.accept(acceptCommand(suite, { challenge, token }))

    const states = await Promise.all([older, others, ...opened, newer].map(({ id }) => challengeOf(suite, id)))
    expect(states.map(({ serial, state }) => [serial, state])).toEqual([
      [token.serial, 'superseded'],
      [stranger.serial, 'open'],
      [token.serial, 'accepted'],
      [sibling.serial, 'superseded'],
      [token.serial, 'open'],
    ])
  })

  it('accepts the older challenge after the newer one did not happen, and never moves the counter back', async () => {
    const token = await enrolled(suite)
    const older = await challenged(suite, token)
    await challenged(suite, token)
    expect((await tokenOf(suite, token.serial)).counter).toBe(4)

    const outcome = await suite.store.accept(acceptCommand(suite, { challenge: older, token }))

    expect(outcome).toBe('done')
    expect((await tokenOf(suite, token.serial)).counter).toBe(4)
  })

  it('moves the counter past the OTP that was used', async () => {
    const { challenge, token } = await ready(suite)
    await suite.rows('UPDATE tokens SET counter = 0 WHERE serial = ?', token.serial)

    await suite.store.accept(acceptCommand(suite, { challenge, token }))

    expect((await tokenOf(suite, token.serial)).counter).toBe(challenge.counter + 1)
  })

  it('forgets the failures of every candidate and counts one more for each skipped token', async () => {
    const { challenge, token } = await ready(suite, 'fail_count = 4')
    const candidate = await enrolled(suite, {}, 'fail_count = 7')
    const locked = await enrolled(suite, {}, 'fail_count = 12')
    const [reset, failed] = [[token.serial, candidate.serial], [locked.serial]]

    await suite.store.accept(acceptCommand(suite, { challenge, token }, { reset, failed }))

    const counts = await times(3, async (n) => (await tokenOf(suite, [...reset, ...failed][n] ?? '')).failCount)
    expect(counts).toEqual([0, 0, 13])
  })

  it('counts a failure of every candidate and every skipped token when the answer is lost', async () => {
    const { challenge, token } = await ready(suite, 'fail_count = 4')
    const candidate = await enrolled(suite, {}, 'fail_count = 7')
    const locked = await enrolled(suite, {}, 'fail_count = 12')
    const [reset, failed] = [[token.serial, candidate.serial], [locked.serial]]

    await suite.store.accept(acceptCommand(suite, { challenge, token }, { now: challenge.expiresAt, reset, failed }))

    const counts = await times(3, async (n) => (await tokenOf(suite, [...reset, ...failed][n] ?? '')).failCount)
    expect(counts).toEqual([5, 8, 13])
  })

  it.each([
    [true, NOW, NOW],
    [false, null, null],
  ])('stamps the last match and the last success when told, stampAccess: %s', async (stampAccess, match, success) => {
    const { challenge, token } = await ready(suite)
    const candidate = await enrolled(suite)
    const reset = [token.serial, candidate.serial]

    await suite.store.accept(acceptCommand(suite, { challenge, token }, { reset, stampAccess }))

    const [winner, other] = [await tokenOf(suite, token.serial), await tokenOf(suite, candidate.serial)]
    expect([winner.lastAuthMatch, winner.lastAuthSuccess]).toEqual([match, success])
    expect([other.lastAuthMatch, other.lastAuthSuccess]).toEqual([match, null])
  })
}

function usageCounts(suite: Suite): void {
  it.each([
    [{}, {}],
    [{ count_auth_max: 5 }, { count_auth_max: 5, count_auth: 1 }],
    [
      { count_auth_success_max: 5, count_auth_success: 3 },
      { count_auth_success_max: 5, count_auth_success: 4 },
    ],
    // LinOTP stores them as text.
    [
      { count_auth_max: '5', count_auth: '4' },
      { count_auth_max: '5', count_auth: 5 },
    ],
    [
      { count_auth_max: 9, count_auth: 1, count_auth_success_max: 9 },
      { count_auth_max: 9, count_auth: 2, count_auth_success_max: 9, count_auth_success: 1 },
    ],
    [
      { count_auth_max: 0, count_auth: 3 },
      { count_auth_max: 0, count_auth: 3 },
    ],
  ])('counts a use only where there is a maximum: %j', async (info, after) => {
    const token = await enrolled(suite, { info })
    const challenge = await challenged(suite, token)

    const outcome = await suite.store.accept(acceptCommand(suite, { challenge, token }))

    expect(outcome).toBe('done')
    expect((await tokenOf(suite, token.serial)).info).toEqual(after)
  })

  it('accepts no more of fifty answers at once than the token may be used', async () => {
    const token = await enrolled(suite, { maxFailCount: 100, info: { count_auth_success_max: 3 } })
    const triggers = await times(50, () => suite.store.open(openCommand(suite, [token])))

    // The oldest first, since an accepted challenge ends the older ones.
    const challenges = triggers.flatMap(({ opened }) => opened).toSorted((a, b) => a.id - b.id)
    const outcomes = await Promise.all(
      challenges.map((challenge) => suite.store.accept(acceptCommand(suite, { challenge, token }))),
    )

    const done = countOf(outcomes, 'done')
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThanOrEqual(3)
    expect((await tokenOf(suite, token.serial)).info.count_auth_success).toBe(done)
  })
}

function refusals(suite: Suite): void {
  const token = (set: string) => ({ table: 'tokens', key: 'serial', set, now: NOW })
  const challenge = (set: string) => ({ table: 'challenges', key: 'serial', set, now: NOW })

  it.each([
    ['the challenge expires this very second', challenge(`expires_at = ${NOW}`)],
    ['nobody took the message', challenge("delivery = 'undelivered'")],
    ['it was accepted already', challenge("state = 'accepted'")],
    ['another challenge of the transaction was accepted', challenge("state = 'superseded'")],
    ['its attempts are used up', challenge("state = 'exhausted'")],
    ['it has as many attempts as are allowed', challenge('attempts = 3, max_attempts = 3')],
    ['the token is locked', token(`fail_count = max_fail_count, last_failed_at = ${NOW}`)],
    ['the token is inactive', token('active = 0')],
    ['the token changed since it was read', token('revision = revision + 1')],
    ['the token was used as often as it may be', token(`info = '{"count_auth_max":2,"count_auth":2}'`)],
    ['it succeeded as often as it may', token(`info = '{"count_auth_success_max":"1","count_auth_success":"1"}'`)],
  ])('changes nothing but the fail count and the audit when %s', async (_, { table, key, set, now }) => {
    const enrolledToken = await enrolled(suite)
    const { serial } = enrolledToken
    await challenged(suite, enrolledToken) // an older one, which a winner would end
    const prepared = { challenge: await challenged(suite, enrolledToken), token: await tokenOf(suite, serial) }
    await suite.rows(`UPDATE ${table} SET ${set} WHERE ${key} = ?`, serial)
    const token = await tokenOf(suite, serial)
    const challenges = () => suite.rows('SELECT * FROM challenges WHERE serial = ? ORDER BY id', serial)
    const before = await challenges()
    const command = acceptCommand(suite, prepared, { now, stampAccess: true })

    const outcome = await suite.store.accept(command)

    expect(outcome).toBe('lost')
    expect(await tokenOf(suite, serial)).toEqual({ ...token, failCount: token.failCount + 1, lastFailedAt: NOW })
    expect(await challenges()).toEqual(before)
    expect(await auditOf(suite, command.requestId)).toEqual(['lost'])
  })

  it.each([
    ['the second before it expires', `expires_at = ${NOW + 1}`],
    ['its message may still be under way', "delivery = 'pending'"],
    ['one attempt is left', 'attempts = 2, max_attempts = 3'],
  ])('is done when %s', async (_, set) => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token, { set })

    expect(await suite.store.accept(acceptCommand(suite, { challenge, token }))).toBe('done')
  })

  it('is lost when the token is gone', async () => {
    const prepared = await ready(suite)
    await suite.rows('DELETE FROM tokens WHERE serial = ?', prepared.token.serial)

    expect(await suite.store.accept(acceptCommand(suite, prepared))).toBe('lost')
    expect((await challengeOf(suite, prepared.challenge.id)).state).toBe('open')
  })
}
