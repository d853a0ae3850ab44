/** Contract of enrolment and token administration: all or nothing, under the revision that was read. */
import { describe, expect, it } from 'vitest'
import type { Token } from '../../src/core/token.ts'
import type { ReinitToken, TokenChange } from '../../src/ports/store.ts'
import { UNTHROTTLED } from '../support/records.ts'
import {
  auditOf,
  auditRow,
  auditsOf,
  challenged,
  countOf,
  enrolled,
  NOW,
  newToken,
  openCommand,
  type Suite,
  times,
  tokenOf,
} from './store-fixture.ts'

export function tokenTests(suite: Suite): void {
  describe('createToken', () => creating(suite))
  describe('reinitToken', () => reinitialising(suite))
  describe('changeTokens', () => changing(suite))
  describe('removeTokens', () => removing(suite))
  describe('findTokens and countTokens', () => finding(suite))
}

function creating(suite: Suite): void {
  it('creates one of fifty tokens with the same serial, and only that one is in the audit', async () => {
    const serial = suite.next('LSEM')
    const ids = Array.from({ length: 50 }, () => suite.next('create-'))

    const outcomes = await times(50, (n) =>
      suite.store.createToken(newToken(serial, { description: `no ${n}` }), auditRow(ids[n] ?? '', 'created')),
    )

    expect(countOf(outcomes, 'done')).toBe(1)
    expect(countOf(outcomes, 'taken')).toBe(49)
    expect((await tokenOf(suite, serial)).description).toBe(`no ${outcomes.indexOf('done')}`)
    const audit = await auditsOf(suite, ids)
    expect(audit).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['created'] : [])))
  })

  it('stores every field as given', async () => {
    const token = newToken(suite.next('LSEM'), {
      description: 'Schlüssel ‹1› \'"\\',
      digits: 8,
      hash: 'sha512',
      countWindow: 11,
      syncWindow: 1001,
      maxFailCount: 3,
      active: false,
      owner: { userId: '1001', resolver: 'corp' },
      realms: ['corp', 'lab'],
      info: { email_address: "o'neil@example.org", count_auth_max: 5, note: 'a "quoted" text' },
    })

    await suite.store.createToken(token, auditRow(suite.next('create-')))

    expect(await tokenOf(suite, token.serial)).toEqual({
      ...token,
      id: expect.any(Number),
      counter: 0,
      failCount: 0,
      lastFailedAt: null,
      revision: 1,
      lastAuthMatch: null,
      lastAuthSuccess: null,
    })
  })
}

const renewal = (token: Token, over: Partial<ReinitToken> = {}): ReinitToken => ({
  serial: token.serial,
  type: token.type,
  description: null,
  sealedSecret: 'v1.k1.new.secret',
  sealedPin: 'v1.k1.new.pin',
  digits: 8,
  hash: 'sha256',
  owner: { userId: '1002', resolver: 'corp' },
  realms: ['lab'],
  info: { email_address: 'new@example.org' },
  revision: token.revision,
  ...over,
})

function reinitialising(suite: Suite): void {
  it('starts afresh under a new secret, keeps the rest, and no old challenge stands in the way', async () => {
    const info = { email_address: 'old@example.org', count_auth_max: 5, count_auth: 2 }
    const old = await enrolled(suite, { info, description: 'kept', countWindow: 77 }, 'fail_count = 12, counter = 9')
    await suite.rows('UPDATE tokens SET fail_count = 0 WHERE serial = ?', old.serial)
    await challenged(suite, old)
    await suite.rows('UPDATE tokens SET fail_count = 12 WHERE serial = ?', old.serial)

    const outcome = await suite.store.reinitToken(renewal(old), auditRow(suite.next('init-')))

    expect(outcome).toBe('done')
    const { description: _, ...replaced } = renewal(old)
    expect(await tokenOf(suite, old.serial)).toEqual({
      ...old,
      ...replaced,
      counter: 0,
      failCount: 0,
      info: { ...info, email_address: 'new@example.org' },
      revision: old.revision + 1,
    })
    expect(await suite.rows('SELECT * FROM challenges WHERE serial = ?', old.serial)).toEqual([])
    const next = openCommand(suite, [await tokenOf(suite, old.serial)], { blocking: 600 })
    expect((await suite.store.open(next)).opened).toHaveLength(1)
  })

  it.each(['', 'new'])('takes the description %j when one is named', async (description) => {
    const old = await enrolled(suite, { description: 'old' })

    await suite.store.reinitToken(renewal(old, { description }), auditRow(suite.next('init-')))

    expect((await tokenOf(suite, old.serial)).description).toBe(description)
  })

  it('renews a token once when fifty try at the revision they all have seen', async () => {
    const old = await enrolled(suite)

    const outcomes = await times(50, (n) =>
      suite.store.reinitToken(renewal(old, { sealedSecret: `secret ${n}` }), auditRow(suite.next('init-'))),
    )

    expect(countOf(outcomes, 'done')).toBe(1)
    expect(countOf(outcomes, 'lost')).toBe(49)
    const { sealedSecret, revision } = await tokenOf(suite, old.serial)
    expect([sealedSecret, revision]).toEqual([`secret ${outcomes.indexOf('done')}`, old.revision + 1])
  })

  it('lets three of fifty tokens go to one user by a new secret', async () => {
    const owner = { userId: '1', resolver: suite.next('r-') }
    const old: Token[] = []
    for (let n = 0; n < 50; n++) old.push(await enrolled(suite, { owner: null }))

    const outcomes = await times(50, (n) => {
      const token = old[n] as Token // fifty were made
      const limit = { kind: 'ofUser', owner, joining: [token.serial], atMost: 3 } as const
      return suite.store.reinitToken(renewal(token, { owner }), auditRow(suite.next('init-')), { limits: [limit] })
    })

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'ofUser')]).toEqual([3, 47])
  })

  it('changes nothing, challenges and audit included, when the token changed since it was read', async () => {
    const old = await enrolled(suite, {}, 'revision = 5')
    await challenged(suite, old)
    const requestId = suite.next('init-')

    const outcome = await suite.store.reinitToken(renewal(old, { revision: 4 }), auditRow(requestId))

    expect(outcome).toBe('lost')
    expect(await tokenOf(suite, old.serial)).toEqual({ ...old, counter: 2 })
    expect(await suite.rows('SELECT state FROM challenges WHERE serial = ?', old.serial)).toEqual([{ state: 'open' }])
    expect(await auditOf(suite, requestId)).toEqual([])
  })
}

