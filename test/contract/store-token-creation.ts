/** Contract of many new tokens at once, and of a token that takes the place of a lost one. */
import { describe, expect, it } from 'vitest'
import type { Created, NewTokens } from '../../src/ports/store.ts'
import {
  auditRow,
  auditsOf,
  challenged,
  challengeOf,
  countOf,
  enrolled,
  newToken,
  type Suite,
  times,
  tokenOf,
} from './store-fixture.ts'

export function tokenCreationTests(suite: Suite): void {
  describe('createTokens', () => creatingMany(suite))
  describe('replaceToken', () => replacing(suite))
}

function creatingMany(suite: Suite): void {
  const entry = (over: Partial<NewTokens['token']> = {}): NewTokens => {
    const serial = over.serial ?? suite.next('LSEM')
    return { token: newToken(serial, over), audit: auditRow(suite.next('import-'), 'imported') }
  }
  const auditsFor = (entries: readonly NewTokens[]) =>
    auditsOf(
      suite,
      entries.map(({ audit }) => audit.requestId),
    )
  const asAudited = (outcomes: readonly Created[]) => outcomes.map((one) => (one === 'done' ? ['imported'] : []))

  it('stores every field as given, and says of each token what became of it', async () => {
    const there = await enrolled(suite)
    const full = {
      ...{ description: 'Schlüssel ‹1› \'"\\', digits: 8, hash: 'sha512' as const, countWindow: 11, syncWindow: 1001 },
      ...{ maxFailCount: 3, active: false, owner: { userId: '1001', resolver: 'corp' }, realms: ['corp', 'lab'] },
      info: { email_address: "o'neil@example.org", count_auth_max: 5, scope: { path: ['userservice'] } },
    } as const
    const twice = suite.next('twice-')
    const entries = [
      ...[entry(full), entry({ serial: there.serial }), entry({ serial: twice }), entry({ serial: twice })],
      entry({ owner: null, realms: [], info: {} }),
    ]

    const outcomes = await suite.store.createTokens(entries)

    expect(outcomes).toEqual(['done', 'taken', 'done', 'taken', 'done'])
    const [first = entry()] = entries
    const { limits: _, ...token } = first.token
    expect(await tokenOf(suite, token.serial)).toMatchObject({ ...token, counter: 0, failCount: 0, revision: 1 })
    expect(await tokenOf(suite, there.serial)).toEqual(there)
    expect(await auditsFor(entries)).toEqual(asAudited(outcomes))
  })

  it('creates each of five tokens once when fifty bring the same five', async () => {
    const serials = Array.from({ length: 5 }, () => suite.next('LSEM'))
    const files = Array.from({ length: 50 }, () => serials.map((serial) => entry({ serial })))

    const outcomes = await times(50, (n) => suite.store.createTokens(files[n] ?? []))

    const all = outcomes.flat()
    expect([countOf(all, 'done'), countOf(all, 'taken')]).toEqual([5, 245])
    expect(await suite.store.findTokens({ serials })).toHaveLength(5)
    expect(await auditsFor(files.flat())).toEqual(asAudited(all))
  })

  it('gives an owner one token of a type and address, be it asked for fifty times or twice at once', async () => {
    const owner = { userId: '7', resolver: suite.next('r-') }
    const alike = { field: 'email_address', value: 'eve@example.org' }
    const like = (): NewTokens => ({ ...entry({ owner, info: { email_address: alike.value } }), alike })

    const outcomes = await times(50, () => suite.store.createTokens([like(), like()]))
    const other = { field: 'email_address', value: 'other@example.org' }
    const more = await suite.store.createTokens([
      { ...entry({ owner, info: { email_address: other.value } }), alike: other },
    ])

    expect([countOf(outcomes.flat(), 'done'), countOf(outcomes.flat(), 'alike')]).toEqual([1, 99])
    expect(more).toEqual(['done'])
    expect(await suite.store.findTokens({ owners: [owner] })).toHaveLength(2)
  })

  it('gives an owner one such token under limits, too', async () => {
    const owner = { userId: '9', resolver: suite.next('r-') }
    const alike = { field: 'email_address', value: 'eve@example.org' }
    const like = (): NewTokens => ({
      ...entry({ owner, info: { email_address: alike.value }, limits: { ofUser: 5 } }),
      alike,
    })

    const outcomes = await times(50, () => suite.store.createTokens([like()]))

    expect([countOf(outcomes.flat(), 'done'), countOf(outcomes.flat(), 'alike')]).toEqual([1, 49])
  })

  it('keeps limits among the tokens that come together', async () => {
    const owner = { userId: '8', resolver: suite.next('r-') }
    const entries = Array.from({ length: 5 }, () => entry({ owner, limits: { ofUser: 2 } }))

    const outcomes = await suite.store.createTokens(entries)

    expect(outcomes).toEqual(['done', 'done', 'ofUser', 'ofUser', 'ofUser'])
    expect(await auditsFor(entries)).toEqual(asAudited(outcomes))
  })

  it('knows the newest line of the audit afterwards, whichever of its lines that is', async () => {
    const entries = [entry(), entry(), entry()]

    await suite.store.createTokens(entries)

    const [row] = await suite.rows('SELECT MAX(number) AS newest FROM audit')
    expect((await suite.store.newestAudit())?.number).toBe(row?.newest)
    expect(entries.map(({ audit }) => suite.store.wasAudited(audit.requestId))).toEqual([true, true, true])
  })
}

function replacing(suite: Suite): void {
  it('makes one replacement when fifty ask for it, and the lost token works no more', async () => {
    const lost = await enrolled(suite)
    const challenge = await challenged(suite, lost)
    const serial = `lost${lost.serial}`

    const outcomes = await times(50, () =>
      suite.store.replaceToken(newToken(serial, { owner: lost.owner }), lost, auditRow(suite.next('lost-'))),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'taken')]).toEqual([1, 49])
    expect((await tokenOf(suite, serial)).active).toBe(true)
    const after = await tokenOf(suite, lost.serial)
    expect([after.active, after.revision]).toEqual([false, lost.revision + 1])
    expect((await challengeOf(suite, challenge.id)).state).toBe('superseded')
  })

  it('leaves everything as it is when the lost token changed, or the serial is taken', async () => {
    const [lost, other] = [await enrolled(suite), await enrolled(suite)]
    const stale = { ...lost, revision: lost.revision + 1 }

    const outcomes = [
      await suite.store.replaceToken(newToken(suite.next('lost-')), stale, auditRow(suite.next('lost-'))),
      await suite.store.replaceToken(newToken(other.serial), lost, auditRow(suite.next('lost-'))),
    ]

    expect(outcomes).toEqual(['lost', 'taken'])
    expect([await tokenOf(suite, lost.serial), await tokenOf(suite, other.serial)]).toEqual([lost, other])
  })
}
