/** Contract of `open`: who gets a challenge, who is pointed to another, and what that costs. */
import { describe, expect, it } from 'vitest'
import { UNTHROTTLED } from '../support/records.ts'
import {
  auditOf,
  auditRow,
  auditsOf,
  challenged,
  challengeOf,
  countOf,
  enrolled,
  enrolledMany,
  NOW,
  openCommand,
  SEND_DEADLINE,
  type Suite,
  times,
  tokenOf,
} from './store-fixture.ts'

export function openingTests(suite: Suite): void {
  describe('open', () => {
    races(suite)
    refusals(suite)
    blocking(suite)
    limits(suite)
    severalTokens(suite)
    tokens(suite)
  })
}

function races(suite: Suite): void {
  it('opens one of fifty equal triggers, points the others to it and moves the counter once', async () => {
    const token = await enrolled(suite)
    const commands = Array.from({ length: 50 }, () => openCommand(suite, [token], { blocking: 120, step: 2 }))

    const outcomes = await Promise.all(commands.map((command) => suite.store.open(command)))

    const opened = outcomes.flatMap((outcome) => outcome.opened)
    expect(opened).toHaveLength(1)
    const losers = outcomes.filter((outcome) => outcome.opened.length === 0)
    expect(losers.map((o) => o.blocking.map((c) => c.id))).toEqual(Array(49).fill([opened[0]?.id]))
    expect((await tokenOf(suite, token.serial)).counter).toBe(2)
    const audit = await auditsOf(
      suite,
      commands.map((command) => command.requestId),
    )
    expect(audit.every((rows) => rows.length === 1)).toBe(true)
    expect(countOf(audit.flat(), 'created')).toBe(1)
    expect(countOf(audit.flat(), 'blocked')).toBe(49)
  })

  it('opens each of fifty triggers when nothing blocks, and hands out no counter twice', async () => {
    const token = await enrolled(suite, {}, 'counter = 7')

    const outcomes = await times(50, () => suite.store.open(openCommand(suite, [token], { blocking: 0, step: 1 })))

    const counters = outcomes.flatMap((outcome) => outcome.opened.map((challenge) => challenge.counter))
    expect(counters.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => 8 + n))
    expect((await tokenOf(suite, token.serial)).counter).toBe(57)
  })

  it('hands back the challenge as it stands in the database', async () => {
    const token = await enrolled(suite, {}, 'counter = 3')
    const command = openCommand(suite, [token], { validity: 300, maxAttempts: 4, message: 'mail sent — ünïcode' })

    const { opened } = await suite.store.open(command)

    const [opening] = command.openings
    expect(opened).toEqual([
      {
        id: opened[0]?.id,
        transactionId: opening?.transactionId,
        parentId: command.parentId,
        serial: token.serial,
        counter: 4,
        state: 'open',
        delivery: 'pending',
        attempts: 0,
        maxAttempts: 4,
        message: 'mail sent — ünïcode',
        createdAt: NOW,
        expiresAt: NOW + 300,
      },
    ])
    expect(await challengeOf(suite, opened[0]?.id ?? 0)).toEqual(opened[0])
  })
}

function refusals(suite: Suite): void {
  it.each([
    ['is inactive', 'active = 0'],
    ['is locked', 'fail_count = max_fail_count'],
    ['failed more often than is allowed', 'fail_count = max_fail_count + 5'],
    ['changed since it was read', 'revision = revision + 1'],
    ['has another serial by now', "serial = 'GONE' || serial"],
  ])('opens nothing when the token %s', async (_, set) => {
    const token = await enrolled(suite)
    await suite.rows(`UPDATE tokens SET ${set} WHERE id = ?`, token.id)
    const command = openCommand(suite, [token])

    const outcome = await suite.store.open(command)

    expect(outcome).toEqual({ opened: [], blocking: [], limited: [], resting: [] })
    expect(await suite.rows('SELECT counter FROM tokens WHERE id = ?', token.id)).toEqual([{ counter: 0 }])
    expect(await auditOf(suite, command.requestId)).toEqual(['lost'])
  })

  it('opens nothing, and burns no counter, when the transaction id exists already', async () => {
    const [first, second] = [await enrolled(suite), await enrolled(suite)]
    const { transactionId } = await challenged(suite, first)
    const command = openCommand(suite, [second], { transactionId })

    const outcome = await suite.store.open(command)

    expect(outcome).toEqual({ opened: [], blocking: [], limited: [], resting: [] })
    expect((await tokenOf(suite, second.serial)).counter).toBe(0)
    expect(await auditOf(suite, command.requestId)).toEqual(['lost'])
  })

  it('counts a failure of the tokens that may not be used, whether or not a challenge was opened', async () => {
    const [token, locked] = [await enrolled(suite), await enrolled(suite, {}, 'fail_count = 12')]
    const again = () => openCommand(suite, [token], { blocking: 120, failed: [locked.serial] })

    const outcomes = [await suite.store.open(again()), await suite.store.open(again())]

    expect(outcomes.map((outcome) => outcome.opened.length)).toEqual([1, 0])
    expect((await tokenOf(suite, locked.serial)).failCount).toBe(14)
    expect((await tokenOf(suite, token.serial)).failCount).toBe(0)
  })
}

