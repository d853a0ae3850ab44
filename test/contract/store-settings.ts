/** Contract of the system configuration and the providers, and of the version that tells every node to read again. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { ProviderRecord, ProviderType } from '../../src/core/settings.ts'
import { auditOf, auditRow, auditsOf, countOf, type Suite, times, versionMoves } from './store-fixture.ts'

export function settingsTests(suite: Suite): void {
  describe('setConfig and deleteConfig', () => configuring(suite))
  describe('providers', () => {
    beforeEach(async () => {
      await suite.clear('providers')
    })
    savingProviders(suite)
    defaultProviders(suite)
    deletingProviders(suite)
  })
}

const entry = (key: string, value: string) => ({ key, value, type: '', description: '' })

function configuring(suite: Suite): void {
  const audit = () => auditRow(suite.next('config-'))

  // Every later reading of the settings would carry them along.
  afterAll(async () => {
    await suite.rows("DELETE FROM config WHERE key LIKE 'key.%'")
  })

  it('holds the values that a fresh LinOTP has', async () => {
    const { config } = await suite.store.settings()

    expect(config.get('EmailBlockingTimeout')?.value).toBe('120')
    expect(config.get('EmailChallengeValidityTime')?.value).toBe('600')
    expect(config.get('DefaultMaxFailCount')?.value).toBe('10')
  })

  it.each([
    '',
    '007',
    '1.50',
    'true',
    'null',
    `it's "quoted" \\ {json}`,
    'ünïcode — 🔑',
    'two\nlines',
    'x'.repeat(10_000),
  ])('keeps a value as text, as written: %j', async (value) => {
    const key = suite.next('key.')

    await suite.store.setConfig([{ key, value, type: 'password', description: 'says why' }], audit())

    expect((await suite.store.settings()).config.get(key)).toEqual({
      key,
      value,
      type: 'password',
      description: 'says why',
    })
  })

  it('sets two hundred entries at once, replaces those that exist, and writes one line of audit', async () => {
    const keys = Array.from({ length: 200 }, () => suite.next('key.'))
    const requestId = suite.next('config-')
    await suite.store.setConfig([entry(keys[0] ?? '', 'old')], audit())

    await suite.store.setConfig(
      keys.map((key, n) => entry(key, String(n))),
      auditRow(requestId, 'set'),
    )

    const { config } = await suite.store.settings()
    expect(keys.map((key) => config.get(key)?.value)).toEqual(keys.map((_, n) => String(n)))
    expect(await auditOf(suite, requestId)).toEqual(['set'])
  })

  it('takes fifty settings of one request at a time: two keys never differ', async () => {
    const [first, second] = [suite.next('key.'), suite.next('key.')]

    const moves = await versionMoves(suite, () =>
      times(50, (n) => suite.store.setConfig([entry(first, String(n)), entry(second, String(n))], audit())),
    )

    const { config } = await suite.store.settings()
    expect(moves).toBe(50)
    expect(config.get(first)?.value).toBe(config.get(second)?.value)
  })

  it('deletes an entry once when fifty try, each with its line of audit', async () => {
    const key = suite.next('key.')
    await suite.store.setConfig([entry(key, '1')], audit())
    const ids = Array.from({ length: 50 }, () => suite.next('config-'))

    const moves = await versionMoves(suite, () =>
      Promise.all(ids.map((id) => suite.store.deleteConfig(key, auditRow(id, 'deleted')))),
    )

    expect((await suite.store.settings()).config.has(key)).toBe(false)
    expect(moves).toBe(1)
    expect(await auditsOf(suite, ids)).toEqual(ids.map(() => ['deleted']))
  })
}

const provider = (name: string, over: Partial<ProviderRecord> = {}): ProviderRecord => ({
  type: 'email',
  name,
  class: 'SMTPEmailProvider',
  sealedConfig: `v1.k1.config.${name}`,
  timeout: '120',
  isDefault: false,
  ...over,
})

const save = (suite: Suite, name: string, over: Partial<ProviderRecord> = {}) =>
  suite.store.saveProvider(provider(name, over), auditRow(suite.next('provider-')))

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
    suite.store.deleteProvider('email', name, auditRow(requestId, 'deleted'))

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

  it('deletes a provider once when fifty try, with one line of audit', async () => {
    await save(suite, 'one')
    await save(suite, 'two')
    const ids = Array.from({ length: 50 }, () => suite.next('provider-'))

    const outcomes = await Promise.all(ids.map((id) => remove('two', id)))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'unknown')]).toEqual([1, 49])
    const audit = await auditsOf(suite, ids)
    expect(audit).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['deleted'] : [])))
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
