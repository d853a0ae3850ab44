/** Contract of the rests of providers: when they begin, how long they last, what lifts them, and fifty of each at once. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ProviderKey, ProviderRecord } from '../../src/core/settings.ts'
import type { Instant } from '../../src/core/time.ts'
import type { FailedProvider } from '../../src/ports/store.ts'
import { auditOf, auditRow, challenged, enrolled, NOW, openCommand, type Suite, times } from './store-fixture.ts'

export function restTests(suite: Suite): void {
  describe('rests of providers', () => {
    beforeEach(async () => {
      await suite.clear('provider_rests', 'providers')
      await Promise.all(['one', 'two'].map((name) => save(suite, provider(name))))
    })
    beginning(suite)
    lifting(suite)
    showing(suite)
  })
}

const provider = (name: string, over: Partial<ProviderRecord> = {}): ProviderRecord => ({
  ...{
    type: 'email',
    name,
    class: 'SMTPEmailProvider',
    sealedConfig: `v1.k1.config.${name}`,
    timeout: '120',
    managed: '',
  },
  isDefault: false,
  ...over,
})
const save = (suite: Suite, record: ProviderRecord) =>
  suite.store.saveProvider(record, '', auditRow(suite.next('provider-')))

const remove = async (suite: Suite, name: string) =>
  suite.store.deleteProvider(provider(name), (await suite.store.settings()).version, auditRow(suite.next('provider-')))

type Result = { readonly failed?: readonly FailedProvider[]; readonly took?: ProviderKey | null }

const note = (suite: Suite, now: Instant, { failed = [], took = null }: Result) =>
  suite.store.noteDelivery({
    ...{ requestId: suite.next('note-'), challengeId: 0, serial: 'LSEM1', at: now, delivered: took !== null },
    ...{ message: '', expiresAt: now, tries: [], rests: { now, failed, took } },
  })

/** Names of those who rest, as a trigger is told. */
async function restingAt(suite: Suite, now: Instant): Promise<readonly string[]> {
  const token = await enrolled(suite)
  return (await suite.store.open(openCommand(suite, [token], { now }))).resting.map(({ name }) => name)
}
const rowOf = async (suite: Suite, name: string) =>
  (await suite.rows('SELECT rests, until FROM provider_rests WHERE name = ?', name))[0]

function beginning(suite: Suite): void {
  it('begins with a failure, for thirty seconds, and is told with the next trigger', async () => {
    await note(suite, NOW, { failed: [provider('one')] })

    expect(await restingAt(suite, NOW + 29)).toEqual(['one'])
    expect(await restingAt(suite, NOW + 30)).toEqual([])
  })

  it('doubles with each failure after it, up to ten minutes', async () => {
    const lengths: number[] = []
    for (let n = 0, now = NOW; n < 8; n++) {
      await note(suite, now, { failed: [provider('one')] })
      const until = Number((await rowOf(suite, 'one'))?.until)
      lengths.push(until - now)
      now = until
    }

    expect(lengths).toEqual([30, 60, 120, 240, 480, 600, 600, 600])
  })

  it('takes fifty failures at once, and those that come late, as one', async () => {
    await times(50, () => note(suite, NOW, { failed: [provider('one'), provider('two')] }))
    await note(suite, NOW + 29, { failed: [provider('one')] })

    expect(await rowOf(suite, 'one')).toEqual({ rests: 1, until: NOW + 30 })
    expect(await rowOf(suite, 'two')).toEqual({ rests: 1, until: NOW + 30 })
  })

  it('takes fifty failures at once after a rest as one, which is twice as long', async () => {
    await note(suite, NOW, { failed: [provider('one')] })

    await times(50, () => note(suite, NOW + 40, { failed: [provider('one')] }))

    expect(await rowOf(suite, 'one')).toEqual({ rests: 2, until: NOW + 100 })
  })

  it('begins and is lifted for imported_default, which has no row of its own', async () => {
    const legacy = provider('imported_default', { sealedConfig: 'v1.k1.legacy' })
    await save(suite, legacy)

    await note(suite, NOW, { failed: [{ ...legacy, sealedConfig: 'v1.k1.old' }] })
    expect(await restingAt(suite, NOW)).toEqual([])
    await note(suite, NOW, { failed: [legacy] })
    expect(await restingAt(suite, NOW)).toEqual(['imported_default'])
    await save(suite, legacy)

    expect(await restingAt(suite, NOW)).toEqual([])
    await suite.clear('config')
  })

  it('does not begin for a configuration that was replaced meanwhile, or a provider that is gone or of another type', async () => {
    const failed = [provider('one', { sealedConfig: 'v1.k1.old' }), provider('three'), provider('two', { type: 'sms' })]

    await note(suite, NOW, { failed })

    expect(await restingAt(suite, NOW)).toEqual([])
  })
}