/** SQL that turns a delivered challenge of this second into one that is told of. */
const blocked = async (suite: Suite, set: string, blockingTime = 120) => {
  const token = await enrolled(suite)
  const earlier = await challenged(suite, token, { set })
  const outcome = await suite.store.open(openCommand(suite, [token], { blocking: blockingTime }))
  return { earlier, outcome }
}

function blocking(suite: Suite): void {
  it.each([
    ['locked', 'fail_count = max_fail_count'],
    ['inactive', 'active = 0'],
    ['changed', 'revision = revision + 1'],
  ])('tells nothing of an open challenge whose token is %s by now: a PIN must not be confirmed', async (_, set) => {
    const token = await enrolled(suite)
    await challenged(suite, token)
    await suite.rows(`UPDATE tokens SET ${set} WHERE serial = ?`, token.serial)

    const outcomes = await times(50, () => suite.store.open(openCommand(suite, [token], { blocking: 120 })))

    expect(outcomes).toEqual(Array(50).fill({ opened: [], blocking: [], limited: [], resting: [] }))
  })

  it.each([
    ['it was delivered a second less than the blocking time ago', `delivery = 'delivered', created_at = ${NOW - 119}`],
    ['it expires in the next second', `delivery = 'delivered', expires_at = ${NOW + 1}`],
    ['its message may still be under way', `created_at = ${NOW - SEND_DEADLINE + 1}`],
    ['a wrong answer was given to it', "delivery = 'delivered', attempts = 3"],
  ])('is blocked by an earlier challenge when %s', async (_, set) => {
    const { earlier, outcome } = await blocked(suite, set)

    expect(outcome).toEqual({ opened: [], blocking: [earlier], limited: [], resting: [] })
  })

  it.each([
    // Blocking is strict: LinOTP's `now <= created + blocking` would still block in this second.
    ['it is exactly as old as the blocking time', `delivery = 'delivered', created_at = ${NOW - 120}`],
    ['it expired this very second', `delivery = 'delivered', expires_at = ${NOW}`],
    ['nobody took its message', "delivery = 'undelivered'"],
    ['its process died: pending for as long as a send may take', `created_at = ${NOW - SEND_DEADLINE}`],
    ['it was answered', "delivery = 'delivered', state = 'accepted'"],
    ['its attempts are used up', "delivery = 'delivered', state = 'exhausted'"],
    ['another one was accepted', "delivery = 'delivered', state = 'superseded'"],
  ])('is not blocked by an earlier challenge when %s', async (_, set) => {
    const { outcome } = await blocked(suite, set)

    expect(outcome.opened.map((challenge) => challenge.counter)).toEqual([3])
    expect(outcome.blocking).toEqual([])
  })

  it('is blocked by nothing when the blocking time is 0, not even in the same second', async () => {
    const { outcome } = await blocked(suite, "delivery = 'delivered'", 0)

    expect(outcome.opened).toHaveLength(1)
  })

  it('names the newest of several blocking challenges first', async () => {
    const token = await enrolled(suite)
    const [older, newer] = [await challenged(suite, token), await challenged(suite, token)]

    const { blocking } = await suite.store.open(openCommand(suite, [token], { blocking: 120 }))

    expect(blocking.map((challenge) => challenge.id)).toEqual([newer.id, older.id])
  })
}

const MINUTE = { count: 3, window: 60 }
const sentAt = async (suite: Suite, serial: string): Promise<unknown> =>
  JSON.parse(String((await suite.rows('SELECT sent_at FROM tokens WHERE serial = ?', serial))[0]?.sent_at))

