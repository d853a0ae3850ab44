import { describe, expect, it } from 'vitest'
import type { RealmRecord, Settings } from './settings.ts'
import { type UserRequest, userQueries } from './users.ts'

const CORP: RealmRecord = { name: 'corp', resolvers: ['staff', 'guests'], isDefault: true }
const LAB: RealmRecord = { name: 'lab.example.org', resolvers: ['lab'], isDefault: false }

function settingsOf({ split = undefined as string | undefined, realms = [CORP, LAB] } = {}): Settings {
  const entry = (value: string) => ({ key: 'splitAtSign', value, type: '', description: '' })
  const config = new Map(split === undefined ? [] : [['splitAtSign', entry(split)] as const])
  return { version: 1, config, providers: [], policies: [], resolvers: [], realms }
}

/** Login and realm of each lookup, or why there is none. */
const lookups = (request: UserRequest, settings = settingsOf()) => {
  const queries = userQueries(request, settings)
  return queries.ok ? queries.value.map(({ login, realm }) => [login, realm.name]) : queries.error
}

describe('a request with a realm', () => {
  it.each([
    ['ada', 'corp', 'ada', 'corp'],
    // Realms are compared in lower case, logins are taken literally.
    ['ada', 'CORP', 'ada', 'corp'],
    ['Ada', 'corp', 'Ada', 'corp'],
    ['ada@lab.example.org', 'corp', 'ada@lab.example.org', 'corp'],
    ['lab\\ada', 'corp', 'lab\\ada', 'corp'],
  ])('looks for %j of %j: %j in %j', (user, realm, login, found) => {
    expect(lookups({ user, realm })).toEqual([[login, found]])
  })

  it('finds nobody in a realm that does not exist', () => {
    expect(lookups({ user: 'ada', realm: 'nowhere' })).toBe('realm_unknown')
  })

  it('finds nobody by a login that is longer than any', () => {
    expect(lookups({ user: 'a'.repeat(255), realm: 'corp' })).toEqual([['a'.repeat(255), 'corp']])
    expect(lookups({ user: 'a'.repeat(256), realm: 'corp' })).toBe('user_unknown')
    expect(lookups({ user: `${'a'.repeat(256)}@corp` })).toBe('user_unknown')
  })
})

describe('a request without a realm', () => {
  it.each([
    ['ada', [['ada', 'corp']]],
    ['ada@lab.example.org', [['ada', 'lab.example.org']]],
    ['ada@LAB.Example.org', [['ada', 'lab.example.org']]],
    // The last @ splits, so that a mail address can be a login.
    ['ada@x.org@lab.example.org', [['ada@x.org', 'lab.example.org']]],
    // The first backslash splits.
    ['corp\\ada', [['ada', 'corp']]],
    ['corp\\ada\\b', [['ada\\b', 'corp']]],
    // An @ goes before a backslash.
    ['lab.example.org\\ada@corp', [['lab.example.org\\ada', 'corp']]],
    ['ada@nowhere', 'realm_unknown'],
    ['nowhere\\ada', 'realm_unknown'],
    ['ada@', 'realm_unknown'],
    ['@corp', [['', 'corp']]],
  ])('splits %j by default: %j', (user, found) => {
    expect(lookups({ user })).toEqual(found)
    expect(lookups({ user, realm: '' })).toEqual(found)
    expect(lookups({ user }, settingsOf({ split: 'True' }))).toEqual(found)
  })

  it.each([
    ['ada', [['ada', 'corp']]],
    // The whole text is a login first; a user principal name of a known realm still works.
    [
      'ada@lab.example.org',
      [
        ['ada@lab.example.org', 'corp'],
        ['ada', 'lab.example.org'],
      ],
    ],
    ['ada@nowhere', [['ada@nowhere', 'corp']]],
    ['lab.example.org\\ada', [['lab.example.org\\ada', 'corp']]],
  ])('looks for %j as a whole when splitAtSign is false: %j', (user, found) => {
    expect(lookups({ user }, settingsOf({ split: 'False' }))).toEqual(found)
  })

  it('finds nobody when there is no default realm', () => {
    const realms = [{ ...CORP, isDefault: false }, LAB]

    expect(lookups({ user: 'ada' }, settingsOf({ realms }))).toBe('realm_unknown')
    expect(lookups({ user: 'ada@lab.example.org' }, settingsOf({ realms }))).toEqual([['ada', 'lab.example.org']])
    expect(lookups({ user: 'ada@lab.example.org' }, settingsOf({ realms, split: 'false' }))).toEqual([
      ['ada', 'lab.example.org'],
    ])
  })
})

it.each([{ user: '' }, { user: '', realm: 'corp' }])('misses the user in %j', (request) => {
  expect(lookups(request)).toBe('user_missing')
})

describe('resolvers', () => {
  const resolvers = (resConf?: string) => {
    const queries = userQueries({ user: 'ada', resConf }, settingsOf())
    return queries.ok ? queries.value.flatMap((query) => query.resolvers) : queries.error
  }

  it.each([
    [undefined, ['staff', 'guests']],
    ['', ['staff', 'guests']],
    ['guests', ['guests']],
    ['guests (passwdresolver)', ['guests']],
    [' guests ', ['guests']],
    ['guests (a) (b) ', ['guests']],
    ['guests (', []],
    // A resolver of another realm does not widen the search.
    ['lab', []],
    ['guest', []],
  ])('are those of the realm, restricted by resConf %j: %j', (resConf, expected) => {
    expect(resolvers(resConf)).toEqual(expected)
  })

  it('are found in time that grows with the length of resConf, which anybody may send', () => {
    expect(resolvers(`guests${' '.repeat(1_000_000)}(x`)).toEqual([])
    expect(resolvers(`guests${'('.repeat(1_000_000)})`)).toEqual(['guests'])
  })
})