function changing(suite: Suite): void {
  const change = (token: Token, set: TokenChange['set']): TokenChange => ({
    serial: token.serial,
    revision: token.revision,
    set,
  })

  it.each<[TokenChange['set']]>([
    [{ sealedPin: 'v1.k1.other' }],
    [{ description: "it's new" }],
    [{ digits: 8 }],
    [{ hash: 'sha512' }],
    [{ countWindow: 5 }],
    [{ syncWindow: 6 }],
    [{ maxFailCount: 7 }],
    [{ active: false }],
    [{ description: '', active: false, digits: 4 }],
    [{}],
  ])('sets %j and leaves the rest', async (set) => {
    const token = await enrolled(suite, { description: 'old' }, 'counter = 3, fail_count = 2')

    const outcome = await suite.store.changeTokens([change(token, set)], auditRow(suite.next('set-')))

    expect(outcome).toBe('done')
    expect(await tokenOf(suite, token.serial)).toEqual({ ...token, ...set, revision: token.revision + 1 })
  })

  it('changes all tokens or none', async () => {
    const [first, second] = [await enrolled(suite), await enrolled(suite)]
    const stale = { ...change(second, { active: false }), revision: second.revision + 1 }
    const missing = { ...change(second, { active: false }), serial: 'NOBODY' }
    const requestId = suite.next('set-')

    const outcomes = [
      await suite.store.changeTokens([change(first, { active: false }), stale], auditRow(requestId)),
      await suite.store.changeTokens([change(first, { active: false }), missing], auditRow(requestId)),
    ]

    expect(outcomes).toEqual(['lost', 'lost'])
    expect([await tokenOf(suite, first.serial), await tokenOf(suite, second.serial)]).toEqual([first, second])
    expect(await auditOf(suite, requestId)).toEqual([])
  })

  it('lets one of fifty changes of the same revision through', async () => {
    const tokens = [await enrolled(suite), await enrolled(suite)]

    const outcomes = await times(50, (n) =>
      suite.store.changeTokens(
        tokens.map((token) => change(token, { description: `no ${n}` })),
        auditRow(suite.next('set-')),
      ),
    )

    expect(countOf(outcomes, 'done')).toBe(1)
    const after = await suite.store.findTokens({ serials: tokens.map(({ serial }) => serial) })
    expect(after.map(({ description }) => description)).toEqual(Array(2).fill(`no ${outcomes.indexOf('done')}`))
  })

  it('patches the info without losing uses that are counted at the same time', async () => {
    const token = await enrolled(suite, { info: { count_auth_max: 100, note: 'old' } })
    const { serial } = token
    const count = () =>
      suite.store.reject({
        now: NOW,
        throttle: UNTHROTTLED,
        failed: [serial],
        judged: [serial],
        guessed: [],
        audit: auditRow(suite.next('r-')),
      })
    const patch = () =>
      suite.store.changeTokens([change(token, { info: { note: 'new', more: 7 } })], auditRow(suite.next('set-')))

    await times(50, (n): Promise<unknown> => (n === 25 ? patch() : count()))

    expect((await tokenOf(suite, serial)).info).toEqual({ count_auth_max: 100, count_auth: 49, note: 'new', more: 7 })
  })
}