function limits(suite: Suite): void {
  it('opens no more than the limit of fifty triggers at once, and says of the others why', async () => {
    const token = await enrolled(suite)
    const commands = Array.from({ length: 50 }, () => openCommand(suite, [token], { limits: [MINUTE], step: 1 }))

    const outcomes = await Promise.all(commands.map((command) => suite.store.open(command)))

    expect(outcomes.flatMap(({ opened }) => opened)).toHaveLength(3)
    expect(outcomes.filter(({ limited }) => limited.some(({ serial }) => serial === token.serial))).toHaveLength(47)
    expect((await tokenOf(suite, token.serial)).counter).toBe(3)
    const audit = (
      await auditsOf(
        suite,
        commands.map(({ requestId }) => requestId),
      )
    ).map((rows) => rows.join())
    expect([countOf(audit, 'created'), countOf(audit, 'limited')]).toEqual([3, 47])
  })

  it.each<readonly [string, readonly number[], number, boolean]>([
    ['the third of three may still be sent', [NOW - 1, NOW - 59], NOW, true],
    ['three within the window are enough', [NOW - 1, NOW - 2, NOW - 59], NOW, false],
    // The window is strict, like the blocking time.
    ['one that is as old as the window is out of it', [NOW - 1, NOW - 2, NOW - 60], NOW, true],
    ['a clock that was set back forgets nothing', [NOW + 5, NOW + 6, NOW + 7], NOW, false],
  ])('%s', async (_, moments, now, opens) => {
    const token = await enrolled(suite, {}, `sent_at = '${JSON.stringify(moments)}'`)

    const { opened, limited } = await suite.store.open(openCommand(suite, [token], { now, limits: [MINUTE] }))

    expect([opened.length, limited.map(({ serial }) => serial)]).toEqual(opens ? [1, []] : [0, [token.serial]])
  })

  it('holds each of several limits', async () => {
    const both = [MINUTE, { count: 4, window: 3600 }]
    const open = async (now: number) =>
      (await suite.store.open(openCommand(suite, [token], { now, limits: both }))).opened.length
    const token = await enrolled(suite)

    const outcomes: number[] = []
    for (const after of [0, 1, 2, 3, 61, 62, 3600]) outcomes.push(await open(NOW + after))

    expect(outcomes).toEqual([1, 1, 1, 0, 1, 0, 1])
  })

  it('counts nothing without a limit, and what is not opened does not count', async () => {
    const [free, limited] = [await enrolled(suite), await enrolled(suite)]

    await suite.store.open(openCommand(suite, [free]))
    for (let n = 0; n < 5; n++) await suite.store.open(openCommand(suite, [limited], { limits: [MINUTE] }))

    expect([await sentAt(suite, free.serial), await sentAt(suite, limited.serial)]).toEqual([[], [NOW, NOW, NOW]])
  })

  it('keeps no more than a hundred moments, and none of more than seven days', async () => {
    const many = Array.from({ length: 150 }, (_, n) => NOW - n)
    const [often, long] = [
      await enrolled(suite, {}, `sent_at = '${JSON.stringify(many)}'`),
      await enrolled(suite, {}, `sent_at = '[${NOW - 604_800}, ${NOW - 604_799}]'`),
    ]
    const wide = [{ count: 100, window: 1 }]

    for (const token of [often, long]) await suite.store.open(openCommand(suite, [token], { limits: wide }))

    expect(await sentAt(suite, often.serial)).toEqual([NOW, ...many].slice(0, 100))
    expect(await sentAt(suite, long.serial)).toEqual([NOW, NOW - 604_799])
  })

  it('points to a challenge that blocks, also when the limit is reached', async () => {
    const token = await enrolled(suite)
    const earlier = await challenged(suite, token, { limits: [{ count: 1, window: 60 }] })
    const command = openCommand(suite, [token], { limits: [{ count: 1, window: 60 }], blocking: 120 })

    const outcome = await suite.store.open(command)

    expect(outcome).toEqual({ opened: [], blocking: [earlier], limited: [], resting: [] })
    expect(await auditOf(suite, command.requestId)).toEqual(['blocked'])
  })

  it('opens what is within its limit and names what is not when a trigger is for several tokens', async () => {
    const [fresh, worn] = [await enrolled(suite), await enrolled(suite, {}, `sent_at = '[${NOW}]'`)]
    const command = openCommand(suite, [fresh, worn], { limits: [{ count: 1, window: 60 }] })

    const outcome = await suite.store.open(command)

    expect(outcome.opened.map(({ serial }) => serial)).toEqual([fresh.serial])
    expect(outcome.limited).toEqual([{ serial: worn.serial, bucket: null }])
    expect(await auditOf(suite, command.requestId)).toEqual(['created'])
  })

  it('says nothing of the limit of a token that is locked: a PIN must not be confirmed', async () => {
    const token = await enrolled(suite, {}, `sent_at = '[${NOW}]', fail_count = max_fail_count`)

    const { limited } = await suite.store.open(openCommand(suite, [token], { limits: [{ count: 1, window: 60 }] }))

    expect(limited).toEqual([])
  })
}

