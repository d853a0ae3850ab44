import { describe, expect, it } from 'vitest'
import { aChallenge, aToken, NOON, UNTHROTTLED } from '../../test/support/records.ts'
import type { Challenge } from './challenge.ts'
import { answerable, type CheckFacts, decide, type Evidence } from './check.ts'
import type { Token } from './token.ts'

const TRANSACTION = '12345678901234567'

const token = (serial: string, over: Partial<Token> = {}) => aToken({ serial, ...over })
const challenge = (id: number, serial: string, over: Partial<Challenge> = {}) => aChallenge({ id, serial, ...over })

const evidence = (over: Partial<Evidence> = {}): Evidence => ({
  requests: false,
  pinPartMatches: false,
  matched: [],
  answersFirst: false,
  ...over,
})
/** What a pass can turn out to be. */
const PIN = evidence({ requests: true })
const WRONG_PIN = evidence()
const WRONG_OTP = evidence({ pinPartMatches: true })
const OTP_OF = (...matched: readonly number[]) => evidence({ pinPartMatches: true, matched })

type Case = Partial<CheckFacts> & { readonly proved?: Readonly<Record<string, Evidence>> }

const plan = ({ proved = {}, ...facts }: Case) =>
  decide(
    {
      ...{ realm: 'corp', transactionId: null, path: 'validate/check', candidates: [], challenges: [] },
      throttle: UNTHROTTLED,
      ...facts,
    },
    new Map(Object.entries(proved)),
    NOON,
  )

describe('a request without a PIN that could be an answer', () => {
  const guess = evidence({ requests: true, pinPartMatches: true, answersFirst: true, guesses: true })

  it.each<readonly [string, readonly Challenge[], readonly string[]]>([
    ['counts a failure where there is something to answer', [challenge(1, 'A')], ['A']],
    ['counts none where there is nothing', [], []],
    ['counts none where that is over', [challenge(1, 'A', { state: 'exhausted' })], []],
  ])('%s', (_, challenges, failed) => {
    const only = token('A')

    const decided = plan({ candidates: [only], challenges, proved: { A: guess } })

    expect(decided).toEqual({ kind: 'trigger', tokens: [only], failed, guessed: failed.length > 0 ? [1] : [] })
  })
})

describe('tokens that are skipped (contract 2.2)', () => {
  it.each([
    ['is in other realms than the user', { realms: ['lab'] }, 'token_foreign_realm', false],
    ['is inactive', { active: false }, 'token_inactive', false],
    ['is locked', { failCount: 10 }, 'token_locked', true],
    ['is not valid yet', { info: { validity_period_start: '01/07/26 12:01' } }, 'token_not_yet_valid', true],
    ['is not valid any more', { info: { validity_period_end: '01/07/26 11:59' } }, 'token_expired', true],
    ['was asked as often as it may be', { info: { count_auth_max: 2, count_auth: 2 } }, 'token_usage_exceeded', true],
    [
      'succeeded as often as it may',
      { info: { count_auth_success_max: 1, count_auth_success: 1 } },
      'token_usage_exceeded',
      true,
    ],
    // The first reason of the table counts.
    ['is inactive and locked', { active: false, failCount: 10 }, 'token_inactive', false],
    ['is locked and expired', { failCount: 10, info: { validity_period_end: '01/07/26 11:59' } }, 'token_locked', true],
    [
      'is used up and expired',
      { info: { count_auth_max: 1, count_auth: 1, validity_period_end: '01/07/26 11:59' } },
      'token_usage_exceeded',
      true,
    ],
  ])('rejects even the right OTP when the token %s', (_, over, reason, counts) => {
    const only = token('A', over)

    const decided = plan({ candidates: [only], challenges: [challenge(1, 'A')], proved: { A: OTP_OF(1) } })

    expect(decided).toEqual({ kind: 'reject', reason, failed: counts ? ['A'] : [], judged: [], guessed: [] })
  })

  it('sends nothing for a token that may not be used, though the PIN is right', () => {
    const decided = plan({ candidates: [token('A', { failCount: 10 })], proved: { A: PIN } })

    expect(decided).toMatchObject({ kind: 'reject', reason: 'token_locked', failed: ['A'] })
  })

  it.each([
    ['whose keys are missing', { A: evidence({ unreadable: true, requests: true, matched: [1] }) }],
    ['of which nothing was proved', {}],
  ])('does not count a failure of a token %s', (_, proved) => {
    const decided = plan({ candidates: [token('A')], challenges: [challenge(1, 'A')], proved })

    expect(decided).toEqual({ kind: 'reject', reason: 'token_unreadable', failed: [], judged: [], guessed: [] })
  })

  it('takes a token in no realm, and one in the realm of the user', () => {
    const candidates = [token('A'), token('B', { realms: ['lab', 'corp'] })]

    expect(plan({ candidates, proved: { A: PIN, B: PIN } })).toMatchObject({ kind: 'trigger', tokens: candidates })
  })

  it('asks for no realm when the request names a token instead of a user', () => {
    const only = token('A', { realms: ['lab'] })

    expect(plan({ realm: null, candidates: [only], proved: { A: PIN } })).toMatchObject({ kind: 'trigger' })
  })

  it('has nothing to say without candidates', () => {
    expect(plan({})).toEqual({ kind: 'reject', reason: 'token_missing', failed: [], judged: [], guessed: [] })
  })

  it('names the first reason when every token is skipped, and counts where it is due', () => {
    const candidates = [token('A', { active: false }), token('B', { failCount: 10 }), token('C', { realms: ['lab'] })]

    expect(plan({ candidates })).toMatchObject({ reason: 'token_inactive', failed: ['B'] })
  })
})

