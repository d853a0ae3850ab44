/** Contract of changes that give tokens to somebody, and of OTPs that move a counter: one of many wins. */
import { describe, expect, it } from 'vitest'
import type { Token } from '../../src/core/token.ts'
import type { Bound, TokenChange, TokenLimit } from '../../src/ports/store.ts'
import {
  acceptCommand,
  auditOf,
  auditRow,
  challenged,
  challengeOf,
  countOf,
  enrolled,
  NOW,
  newToken,
  type Suite,
  times,
  tokenOf,
} from './store-fixture.ts'

export function tokenChangeTests(suite: Suite): void {
  describe('changeTokens gives tokens away', () => assigning(suite))
  describe('changeTokens under limits', () => limiting(suite))
  describe('moveCounter', () => moving(suite))
  describe('a change within realms', () => bounding(suite))
  describe('challengesOf', () => listing(suite))
  describe('accept with tokens to purge', () => purging(suite))
}

const change = (token: Token, set: TokenChange['set']): TokenChange => ({
  serial: token.serial,
  revision: token.revision,
  set,
})
const ownerNo = (n: number, resolver: string) => ({ userId: String(n), resolver })

function assigning(suite: Suite): void {
  it('to one of fifty users who ask for the same free token', async () => {
    const token = await enrolled(suite, { owner: null, realms: [] }, 'fail_count = 4')
    const resolver = suite.next('r-')
    const ids = Array.from({ length: 50 }, () => suite.next('assign-'))

    const outcomes = await times(50, (n) =>
      suite.store.changeTokens(
        [change(token, { owner: ownerNo(n, resolver), realms: [`realm ${n}`], failCount: 0, sealedPin: `pin ${n}` })],
        auditRow(ids[n] ?? ''),
      ),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
    const winner = outcomes.indexOf('done')
    expect(await tokenOf(suite, token.serial)).toEqual({
      ...token,
      ...{ owner: ownerNo(winner, resolver), realms: [`realm ${winner}`], failCount: 0, sealedPin: `pin ${winner}` },
      revision: token.revision + 1,
    })
    const audited = await Promise.all(ids.map((id) => auditOf(suite, id)))
    expect(audited.map((rows) => rows.length)).toEqual(outcomes.map((outcome) => (outcome === 'done' ? 1 : 0)))
  })

  it('or disables it, never both, when fifty try either', async () => {
    const token = await enrolled(suite, { owner: null })
    const resolver = suite.next('r-')

    const outcomes = await times(50, (n) =>
      suite.store.changeTokens(
        [change(token, n % 2 === 0 ? { owner: ownerNo(1, resolver) } : { active: false })],
        auditRow(suite.next('race-')),
      ),
    )

    expect(countOf(outcomes, 'done')).toBe(1)
    const { owner, active } = await tokenOf(suite, token.serial)
    const assigned = outcomes.indexOf('done') % 2 === 0
    expect({ owner, active }).toEqual(
      assigned ? { owner: ownerNo(1, resolver), active: true } : { owner: null, active: false },
    )
  })

  it('and takes them away: PIN and realms stay, open challenges end', async () => {
    const token = await enrolled(suite, { realms: ['corp', 'lab'] }, 'fail_count = 4')
    await suite.rows('UPDATE tokens SET fail_count = 0 WHERE serial = ?', token.serial)
    const challenge = await challenged(suite, token)

    const set = { owner: null, failCount: 0 as const }
    const outcome = await suite.store.changeTokens([change(token, set)], auditRow(suite.next('unassign-')))

    expect(outcome).toBe('done')
    const after = await tokenOf(suite, token.serial)
    expect([after.owner, after.realms, after.sealedPin]).toEqual([null, ['corp', 'lab'], token.sealedPin])
    expect((await challengeOf(suite, challenge.id)).state).toBe('superseded')
    expect(await suite.store.accept(acceptCommand(suite, { challenge, token: after }))).toBe('lost')
  })

  it('while fifty answers and one unassign meet: an answer that was read before it is lost after it', async () => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token)

    const outcomes = await times(50, (n) =>
      n === 25
        ? suite.store.changeTokens([change(token, { owner: null })], auditRow(suite.next('unassign-')))
        : suite.store.accept(acceptCommand(suite, { challenge, token })),
    )

    const accepted = countOf([...outcomes.slice(0, 25), ...outcomes.slice(26)], 'done')
    expect(outcomes[25]).toBe('done')
    expect(accepted).toBeLessThanOrEqual(1)
    expect((await challengeOf(suite, challenge.id)).state).toBe(accepted === 1 ? 'accepted' : 'superseded')
  })

  it('keeps challenges open when something else than the owner changes', async () => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token)

    await suite.store.changeTokens([change(token, { realms: ['lab'] })], auditRow(suite.next('realms-')))

    expect((await challengeOf(suite, challenge.id)).state).toBe('open')
    expect((await tokenOf(suite, token.serial)).realms).toEqual(['lab'])
  })

  it('copies from a token only as long as it is as it was read', async () => {
    const [from, to] = [await enrolled(suite), await enrolled(suite)]
    const { serial, revision } = from
    const copy = (n: number) =>
      suite.store.changeTokens([change(to, { sealedPin: `copy ${n}` })], auditRow(suite.next('copy-')), {
        unchanged: [{ serial, revision }],
      })

    const outcomes = await times(
      50,
      (n): Promise<string> =>
        n < 25
          ? copy(n)
          : suite.store.changeTokens([change(from, { sealedPin: `new ${n}` })], auditRow(suite.next('set-'))),
    )

    const [copies, sets] = [outcomes.slice(0, 25), outcomes.slice(25)]
    expect(countOf(sets, 'done')).toBe(1)
    expect(countOf(copies, 'done')).toBeLessThanOrEqual(1)
    const stale = await copy(50)
    expect([stale, (await tokenOf(suite, serial)).revision]).toEqual(['lost', revision + 1])
  })

  it('takes a member of the info away with null', async () => {
    const token = await enrolled(suite, { info: { count_auth_max: 5, note: 'kept', scope: { path: ['validate'] } } })

    const info = { count_auth_max: null, validity_period_end: '31/12/30 23:59' }
    await suite.store.changeTokens([change(token, { info })], auditRow(suite.next('validity-')))

    const expected = { note: 'kept', scope: { path: ['validate'] }, validity_period_end: '31/12/30 23:59' }
    expect((await tokenOf(suite, token.serial)).info).toEqual(expected)
  })
}