function severalTokens(suite: Suite): void {
  it('opens forty tokens in one batch, each with its own step of the counter and its own transaction id', async () => {
    const tokens = await enrolledMany(suite, 40)
    const command = openCommand(suite, tokens, { blocking: 120 })

    const { opened } = await suite.store.open(command)

    const bySerial = new Map(opened.map((challenge) => [challenge.serial, challenge]))
    expect(tokens.map(({ serial }) => bySerial.get(serial)?.counter)).toEqual(tokens.map(() => 1))
    expect(tokens.map(({ serial }) => bySerial.get(serial)?.transactionId)).toEqual(
      command.openings.map((opening) => opening.transactionId),
    )
    const after = await suite.store.findTokens({ serials: tokens.map(({ serial }) => serial) })
    const counters = new Map(after.map((token) => [token.serial, token.counter]))
    expect(tokens.map(({ serial }) => counters.get(serial))).toEqual(tokens.map(() => 2))
    expect(await auditOf(suite, command.requestId)).toEqual(['created'])
  })

  it('opens what is free and names what is blocked when a trigger is for several tokens', async () => {
    const [free, busy, inactive] = [
      await enrolled(suite),
      await enrolled(suite),
      await enrolled(suite, { active: false }),
    ]
    const earlier = await challenged(suite, busy)
    const command = openCommand(suite, [free, busy, inactive], { blocking: 120 })

    const outcome = await suite.store.open(command)

    expect(outcome.opened.map((challenge) => challenge.serial)).toEqual([free.serial])
    // It joins the new transaction, so that the id of that one leads to it, too.
    expect(outcome.blocking).toEqual([{ ...earlier, parentId: command.parentId }])
    expect((await tokenOf(suite, busy.serial)).counter).toBe(2)
    expect(await auditOf(suite, command.requestId)).toEqual(['created'])
  })
}

function tokens(suite: Suite): void {
  it("merges what is stamped into the token's info, without losing uses that are counted at the same time", async () => {
    const token = await enrolled(suite, { info: { phone: '+49 170 1', count_auth_max: 99, until: 5 } })
    const { serial } = token
    const open = () => suite.store.open(openCommand(suite, [token], { stamp: { until: NOW + 300 } }))
    const count = () =>
      suite.store.reject({
        now: NOW,
        throttle: UNTHROTTLED,
        failed: [serial],
        judged: [serial],
        guessed: [],
        audit: auditRow(suite.next('r-')),
      })

    await times(8, (n): Promise<unknown> => (n % 2 === 0 ? open() : count()))

    const info = { phone: '+49 170 1', count_auth_max: 99, count_auth: 4, until: NOW + 300 }
    expect((await tokenOf(suite, serial)).info).toEqual(info)
  })

  it('stamps nothing on a token that was not opened', async () => {
    const token = await enrolled(suite, { active: false })

    await suite.store.open(openCommand(suite, [token], { stamp: { until: NOW } }))

    expect(await tokenOf(suite, token.serial)).toEqual(token)
  })

  it('clears away dead challenges of its tokens, and of no others', async () => {
    const [token, other] = [await enrolled(suite), await enrolled(suite)]
    const dead = `expires_at = ${NOW}, state = 'accepted'`
    const living = await challenged(suite, token, { set: `expires_at = ${NOW + 1}` })
    await challenged(suite, token, { set: dead })
    const foreign = await challenged(suite, other, { set: dead })

    const { opened } = await suite.store.open(openCommand(suite, [token]))

    const rows = await suite.rows('SELECT id FROM challenges WHERE serial IN (?, ?)', token.serial, other.serial)
    const kept = [living, foreign, ...opened].map(({ id }) => id)
    expect(rows.map(({ id }) => id).toSorted()).toEqual(kept.toSorted())
  })
}