function removing(suite: Suite): void {
  it('removes tokens with their challenges, and says how many there were', async () => {
    const [first, second, kept] = [await enrolled(suite), await enrolled(suite), await enrolled(suite)]
    for (const token of [first, second, kept]) await challenged(suite, token)
    const requestId = suite.next('remove-')

    const removed = await suite.store.removeTokens(
      [first.serial, 'NOBODY', second.serial],
      auditRow(requestId, 'removed'),
    )

    expect(removed).toBe(2)
    const serials = [first.serial, second.serial, kept.serial]
    expect((await suite.store.findTokens({ serials })).map(({ serial }) => serial)).toEqual([kept.serial])
    const left = await suite.rows('SELECT serial FROM challenges WHERE serial IN (?, ?, ?)', ...serials)
    expect(left).toEqual([{ serial: kept.serial }])
    expect(await auditOf(suite, requestId)).toEqual(['removed'])
  })

  it('removes a token once when fifty try', async () => {
    const { serial } = await enrolled(suite)

    const removed = await times(50, () => suite.store.removeTokens([serial], auditRow(suite.next('remove-'))))

    expect([countOf(removed, 1), countOf(removed, 0)]).toEqual([1, 49])
  })

  it('removes none of several tokens when one lies outside the realms of the administrator', async () => {
    const [own, foreign] = [
      await enrolled(suite, { realms: ['corp', 'lab'] }),
      await enrolled(suite, { realms: ['lab'] }),
    ]
    const serials = [own.serial, foreign.serial]
    const remove = (requestId: string, some: readonly string[]) =>
      suite.store.removeTokens(some, auditRow(requestId, 'removed'), { within: [['corp']] })
    const [refused, done] = [suite.next('remove-'), suite.next('remove-')]

    const outcomes = [await remove(refused, serials), await remove(done, [own.serial])]

    expect(outcomes).toEqual(['elsewhere', 1])
    expect((await suite.store.findTokens({ serials })).map(({ serial }) => serial)).toEqual([foreign.serial])
    expect([await auditOf(suite, refused), await auditOf(suite, done)]).toEqual([[], ['removed']])
  })

  it('resets no token that has moved to another realm, when fifty reset while it moves', async () => {
    const { serial, revision } = await enrolled(suite, { realms: ['corp'] })
    const reset = () => suite.store.resetFailCounts([serial], auditRow(suite.next('reset-')), { within: [['corp']] })
    const move = () => suite.rows('UPDATE tokens SET realms = ?, fail_count = 7 WHERE serial = ?', '["lab"]', serial)

    const outcomes = await times(50, (n): Promise<unknown> => (n === 25 ? move() : reset()))

    expect(countOf(outcomes, 1) + countOf(outcomes, 'elsewhere')).toBe(49)
    expect(await suite.store.findTokens({ serials: [serial] })).toMatchObject([{ failCount: 7, revision }])
    expect(await reset()).toBe('elsewhere')
  })

  it('takes a token in no realm for one that lies outside', async () => {
    const { serial } = await enrolled(suite, { realms: [] })

    expect(await suite.store.resetFailCounts([serial], auditRow(suite.next('reset-')), { within: [['corp']] })).toBe(
      'elsewhere',
    )
    expect(await suite.store.resetFailCounts([serial], auditRow(suite.next('reset-')))).toBe(1)
  })
}

function finding(suite: Suite): void {
  it('finds by serial and by owner, with the user where the resolver knows one', async () => {
    const resolver = suite.next('owners-')
    const users = [{ userId: '5', login: 'eve', attributes: { email: 'eve@example.org' }, passwordHash: 'x' }]
    await suite.store.saveResolver(
      { name: resolver, type: 'passwdresolver', data: {}, users },
      'create',
      auditRow(resolver),
    )
    const own = await enrolled(suite, { owner: { userId: '5', resolver } })
    const orphan = await enrolled(suite, { owner: { userId: '6', resolver } })
    const foreign = await enrolled(suite, { owner: { userId: '5', resolver: `${resolver}x` } })

    const byOwner = await suite.store.findTokens({
      owners: [
        { userId: '5', resolver },
        { userId: '6', resolver },
      ],
    })
    const bySerial = await suite.store.findTokens({ serials: [foreign.serial, own.serial] })
    const byBoth = await suite.store.findTokens({
      serials: [foreign.serial, own.serial],
      owners: [{ userId: '5', resolver }],
    })

    const eve = { resolver, userId: '5', login: 'eve', attributes: { email: 'eve@example.org' } }
    expect(byOwner.map(({ serial, user }) => [serial, user])).toEqual([
      [own.serial, eve],
      [orphan.serial, null],
    ])
    expect(bySerial.map(({ serial }) => serial)).toEqual([own.serial, foreign.serial])
    expect(byBoth.map(({ serial }) => serial)).toEqual([own.serial])
  })

  it.each([{ serials: [] }, { owners: [] }])('finds nothing for the empty selection %j', async (selection) => {
    await enrolled(suite)

    expect(await suite.store.findTokens(selection)).toEqual([])
  })

  it('finds and counts all tokens when nothing is selected', async () => {
    const type = suite.next('type-')
    await times(3, () => enrolled(suite, { type }))

    expect((await suite.store.findTokens({})).filter((token) => token.type === type)).toHaveLength(3)
    expect(await suite.store.countTokens(type)).toBe(3)
  })
}