describe('exactly one right answer', () => {
  it('is accepted; every token that was asked starts afresh, and skipped ones pay', () => {
    const candidates = [
      token('RIGHT', { failCount: 3 }),
      token('WRONG'),
      token('PIN'),
      token('LOCKED', { failCount: 10 }),
      token('OFF', { active: false }),
    ]
    const challenges = [challenge(1, 'RIGHT'), challenge(2, 'WRONG')]

    const decided = plan({ candidates, challenges, proved: { RIGHT: OTP_OF(1), WRONG: WRONG_PIN, PIN } })

    const [right] = candidates
    expect(decided).toEqual({
      kind: 'accept',
      token: right,
      challenge: challenges[0],
      reset: ['RIGHT', 'WRONG', 'PIN'],
      failed: ['LOCKED'],
    })
  })

  it.each([
    [[7], 7],
    // Two of a token have the same OTP: the newest is taken.
    [[7, 8, 9], 9],
  ])('may be to an older challenge: %j, %d', (matched, id) => {
    const challenges = [challenge(7, 'A'), challenge(9, 'A'), challenge(8, 'A')]

    const decided = plan({ candidates: [token('A')], challenges, proved: { A: OTP_OF(...matched) } })

    expect(decided).toMatchObject({ kind: 'accept', challenge: { id } })
  })

  it.each<[string, Partial<Challenge>]>([
    ['expired this very second', { expiresAt: NOON }],
    ['was answered', { state: 'accepted' }],
    ['was superseded', { state: 'superseded' }],
    ['was not delivered', { delivery: 'undelivered' }],
    ['has no attempt left', { attempts: 3, maxAttempts: 3 }],
  ])('does not count for a challenge that %s', (_, over) => {
    const decided = plan({ candidates: [token('A')], challenges: [challenge(1, 'A', over)], proved: { A: OTP_OF(1) } })

    expect(decided).toMatchObject({ kind: 'reject', reason: 'challenge_missing', failed: ['A'], guessed: [] })
  })

  it("does not count for another token's challenge", () => {
    const challenges = [challenge(1, 'A'), challenge(2, 'B')]

    expect(plan({ candidates: [token('A')], challenges, proved: { A: OTP_OF(2) } })).toMatchObject({
      reason: 'otp_wrong',
    })
  })
})

describe('more than one right answer (contract 12.2 #25)', () => {
  it('is a failure that all of them pay for', () => {
    const candidates = [token('A'), token('B'), token('WRONG'), token('LOCKED', { failCount: 10 }), token('PIN')]
    const challenges = [challenge(1, 'A'), challenge(2, 'B'), challenge(3, 'WRONG')]
    const proved = { A: OTP_OF(1), B: OTP_OF(2), WRONG: WRONG_OTP, PIN }

    expect(plan({ candidates, challenges, proved })).toEqual({
      kind: 'reject',
      reason: 'otp_ambiguous',
      failed: ['LOCKED', 'A', 'B', 'WRONG'],
      judged: ['A', 'B', 'WRONG'],
      guessed: [1, 2],
    })
  })
})