function limiting(suite: Suite): void {
  it.each(['ofUser', 'ofUserAndType'] as const)('%s lets three of fifty tokens go to one user', async (kind) => {
    const resolver = suite.next('r-')
    const owner = ownerNo(1, resolver)
    const free: Token[] = []
    for (let n = 0; n < 50; n++) free.push(await enrolled(suite, { owner: null }))

    const outcomes = await times(50, (n) => {
      const token = free[n] as Token // fifty were made
      const limit: TokenLimit = { kind, owner, type: 'email', joining: [token.serial], atMost: 3 }
      return suite.store.changeTokens([change(token, { owner })], auditRow(suite.next('assign-')), { limits: [limit] })
    })

    expect([countOf(outcomes, 'done'), countOf(outcomes, kind)]).toEqual([3, 47])
    expect(await suite.store.findTokens({ owners: [owner] })).toHaveLength(3)
  })

  it('activeInRealm counts each token that joins once, those that are there already too', async () => {
    const realm = suite.next('realm-')
    const tokens = [
      await enrolled(suite, { realms: [realm] }),
      await enrolled(suite, { active: false, realms: [realm] }),
    ]
    const serials = tokens.map(({ serial }) => serial)
    const enable = (atMost: number) =>
      suite.store.changeTokens(
        tokens.map((token) => change(token, { active: true })),
        auditRow(suite.next('enable-')),
        { limits: [{ kind: 'activeInRealm', realm, joining: serials, atMost }] },
      )

    expect(await enable(1)).toBe('activeInRealm')
    expect((await tokenOf(suite, serials[1] ?? '')).active).toBe(false)
    expect(await enable(2)).toBe('done')
    expect(await enable(2)).toBe('lost')
  })
}

