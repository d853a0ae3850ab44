/** Contract of the system configuration, and of the version that tells every node to read again. */
import { afterAll, describe, expect, it } from 'vitest'
import { auditOf, auditRow, auditsOf, type Suite, times, versionMoves } from './store-fixture.ts'

export function settingsTests(suite: Suite): void {
  describe('setConfig and deleteConfig', () => configuring(suite))
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

  it('gives back half a surrogate pair as U+FFFD, instead of bytes that no database client can read', async () => {
    const key = suite.next('key.')

    await suite.store.setConfig([entry(key, 'a\ud800')], audit())

    expect((await suite.store.settings()).config.get(key)?.value).toBe('a\ufffd')
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