function showing(suite: Suite): void {
  it('is told with its end and its reason, as long as it lasts', async () => {
    const challenge = await challenged(suite, await enrolled(suite), { set: "delivery = 'pending'" })
    await suite.store.noteDelivery({
      ...{ requestId: suite.next('note-'), challengeId: challenge.id, serial: challenge.serial, at: NOW },
      ...{ delivered: true, message: '', expiresAt: NOW },
      tries: [
        { provider: 'one', status: 'unavailable', reason: 'connection_refused' },
        { provider: 'two', status: 'accepted', reason: '' },
      ],
      rests: { now: NOW, failed: [provider('one')], took: { type: 'email', name: 'two' } },
    })

    const rest = { type: 'email', name: 'one', until: NOW + 30, reason: 'connection_refused' }
    expect(await suite.store.listRests(NOW + 29)).toEqual([rest])
    expect(await suite.store.listRests(NOW + 30)).toEqual([])
  })
}

function lifting(suite: Suite): void {
  const rest = () => note(suite, NOW, { failed: [provider('one'), provider('two')] })

  it('is lifted by a message that was taken, and the next failure begins anew', async () => {
    await rest()
    await note(suite, NOW + 40, { failed: [provider('one')] })

    await note(suite, NOW + 41, { took: { type: 'email', name: 'one' } })

    expect(await restingAt(suite, NOW + 42)).toEqual([])
    await note(suite, NOW + 43, { failed: [provider('one')] })
    expect(await rowOf(suite, 'one')).toEqual({ rests: 1, until: NOW + 73 })
  })

  it('begins and is lifted in the same note, for one provider each', async () => {
    await note(suite, NOW, { failed: [provider('two')] })

    await note(suite, NOW + 1, { failed: [provider('one')], took: { type: 'email', name: 'two' } })

    expect(await restingAt(suite, NOW + 2)).toEqual(['one'])
  })

  it('is lifted by saving the provider, or by deleting it, and for no other', async () => {
    await rest()
    await save(suite, provider('one', { sealedConfig: 'v1.k1.new' }))
    expect(await restingAt(suite, NOW)).toEqual(['two'])

    expect(await remove(suite, 'two')).toBe('done')
    await save(suite, provider('two'))

    expect(await restingAt(suite, NOW)).toEqual([])
  })

  it('outlasts a deletion that is refused', async () => {
    await rest()

    expect(await remove(suite, 'one')).toBe('default')

    expect(await restingAt(suite, NOW)).toEqual(['one', 'two'])
  })

  it('is lifted by a test message, with its line in the audit', async () => {
    await rest()
    const requestId = suite.next('test-')

    await suite.store.endRest({ type: 'email', name: 'one' }, auditRow(requestId, 'message_sent'))

    expect(await restingAt(suite, NOW)).toEqual(['two'])
    expect(await auditOf(suite, requestId)).toEqual(['message_sent'])
  })

  it('ends as one of both when fifty failures and successes come at once', async () => {
    const key = { type: 'email', name: 'one' } as const

    await times(50, (n) => note(suite, NOW, n % 2 === 0 ? { failed: [provider('one')] } : { took: key }))

    expect([undefined, { rests: 1, until: NOW + 30 }]).toContainEqual(await rowOf(suite, 'one'))
  })

  it('is forgotten a day after it ended', async () => {
    await rest()

    await suite.store.sweep(NOW + 30 + 86_400)
    expect(await rowOf(suite, 'one')).toBeDefined()
    await suite.store.sweep(NOW + 31 + 86_400)

    expect(await rowOf(suite, 'one')).toBeUndefined()
  })
}
