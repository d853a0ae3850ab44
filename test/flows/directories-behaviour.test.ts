/** Directories that misbehave, and when they are let go of: seen by a class of the test's own behind the port. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { readKeys } from '../../src/adapters/vault/keys.ts'
import { createVault } from '../../src/adapters/vault/webcrypto.ts'
import { err, ok } from '../../src/core/result.ts'
import type { Settings } from '../../src/core/settings.ts'
import { createDirectories, type Directories } from '../../src/flows/directories.ts'
import { createLookupCache } from '../../src/flows/lookup-cache.ts'
import { type Directory, defineResolver } from '../../src/ports/users.ts'
import { place, type Vault } from '../../src/ports/vault.ts'
import { type Harness, startHarness, times } from '../support/harness.ts'

let h: Harness
let vault: Vault
let directories: Directories
/** What happened, in order. */
let events: string[] = []
let behaviour: Partial<Directory> = {}
beforeAll(async () => {
  h = await startHarness()
  const keys = readKeys(h.keys)
  if (!keys.ok) throw new Error(keys.error)
  vault = createVault(keys.value, h.edges.random)
})
afterAll(() => h.close())

const testClass = defineResolver<{ readonly mark: string }>({
  ...{ name: 'testresolver', secretKeys: [], boundKeys: [], sample: {} },
  read: async (raw) =>
    raw.mark === 'bad'
      ? err({ key: 'mark', rule: 'must be good' })
      : ok({ config: { mark: String(raw.mark) }, warnings: [] }),
  create: ({ mark }) => {
    events.push(`open ${mark}`)
    return {
      findByLogin: async (login) => ok([{ userId: `id-${login}`, login, attributes: { password: 'x', email: mark } }]),
      findById: async (userId) => ok({ userId, login: userId.slice(3), attributes: {} }),
      list: async () => ok([]),
      passwordMatches: async () => ok(true),
      close: async () => void events.push(`close ${mark}`),
      ...behaviour,
    }
  },
})
beforeEach(() => {
  events = []
  behaviour = {}
  directories = createDirectories({ vault, edges: h.edges, findResolver: () => testClass })
})

async function settingsOf(version: number, marks: Readonly<Record<string, string>>): Promise<Settings> {
  const seal = async ([name, mark]: readonly [string, string]) => ({
    ...{ name, type: 'testresolver', data: {} },
    sealedConfig: await vault.seal(new TextEncoder().encode(JSON.stringify({ mark })), place.resolver(name)),
  })
  const resolvers = await Promise.all(Object.entries(marks).map(seal))
  const config = new Map([['resolver_timeout', { key: 'resolver_timeout', value: '1', type: '', description: '' }]])
  return { version, config, providers: [], resolvers, realms: [], policies: [] }
}

it('is opened once, closed when its resolver is saved anew or gone, and opened again after', async () => {
  const first = await settingsOf(1, { a: '1', b: '1' })
  const second = await settingsOf(2, { a: '2' })

  for (const _ of [1, 2]) await directories.findByLogin(first, ['a', 'b'], 'ada')
  directories.sync(first)
  const before = [...events]
  directories.sync(second)
  const { users } = await directories.findByLogin(second, ['a', 'b'], 'ada')
  await directories.close()

  expect(before).toEqual(['open 1', 'open 1'])
  expect(events.toSorted()).toEqual(['close 1', 'close 1', 'close 2', 'open 1', 'open 1', 'open 2'])
  expect(users).toEqual([
    {
      ...{ resolver: 'a', userId: 'id-ada', login: 'ada' },
      // No password, whatever the directory calls an attribute, and every attribute that users have.
      attributes: {
        ...{ username: 'ada', userid: 'id-ada', email: '2', description: '' },
        ...{ givenname: '', surname: '', phone: '', mobile: '' },
      },
    },
  ])
})

it.each<readonly [string, Partial<Directory>, string]>([
  ['never answers', { findByLogin: () => new Promise(() => {}) }, 'deadline'],
  [
    'throws',
    {
      findByLogin: () => {
        throw new TypeError('with a secret')
      },
    },
    'failed: TypeError',
  ],
  ['rejects', { findByLogin: () => Promise.reject(new Error('with a secret')) }, 'failed: Error'],
])('that %s has failed, and its neighbour is asked all the same', async (_, broken, reason) => {
  const settings = await settingsOf(1, { a: '1', b: '1' })
  behaviour = broken
  await directories.findById(settings, [{ resolver: 'a', userId: 'id-x' }])
  behaviour = {}

  const found = await directories.findByLogin(settings, ['a', 'b'], 'ada')

  expect(found.unavailable).toEqual([{ resolver: 'a', reason }])
  expect(found.users.map(({ resolver }) => resolver)).toEqual(['b'])
  expect(h.log.join()).not.toContain('with a secret')
})

it('cannot be asked with a configuration that is wrong by now, and can when it is right again', async () => {
  const [bad, good] = [await settingsOf(1, { a: 'bad' }), await settingsOf(2, { a: 'good' })]
  const unsealed = { ...good, resolvers: good.resolvers.map((one) => ({ ...one, sealedConfig: 'v1.t1.x.y' })) }

  const answers = []
  for (const settings of [bad, unsealed, good]) answers.push(await directories.findByLogin(settings, ['a'], 'ada'))

  expect(answers.map(({ unavailable }) => unavailable.map(({ reason }) => reason))).toEqual([
    ['config_invalid: mark must be good'],
    ['config_seal_broken'],
    [],
  ])
})

it('lets nobody in by a password of nobody, and takes no empty one', async () => {
  const settings = await settingsOf(1, { a: '1' })
  const [user = null] = (await directories.findByLogin(settings, ['a'], 'ada')).users

  const answers = [
    await directories.passwordMatches(settings, 'a', null, 'x'),
    await directories.passwordMatches(settings, 'a', user, ''),
    await directories.passwordMatches(settings, 'a', user, 'x'),
  ]

  expect(answers).toEqual([ok(false), ok(false), ok(true)])
})

it('is asked no more for the rest of a list once it has failed', async () => {
  const settings = await settingsOf(1, { a: '1' })
  let asked = 0
  behaviour = {
    findById: async () => {
      asked++
      return err({ code: 'directory_unavailable', reason: 'gone' })
    },
  }

  const found = await directories.findById(
    settings,
    times(1000, (n) => ({ resolver: 'a', userId: `id-${n}` })),
  )

  expect(asked).toBeLessThan(10)
  expect(found.users).toEqual([])
})

it('is remembered in a bounded number of answers, the latest ones', () => {
  const cache = createLookupCache(3)
  const question = (n: number) => ({ resolver: 'a', sealedConfig: 's', kind: 'login', value: `user${n}` }) as const
  const user = { resolver: 'a', userId: '1', login: 'x', attributes: {} }

  for (const n of [0, 1, 2]) cache.put(question(n), [user], 100, 0)
  cache.get(question(0), 1)
  cache.put(question(3), [user], 100, 0)

  expect(times(4, (n) => cache.get(question(n), 1) !== undefined)).toEqual([true, false, true, true])
  expect(cache.get({ ...question(0), sealedConfig: 'other' }, 1)).toBeUndefined()
  expect(cache.get(question(2), 100)).toBeUndefined()
  cache.drop('a')
  expect(cache.get(question(3), 1)).toBeUndefined()
})
