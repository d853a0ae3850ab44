/** Contract of the providers: those that have a row, and `imported_default`, which stands in the system configuration. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ProviderRecord, ProviderType } from '../../src/core/settings.ts'
import type { AuditRow } from '../../src/ports/store.ts'
import { auditRow, auditsOf, countOf, type Suite, times } from './store-fixture.ts'
import { aPolicy } from './store-policies.ts'

const LEGACY = ['EmailProvider', 'EmailProviderConfig', 'SMSProvider', 'SMSProviderConfig']

export function providerTests(suite: Suite): void {
  describe('providers', () => {
    beforeEach(async () => {
      await suite.clear('providers', 'policies')
      await suite.rows('DELETE FROM config WHERE key IN (SELECT value FROM json_each(?))', JSON.stringify(LEGACY))
    })
    savingProviders(suite)
    defaultProviders(suite)
    deletingProviders(suite)
    describe('that are managed', () => managedProviders(suite))
    describe('imported_default', () => legacyProviders(suite))
  })
}

const provider = (name: string, over: Partial<ProviderRecord> = {}): ProviderRecord => ({
  type: 'email',
  name,
  class: 'SMTPEmailProvider',
  sealedConfig: `v1.k1.config.${name}`,
  managed: '',
  timeout: '120',
  isDefault: false,
  ...over,
})

const save = (suite: Suite, name: string, over: Partial<ProviderRecord> = {}) =>
  suite.store.saveProvider(provider(name, over), '', auditRow(suite.next('provider-')))

/** Judged by the settings as they are. */
const deleted = async (suite: Suite, record: ProviderRecord, audit: AuditRow) =>
  suite.store.deleteProvider(record, (await suite.store.settings()).version, audit)

const providersOf = async (suite: Suite, type: ProviderType) =>
  (await suite.store.settings()).providers.filter((record) => record.type === type)

const defaultsOf = async (suite: Suite, type: ProviderType) =>
  (await providersOf(suite, type)).filter(({ isDefault }) => isDefault).map(({ name }) => name)

function savingProviders(suite: Suite): void {
  it('lists providers in the order in which they were first saved', async () => {
    for (const name of ['zeta', 'alpha', 'mid']) await save(suite, name)

    const changed = { class: 'Other', sealedConfig: 'v1.k1.changed', timeout: '7' }
    await save(suite, 'zeta', changed)

    const providers = await providersOf(suite, 'email')
    expect(providers.map(({ name }) => name)).toEqual(['zeta', 'alpha', 'mid'])
    expect(providers[0]).toEqual(provider('zeta', { ...changed, isDefault: true }))
  })

  it('makes the first provider of each type the default, and no later one', async () => {
    for (const name of ['one', 'two']) await save(suite, name)
    for (const name of ['one', 'three']) await save(suite, name, { type: 'sms' })

    expect(await defaultsOf(suite, 'email')).toEqual(['one'])
    expect(await defaultsOf(suite, 'sms')).toEqual(['one'])
  })

  it('takes the mark from the default for a provider that is saved as default, within its type', async () => {
    for (const name of ['one', 'two']) await save(suite, name)
    await save(suite, 'one', { type: 'sms' })

    await save(suite, 'two', { isDefault: true })

    expect(await defaultsOf(suite, 'email')).toEqual(['two'])
    expect(await defaultsOf(suite, 'sms')).toEqual(['one'])
  })

  it('does not take the mark away by saving the default without it', async () => {
    await save(suite, 'one')
    await save(suite, 'two')

    await save(suite, 'one', { isDefault: false })

    expect(await defaultsOf(suite, 'email')).toEqual(['one'])
  })

  it('makes one of fifty first providers the default', async () => {
    await times(50, (n) => save(suite, `provider ${n}`))

    expect(await providersOf(suite, 'email')).toHaveLength(50)
    expect(await defaultsOf(suite, 'email')).toHaveLength(1)
  })
}

function defaultProviders(suite: Suite): void {
  const setDefault = (name: string, type: ProviderType = 'email') =>
    suite.store.setDefaultProvider(type, name, auditRow(suite.next('provider-'), 'default'))

  it('moves the mark', async () => {
    for (const name of ['one', 'two']) await save(suite, name)

    expect(await setDefault('two')).toBe('done')
    expect(await defaultsOf(suite, 'email')).toEqual(['two'])
  })

  it('leaves the mark where it is when the provider is unknown, or known for another type only', async () => {
    await save(suite, 'one')
    await save(suite, 'text', { type: 'sms' })

    expect([await setDefault('two'), await setDefault('text')]).toEqual(['unknown', 'unknown'])
    expect(await defaultsOf(suite, 'email')).toEqual(['one'])
  })

  it('ends with exactly one default per type after fifty changes of the mark at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) {
      await save(suite, name)
      await save(suite, name, { type: 'sms' })
    }
    const pick = (n: number) => names[n % names.length] ?? ''

    await times(50, (n): Promise<unknown> => {
      const type = n % 3 === 0 ? 'sms' : 'email'
      return n % 2 === 0 ? setDefault(pick(n), type) : save(suite, pick(n), { type, isDefault: true })
    })

    expect(await defaultsOf(suite, 'email')).toHaveLength(1)
    expect(await defaultsOf(suite, 'sms')).toHaveLength(1)
  })
}

