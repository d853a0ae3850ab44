/** Contract of what users do for themselves: their sessions, and tokens that change only while they are theirs. */
import { describe, expect, it } from 'vitest'
import { NOBODY } from '../../src/adapters/store/nobody.ts'
import type { Token } from '../../src/core/token.ts'
import type { OwnToken, TakenToken, UserSession } from '../../src/ports/self-service.ts'
import {
  acceptCommand,
  auditOf,
  auditRow,
  auditsOf,
  challenged,
  countOf,
  enrolled,
  NOW,
  type Suite,
  times,
  tokenOf,
} from './store-fixture.ts'

export function selfTests(suite: Suite): void {
  describe('sessions of users', () => sessions(suite))
  describe('tokens of users', () => ownTokens(suite))
  describe('takeToken', () => taking(suite))
}

const CLIENT = '192.0.2.1'

function sessions(suite: Suite): void {
  const session = (over: Partial<UserSession> = {}): UserSession => ({
    ...{ id: suite.next('session-'), resolver: 'corp', userId: '1001', login: 'ada', realm: 'corp', client: CLIENT },
    ...{ state: 'credentials_verified', transactionId: '', expiresAt: NOW + 60, ...over },
  })
  const begun = async (over: Partial<UserSession> = {}) => {
    const one = session(over)
    await suite.store.beginUserSession(one, null)
    return one
  }
  const find = ({ id }: Pick<UserSession, 'id'>, client = CLIENT, now = NOW) =>
    suite.store.findUserSession(id, client, now)

  it('is found by its client until it expires, and comes with its row of the audit', async () => {
    const [one, request] = [session(), suite.next('login-')]

    await suite.store.beginUserSession(one, auditRow(request, 'begun'))

    expect(await find(one)).toEqual(one)
    expect([await find(one, '192.0.2.2'), await find(one, CLIENT, NOW + 60), await find({ id: 'x' })]).toEqual([
      null,
      null,
      null,
    ])
    expect(await auditOf(suite, request)).toEqual(['begun'])
  })

  it('moves once when fifty move it at once, and is found under its new id alone', async () => {
    const one = await begun()
    const ids = Array.from({ length: 50 }, () => suite.next('session-'))

    const outcomes = await times(50, (n) =>
      suite.store.moveUserSession(one, { id: ids[n] ?? '', state: 'authenticated', transactionId: '' }, NOW),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
    const found = await Promise.all(ids.map((id) => find({ id })))
    expect(found.map((each) => each?.state)).toEqual(
      outcomes.map((outcome) => (outcome === 'done' ? 'authenticated' : undefined)),
    )
    expect(await find(one)).toBeNull()
  })

  it.each<[string, (one: UserSession) => [UserSession, number]]>([
    ['it has expired', (one) => [one, NOW + 60]],
    ['it is in another state', (one) => [{ ...one, state: 'challenge_triggered' }, NOW]],
    ['it has another transaction', (one) => [{ ...one, transactionId: '17' }, NOW]],
  ])('does not move when %s', async (_, change) => {
    const one = await begun()
    const [seen, now] = change(one)

    const moved = await suite.store.moveUserSession(seen, { ...one, state: 'authenticated' }, now)

    expect([moved, (await find(one))?.state]).toEqual(['lost', 'credentials_verified'])
  })

  it('ends once and for all, also while it moves', async () => {
    const one = await begun()
    const to = { id: suite.next('session-'), state: 'authenticated', transactionId: '' } as const

    await suite.store.endUserSessions([one.id], auditRow(suite.next('logout-')))

    expect([await suite.store.moveUserSession(one, to, NOW), await find(one), await find(to)]).toEqual([
      'lost',
      null,
      null,
    ])
  })

  it('is swept away when it is over', async () => {
    const [over, live] = [await begun({ expiresAt: NOW }), await begun()]

    await suite.store.sweep(NOW)

    const rows = await suite.rows('SELECT id FROM user_sessions WHERE id IN (?, ?)', over.id, live.id)
    expect(rows).toEqual([{ id: live.id }])
  })
}

const ADA = { userId: '1001', resolver: 'corp' }
const STRANGERS = [
  ['another user', { owner: { userId: '1002', resolver: 'corp' } }],
  ['the same id in another resolver', { owner: { userId: '1001', resolver: 'lab' } }],
  ['nobody', { owner: null }],
] as const

function ownTokens(suite: Suite): void {
  const audit = () => auditRow(suite.next('self-'), 'changed')
  const own = ({ serial }: Pick<Token, 'serial'>): OwnToken => ({ serial, owner: ADA })
  const acts: readonly (readonly [string, (token: OwnToken, row: ReturnType<typeof audit>) => Promise<string>])[] = [
    ['set', (token, row) => suite.store.changeOwnToken(token, { description: 'mine' }, [], row)],
    ['disable', (token, row) => suite.store.changeOwnToken(token, { active: false }, [], row)],
    ['reset', (token, row) => suite.store.resetOwnToken(token, row)],
    ['remove', (token, row) => suite.store.removeOwnToken(token, row)],
    ['release', (token, row) => suite.store.releaseOwnToken(token, row)],
  ]
  const table = acts.flatMap(([name, act]) => STRANGERS.map(([whose, over]) => [name, whose, over, act] as const))

  it.each(table)('refuses to %s a token of %s, and writes no row of the audit', async (_, __, over, act) => {
    const token = await enrolled(suite, over, 'fail_count = 3')
    const row = audit()

    const outcome = await act(own(token), row)

    expect(outcome).toBe('unknown')
    expect(await tokenOf(suite, token.serial)).toEqual(token)
    expect(await auditOf(suite, row.requestId)).toEqual([])
  })

  it.each(acts)("refuses to %s the token that is nobody's", async (_, act) => {
    const before = await tokenOf(suite, NOBODY)

    expect(await act(own({ serial: NOBODY }), audit())).toBe('unknown')
    expect(await tokenOf(suite, NOBODY)).toEqual(before)
  })

  it('sets what is named, under a new revision', async () => {
    const token = await enrolled(suite, { owner: ADA })

    const outcome = await suite.store.changeOwnToken(own(token), { active: false, description: 'mine' }, [], audit())

    expect(outcome).toBe('done')
    expect(await tokenOf(suite, token.serial)).toEqual({
      ...token,
      ...{ active: false, description: 'mine', revision: token.revision + 1 },
    })
  })

  it('sets the fail count to 0, removes with challenges, and gives back without them', async () => {
    const tokens = await Promise.all(
      [0, 1, 2].map(() => enrolled(suite, { owner: ADA, realms: ['corp'] }, 'fail_count = 3')),
    )
    const [reset, removed, released] = tokens as [Token, Token, Token] // three were made
    for (const token of tokens) await challenged(suite, { ...token, failCount: 0 })

    await suite.store.resetOwnToken(own(reset), audit())
    await suite.store.removeOwnToken(own(removed), audit())
    await suite.store.releaseOwnToken(own(released), audit())

    expect((await tokenOf(suite, reset.serial)).failCount).toBe(0)
    expect(await suite.rows('SELECT 1 FROM tokens WHERE serial = ?', removed.serial)).toEqual([])
    expect(await tokenOf(suite, released.serial)).toMatchObject({ owner: null, failCount: 0, realms: ['corp'] })
    const left = await suite.rows(
      'SELECT DISTINCT serial FROM challenges WHERE serial IN (SELECT value FROM json_each(?))',
      JSON.stringify(tokens.map(({ serial }) => serial)),
    )
    expect(left).toEqual([{ serial: reset.serial }])
  })

  it('removes and gives back once when fifty try', async () => {
    for (const act of ['removeOwnToken', 'releaseOwnToken'] as const) {
      const token = await enrolled(suite, { owner: ADA })
      const ids = Array.from({ length: 50 }, () => suite.next('self-'))

      const outcomes = await times(50, (n) => suite.store[act](own(token), auditRow(ids[n] ?? '', 'done')))

      expect([act, countOf(outcomes, 'done'), countOf(outcomes, 'unknown')]).toEqual([act, 1, 49])
      expect((await auditsOf(suite, ids)).flat()).toEqual(['done'])
    }
  })

  it('enables three of fifty where a realm may have three that are active', async () => {
    const realm = suite.next('realm')
    const tokens = await times(50, () => enrolled(suite, { owner: ADA, realms: [realm], active: false }))

    const outcomes = await times(50, (n) =>
      suite.store.changeOwnToken(
        own(tokens[n] as Token), // fifty were made
        { active: true },
        [{ kind: 'activeInRealm', realm, atMost: 3, joining: [tokens[n]?.serial ?? ''] }],
        audit(),
      ),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'activeInRealm')]).toEqual([3, 47])
  })

  it('takes the mark of a token that is verified by the answer, and by no other', async () => {
    const info = { email_address: 'ada@example.org', verification: 'pending' }
    for (const verifies of [true, false]) {
      const token = await enrolled(suite, { owner: ADA, info })
      const challenge = await challenged(suite, token)

      await suite.store.accept(acceptCommand(suite, { challenge, token }, { verifies }))

      expect((await tokenOf(suite, token.serial)).info.verification).toBe(verifies ? undefined : 'pending')
    }
  })
}