function moving(suite: Suite): void {
  it('lets one of fifty calls spend the same OTP', async () => {
    const { serial, revision } = await enrolled(suite, {}, 'counter = 5, fail_count = 7')
    const move = { serial, revision, matched: 8, next: 10, resetFailCount: true }

    const outcomes = await times(50, () => suite.store.moveCounter(move, auditRow(suite.next('resync-'))))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
    const { counter, failCount, revision: after } = await tokenOf(suite, serial)
    expect([counter, failCount, after]).toEqual([10, 0, revision])
  })

  it('never moves backwards, keeps failures unless told, and loses against a new secret', async () => {
    const { serial, revision } = await enrolled(suite, {}, 'counter = 5, fail_count = 7')
    const spend = (matched: number, seen = revision) =>
      suite.store.moveCounter(
        { serial, revision: seen, matched, next: matched + 1, resetFailCount: false },
        auditRow(suite.next('find-')),
      )

    expect([await spend(4), await spend(6, revision + 1), await spend(5)]).toEqual(['lost', 'lost', 'done'])
    const { counter, failCount } = await tokenOf(suite, serial)
    expect([counter, failCount]).toEqual([6, 7])
  })
}

const STEPS: Readonly<Record<string, (suite: Suite, token: Token, bound: Bound) => Promise<unknown>>> = {
  changeTokens: ({ store, next }, token, bound) =>
    store.changeTokens([change(token, { active: false })], auditRow(next('bound-')), bound),
  'changeTokens by another token': async (suite, token, bound) => {
    const other = await enrolled(suite, { realms: ['corp', 'home', 'lab'] })
    const guards = { ...bound, unchanged: [token] }
    return suite.store.changeTokens([change(other, { active: false })], auditRow(suite.next('bound-')), guards)
  },
  reinitToken: ({ store, next }, token, bound) => store.reinitToken(token, auditRow(next('bound-')), bound),
  replaceToken: ({ store, next }, token, bound) =>
    store.replaceToken(newToken(next('lost-')), token, auditRow(next('bound-')), bound),
  moveCounter: ({ store, next }, { serial, revision, counter }, bound) => {
    const move = { serial, revision, matched: counter, next: counter + 1, resetFailCount: true }
    return store.moveCounter(move, auditRow(next('bound-')), bound)
  },
}

function bounding(suite: Suite): void {
  it.each(Object.entries(STEPS))('by %s leaves what lies elsewhere as it is, fifty at once', async (_, step) => {
    const token = await enrolled(suite, { realms: ['lab', 'corp'] })

    const outside = await times(50, () => step(suite, token, { within: [['corp'], ['home', 'shop']] }))

    expect(countOf(outside, 'elsewhere')).toBe(50)
    expect(await tokenOf(suite, token.serial)).toEqual(token)
    expect(await step(suite, token, { within: [['home', 'corp'], ['lab']] })).toBe('done')
  })
}

function listing(suite: Suite): void {
  it('has unexpired challenges in any state, oldest first', async () => {
    const token = await enrolled(suite)
    const expired = await challenged(suite, token, { set: `expires_at = ${NOW}` })
    const [first, second] = [
      await challenged(suite, token, { set: "state = 'accepted'" }),
      await challenged(suite, token),
    ]

    const found = await suite.store.challengesOf([token.serial, 'NOBODY'], NOW)

    expect(found.map(({ id }) => id)).toEqual([first.id, second.id])
    expect(expired.id).toBeLessThan(first.id)
  })
}

function purging(suite: Suite): void {
  it('removes roll-out tokens with the one of fifty answers that is accepted, and none whose scope was lifted', async () => {
    const token = await enrolled(suite)
    const rollout = await enrolled(suite, { info: { scope: { path: ['userservice'] } } })
    const lifted = await enrolled(suite)
    const [challenge, of] = [await challenged(suite, token), await challenged(suite, rollout)]
    const purge = [rollout.serial, lifted.serial]
    const ids = Array.from({ length: 50 }, () => suite.next('accept-'))

    const outcomes = await times(50, (n) => {
      const requestId = ids[n] ?? ''
      const audit = {
        done: auditRow(requestId),
        lost: auditRow(requestId),
        purged: auditRow(`${requestId}.p`, 'purged'),
      }
      return suite.store.accept({ ...acceptCommand(suite, { challenge, token }, { requestId }), purge, audit })
    })

    expect(countOf(outcomes, 'done')).toBe(1)
    expect((await suite.store.findTokens({ serials: purge })).map(({ serial }) => serial)).toEqual([lifted.serial])
    expect(await suite.rows('SELECT id FROM challenges WHERE id = ?', of.id)).toEqual([])
    const told = await Promise.all(ids.map((id) => auditOf(suite, `${id}.p`)))
    expect(told).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['purged'] : [])))
  })
}