function deletingProviders(suite: Suite): void {
  const remove = (name: string, requestId = suite.next('provider-')) =>
    deleted(suite, provider(name), auditRow(requestId, 'deleted'))

  it('refuses to delete the default as long as there is another of its type', async () => {
    await save(suite, 'one')
    await save(suite, 'two')
    await save(suite, 'one', { type: 'sms' })

    expect(await remove('one')).toBe('default')
    expect(await remove('two')).toBe('done')
    expect(await remove('one')).toBe('done')
    expect(await providersOf(suite, 'sms')).toHaveLength(1)
  })

  it('knows no provider of another type', async () => {
    await save(suite, 'text', { type: 'sms' })

    expect([await remove('text'), await remove('nothing')]).toEqual(['unknown', 'unknown'])
  })

  it('deletes a provider once when fifty try by what they saw, with one line of audit', async () => {
    await save(suite, 'one')
    await save(suite, 'two')
    const { version } = await suite.store.settings()
    const ids = Array.from({ length: 50 }, () => suite.next('provider-'))

    const outcomes = await Promise.all(
      ids.map((id) => suite.store.deleteProvider(provider('two'), version, auditRow(id, 'deleted'))),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
    const audit = await auditsOf(suite, ids)
    expect(audit).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['deleted'] : [])))
    expect(await remove('two')).toBe('unknown')
  })

  it.each(['two', 'imported_default'])('deletes %s, or saves the policy that names it: never both', async (name) => {
    await save(suite, 'one', { isDefault: true })
    await save(suite, 'two')
    const legacy = { key: 'EmailProviderConfig', value: 'v1.k1.legacy', type: 'password', description: '' }
    await suite.store.setConfig([legacy], auditRow(suite.next('provider-')))
    const { version } = await suite.store.settings()
    const audit = () => auditRow(suite.next('provider-'))

    const outcomes = await times(
      50,
      (n): Promise<string> =>
        n % 2 === 0
          ? suite.store.savePolicies([aPolicy(`p${n}`, { action: `email_provider=${name}` })], version, audit())
          : suite.store.deleteProvider(provider(name), version, audit()),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
    const { providers, policies } = await suite.store.settings()
    const isThere = providers.some((record) => record.type === 'email' && record.name === name)
    expect(policies.length).toBe(isThere ? 1 : 0)
  })

  it('never leaves providers without a default when the default is deleted and the mark moved at once', async () => {
    for (const name of ['a', 'b', 'c']) await save(suite, name)

    await times(50, (n): Promise<unknown> => {
      const name = ['a', 'b', 'c'][n % 3] ?? ''
      return n % 2 === 0
        ? remove(name)
        : suite.store.setDefaultProvider('email', name, auditRow(suite.next('provider-')))
    })

    const left = await providersOf(suite, 'email')
    expect(await defaultsOf(suite, 'email')).toHaveLength(left.length > 0 ? 1 : 0)
  })
}

function managedProviders(suite: Suite): void {
  const audit = () => auditRow(suite.next('provider-'))
  const saveAs = (managed: string, seen: string, over: Partial<ProviderRecord> = {}) =>
    suite.store.saveProvider(provider('one', { managed, ...over }), seen, audit())

  it('keeps the hash beside the configuration', async () => {
    await saveAs('$scrypt$hash', '')

    expect(await providersOf(suite, 'email')).toEqual([provider('one', { managed: '$scrypt$hash', isDefault: true })])
  })

  it('neither replaces nor deletes one that is managed by another hash than was read', async () => {
    await saveAs('mine', '')

    expect([await saveAs('', ''), await saveAs('other', 'other')]).toEqual(['managed', 'managed'])
    expect(await deleted(suite, provider('one'), audit())).toBe('managed')
    expect(await providersOf(suite, 'email')).toMatchObject([{ managed: 'mine' }])
  })

  it('replaces and deletes it under the hash that was read', async () => {
    await saveAs('mine', '')

    expect(await saveAs('mine', 'mine', { timeout: '7' })).toBe('done')
    expect(await providersOf(suite, 'email')).toMatchObject([{ managed: 'mine', timeout: '7' }])
    expect(await deleted(suite, provider('one', { managed: 'mine' }), audit())).toBe('done')
  })

  it('belongs to one of fifty who make it a managed one at once', async () => {
    await save(suite, 'one')
    const ids = Array.from({ length: 50 }, () => suite.next('provider-'))

    const outcomes = await Promise.all(
      ids.map((id, n) =>
        suite.store.saveProvider(
          provider('one', { managed: `hash${n}`, timeout: String(n) }),
          '',
          auditRow(id, 'saved'),
        ),
      ),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'managed')]).toEqual([1, 49])
    const winner = outcomes.indexOf('done')
    expect(await providersOf(suite, 'email')).toMatchObject([{ managed: `hash${winner}`, timeout: String(winner) }])
    expect(await auditsOf(suite, ids)).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['saved'] : [])))
  })

  it('does not lose the mark of the default to one that may not be saved', async () => {
    await save(suite, 'first')
    await saveAs('mine', '')

    await saveAs('', '', { isDefault: true })

    expect(await defaultsOf(suite, 'email')).toEqual(['first'])
  })
}