function taking(suite: Suite): void {
  const taken = ({ serial }: Pick<Token, 'serial'>, over: Partial<TakenToken> = {}): TakenToken => ({
    ...{ serial, owner: ADA, realms: ['corp'], set: {}, limits: [], ...over },
  })
  const take = (token: TakenToken) => suite.store.takeToken(token, auditRow(suite.next('take-'), 'taken'))

  it('gives a token that nobody owns to one of fifty, with PIN and description, and ends its challenges', async () => {
    const token = await enrolled(suite, {}, 'fail_count = 2')
    await challenged(suite, token)
    const users = Array.from({ length: 50 }, () => ({ userId: suite.next('user'), resolver: 'corp' }))

    const outcomes = await times(50, (n) =>
      take(taken(token, { owner: users[n] ?? ADA, set: { sealedPin: `pin ${n}`, description: `no ${n}` } })),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'owned')]).toEqual([1, 49])
    const winner = outcomes.indexOf('done')
    expect(await tokenOf(suite, token.serial)).toMatchObject({
      ...{ owner: users[winner], sealedPin: `pin ${winner}`, description: `no ${winner}`, realms: ['corp'] },
      ...{ failCount: 0, revision: token.revision + 1 },
    })
    expect(await suite.rows('SELECT 1 FROM challenges WHERE serial = ?', token.serial)).toEqual([])
  })

  it('keeps PIN and description that are not named', async () => {
    const token = await enrolled(suite, { description: 'spare', realms: ['lab', 'corp'] })

    expect(await take(taken(token))).toBe('done')
    const { sealedPin, description } = await tokenOf(suite, token.serial)
    expect({ sealedPin, description }).toEqual({ sealedPin: token.sealedPin, description: 'spare' })
  })

  it.each([
    ['owned', { owner: { userId: '1002', resolver: 'corp' } }],
    ['owned', { owner: ADA }],
    ['foreign_realm', { realms: ['lab'] }],
  ] as const)('refuses one that is %s', async (reason, over) => {
    const token = await enrolled(suite, over)

    expect(await take(taken(token))).toBe(reason)
    expect(await tokenOf(suite, token.serial)).toEqual(token)
  })

  it("refuses what is not there, and the token that is nobody's", async () => {
    const token = await enrolled(suite)

    expect(await take(taken(token, { serial: 'NONE' }))).toBe('unknown')
    expect(await take(taken(token, { serial: NOBODY }))).toBe('unknown')
  })

  it('gives three of fifty where a user may have three', async () => {
    const owner = { userId: suite.next('user'), resolver: 'corp' }
    const tokens = await times(50, () => enrolled(suite))

    const outcomes = await times(
      50,
      (n) =>
        take(
          taken(tokens[n] as Token, {
            owner,
            limits: [{ kind: 'ofUser', owner, atMost: 3, joining: [tokens[n]?.serial ?? ''] }],
          }),
        ), // fifty were made
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'ofUser')]).toEqual([3, 47])
  })
}