describe('at least one request', () => {
  it('triggers all of them and counts no failure of a token that was asked', () => {
    const candidates = [token('A'), token('WRONG'), token('B'), token('LOCKED', { failCount: 10 })]

    expect(plan({ candidates, proved: { A: PIN, B: PIN, WRONG: WRONG_PIN } })).toEqual({
      kind: 'trigger',
      tokens: [candidates[0], candidates[2]],
      failed: ['LOCKED'],
      guessed: [],
    })
  })

  it('is no request beside a transaction id: the PIN is a wrong OTP there', () => {
    const facts = { candidates: [token('A')], challenges: [challenge(1, 'A')], proved: { A: PIN } }

    expect(plan({ ...facts, transactionId: TRANSACTION })).toMatchObject({
      kind: 'reject',
      reason: 'otp_wrong',
      failed: ['A'],
    })
    expect(plan({ ...facts, transactionId: '' })).toMatchObject({ kind: 'reject', reason: 'challenge_missing' })
  })

  it.each([
    [true, [1], 'accept'],
    [false, [1], 'trigger'],
    [true, [], 'trigger'],
  ])('when answers come first, %s, and the pass is also the OTP of %j: %s', (answersFirst, matched, kind) => {
    const both = evidence({ requests: true, pinPartMatches: true, matched, answersFirst })

    expect(plan({ candidates: [token('A')], challenges: [challenge(1, 'A')], proved: { A: both } })).toMatchObject({
      kind,
    })
  })
})

describe('only wrong answers', () => {
  it('costs every token that was asked a failure and its challenges an attempt', () => {
    const candidates = [token('A'), token('B'), token('LOCKED', { failCount: 10 }), token('OFF', { active: false })]
    const challenges = [challenge(1, 'A'), challenge(2, 'A'), challenge(3, 'B'), challenge(4, 'LOCKED')]
    const proved = { A: WRONG_OTP, B: WRONG_PIN }

    expect(plan({ candidates, challenges, proved })).toEqual({
      kind: 'reject',
      reason: 'otp_wrong',
      failed: ['LOCKED', 'A', 'B'],
      judged: ['A', 'B'],
      guessed: [1, 2, 3],
    })
  })

  it.each([
    ['pin_wrong', WRONG_PIN, [challenge(1, 'A')]],
    ['pin_wrong', WRONG_PIN, []],
    ['otp_wrong', WRONG_OTP, [challenge(1, 'A')]],
    ['challenge_missing', WRONG_OTP, []],
    ['challenge_missing', WRONG_OTP, [challenge(1, 'A', { expiresAt: NOON })]],
  ])('says %s', (reason, proof, challenges) => {
    expect(plan({ candidates: [token('A')], challenges, proved: { A: proof } })).toMatchObject({
      kind: 'reject',
      reason,
    })
  })

  it('counts a failure, and no attempt, where there is no challenge', () => {
    const decided = plan({ candidates: [token('A')], proved: { A: WRONG_OTP } })

    expect(decided).toMatchObject({ failed: ['A'], judged: ['A'], guessed: [] })
  })
})

describe('a transaction id', () => {
  const parentId = '12345678901234'
  const challenges = [
    challenge(1, 'A', { transactionId: `${parentId}.01`, parentId }),
    challenge(2, 'B', { transactionId: `${parentId}.02`, parentId }),
    challenge(3, 'A'),
  ]
  const candidates = [token('A'), token('B')]
  const facts = { realm: 'corp', path: 'validate/check', candidates, challenges, throttle: UNTHROTTLED }
  const meant = (transactionId: string | null) =>
    facts.candidates.map((one) => answerable({ ...facts, transactionId }, one, NOON).map(({ id }) => id))

  it.each([
    [null, [[1, 3], [2]]],
    [parentId, [[1], [2]]],
    [`${parentId}.01`, [[1], []]],
    [`${parentId}.02`, [[], [2]]],
    [TRANSACTION, [[3], []]],
    [`${parentId}.03`, [[], []]],
    [TRANSACTION.slice(0, -1), [[], []]],
    ['', [[], []]],
  ])('%j means the challenges %j', (transactionId, expected) => {
    expect(meant(transactionId)).toEqual(expected)
  })

  it('accepts the answer to a sub-transaction by its own id and by that of its parent', () => {
    const proved = { A: WRONG_OTP, B: OTP_OF(2) }

    for (const transactionId of [parentId, `${parentId}.02`])
      expect(plan({ ...facts, transactionId, proved })).toMatchObject({ kind: 'accept', challenge: { id: 2 } })
  })

  it('does not accept the right OTP of another transaction, and costs that one nothing', () => {
    const decided = plan({ ...facts, transactionId: TRANSACTION, proved: { A: OTP_OF(1), B: OTP_OF(2) } })

    expect(decided).toEqual({
      kind: 'reject',
      reason: 'otp_wrong',
      failed: ['A', 'B'],
      judged: ['A', 'B'],
      guessed: [3],
    })
  })

  it('needs no PIN', () => {
    const proved = { A: evidence({ matched: [1] }), B: WRONG_PIN }

    expect(plan({ ...facts, transactionId: parentId, proved })).toMatchObject({
      kind: 'accept',
      token: { serial: 'A' },
    })
  })
})