function legacyProviders(suite: Suite): void {
  const audit = () => auditRow(suite.next('provider-'))
  const configure = (type: ProviderType = 'email') =>
    suite.store.setConfig(
      [
        {
          key: type === 'email' ? (LEGACY[1] ?? '') : (LEGACY[3] ?? ''),
          value: 'v1.k1.legacy',
          type: 'password',
          description: '',
        },
      ],
      audit(),
    )
  const remove = (name: string) => deleted(suite, provider(name), audit())

  it('is there with its configuration, first in the list, and the default where nothing is marked', async () => {
    await configure()
    await save(suite, 'one')

    expect(await providersOf(suite, 'email')).toEqual([
      provider('imported_default', {
        ...{ class: 'linotp.provider.emailprovider.SMTPEmailProvider', sealedConfig: 'v1.k1.legacy', isDefault: true },
      }),
      provider('one'),
    ])
    expect(await providersOf(suite, 'sms')).toEqual([])
  })

  it('leaves the mark to a provider that was the default before', async () => {
    await save(suite, 'one')
    await configure()

    expect(await defaultsOf(suite, 'email')).toEqual(['one'])
  })

  it('is saved in its keys, under the audit row of the request', async () => {
    await save(suite, 'one')
    const id = suite.next('provider-')

    const record = provider('imported_default', { class: 'Other', timeout: '77', isDefault: true })
    await suite.store.saveProvider(record, '', auditRow(id, 'saved'))

    const { config, providers } = await suite.store.settings()
    expect(providers.filter(({ type }) => type === 'email')).toEqual([record, provider('one')])
    expect(['EmailProvider', 'EmailBlockingTimeout'].map((key) => config.get(key)?.value)).toEqual(['Other', '77'])
    expect(config.get('EmailProviderConfig')).toMatchObject({ value: record.sealedConfig, type: 'password' })
    expect(await suite.rows("SELECT * FROM providers WHERE name = 'imported_default'")).toEqual([])
    expect(await auditsOf(suite, [id])).toEqual([['saved']])
    await suite.store.setConfig([{ key: 'EmailBlockingTimeout', value: '120', type: '', description: '' }], audit())
  })

  it('takes the mark back, and is unknown where it is not there', async () => {
    await save(suite, 'one')
    await save(suite, 'text', { type: 'sms' })
    await configure()

    expect(await suite.store.setDefaultProvider('email', 'imported_default', audit())).toBe('done')
    expect(await suite.store.setDefaultProvider('sms', 'imported_default', audit())).toBe('unknown')
    expect(await defaultsOf(suite, 'email')).toEqual(['imported_default'])
    expect(await defaultsOf(suite, 'sms')).toEqual(['text'])
  })

  it('counts where the default is deleted: neither it nor another one, unless it is the last', async () => {
    await configure()
    await save(suite, 'one')

    expect(await remove('imported_default')).toBe('default')
    await suite.store.setDefaultProvider('email', 'one', audit())
    expect(await remove('one')).toBe('default')
    expect(await remove('imported_default')).toBe('done')
    expect(await remove('imported_default')).toBe('unknown')
    expect(await remove('one')).toBe('done')
    await configure()
    expect(await remove('imported_default')).toBe('done')
    expect(await providersOf(suite, 'email')).toEqual([])
  })

  it('leaves the mark to the first provider when its key is deleted', async () => {
    await configure()
    for (const name of ['zeta', 'alpha']) await save(suite, name)

    await suite.store.deleteConfig('EmailProviderConfig', audit())

    expect(await defaultsOf(suite, 'email')).toEqual(['zeta'])
  })

  it('leaves exactly one default whatever fifty do with it and another one at once', async () => {
    await configure()
    for (const name of ['a', 'b']) await save(suite, name)
    const acts: readonly (() => Promise<unknown>)[] = [
      () => suite.store.deleteConfig('EmailProviderConfig', audit()),
      () => configure(),
      () => suite.store.setDefaultProvider('email', 'imported_default', audit()),
      () => suite.store.setDefaultProvider('email', 'a', audit()),
      () => remove('imported_default'),
      () => save(suite, 'imported_default', { isDefault: true }),
      () => save(suite, 'b', { isDefault: true }),
    ]

    await times(50, (n) => acts[n % acts.length]?.() ?? Promise.resolve())

    expect(await defaultsOf(suite, 'email')).toHaveLength(1)
    await suite.store.setConfig([{ key: 'EmailBlockingTimeout', value: '120', type: '', description: '' }], audit())
  })
}
