/** Contract of resolvers, their users, and realms. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { PasswdUser } from '../../src/core/passwd.ts'
import { auditRow, auditsOf, countOf, enrolled, type Suite, times, tokenOf } from './store-fixture.ts'

export function realmTests(suite: Suite): void {
  describe('resolvers and realms', () => {
    beforeEach(async () => {
      await suite.clear('realms', 'resolvers', 'users')
    })
    savingResolvers(suite)
    deletingResolvers(suite)
    savingRealms(suite)
    describe('the default realm', () => defaultRealms(suite))
    deletingRealms(suite)
  })
}

const user = (n: number, over: Partial<PasswdUser> = {}): PasswdUser => ({
  userId: String(1000 + n),
  login: `user${n}`,
  attributes: { username: `user${n}`, email: `user${n}@example.org`, description: `User Nº ${n},room,"q",,` },
  passwordHash: '$1$salt$aaaaaaaaaaaaaaaaaaaaaa',
  ...over,
})

type Users = readonly PasswdUser[]

const saveResolver = (suite: Suite, name: string, mode: 'create' | 'replace', users: Users = [], data = {}) =>
  suite.store.saveResolver({ name, type: 'passwdresolver', data, users }, mode, auditRow(suite.next('resolver-'), mode))

const saveRealm = (suite: Suite, name: string, resolvers: readonly string[]) =>
  suite.store.saveRealm(name, resolvers, auditRow(suite.next('realm-')))

function savingResolvers(suite: Suite): void {
  it('creates one of fifty resolvers of the same name, with the users of that one', async () => {
    const outcomes = await times(50, (n) =>
      saveResolver(suite, 'corp', 'create', [user(n), user(n + 100)], { n: String(n) }),
    )

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'taken')]).toEqual([1, 49])
    const winner = outcomes.indexOf('done')
    const { resolvers } = await suite.store.settings()
    expect(resolvers).toEqual([{ name: 'corp', type: 'passwdresolver', data: { n: String(winner) }, sealedConfig: '' }])
    const users = await suite.store.findUsers(['corp'], null)
    expect(users.map(({ login }) => login)).toEqual([`user${winner}`, `user${winner + 100}`])
  })

  it('replaces users as a whole: nobody of the old ones is left', async () => {
    await saveResolver(suite, 'corp', 'create', [user(1), user(2)], { file: 'old' })
    await saveResolver(suite, 'other', 'create', [user(1)])

    const outcome = await saveResolver(suite, 'corp', 'replace', [user(2, { login: 'renamed' }), user(3)], {
      file: 'new',
    })

    expect(outcome).toBe('done')
    const users = await suite.store.findUsers(['corp', 'other'], null)
    expect(users.map(({ resolver, userId, login }) => [resolver, userId, login])).toEqual([
      ['corp', '1002', 'renamed'],
      ['corp', '1003', 'user3'],
      ['other', '1001', 'user1'],
    ])
    expect((await suite.store.settings()).resolvers.map(({ data }) => data)).toEqual([{ file: 'new' }, {}])
  })

  it('ends with the users of one of fifty replacements', async () => {
    await saveResolver(suite, 'corp', 'create')

    await times(50, (n) => saveResolver(suite, 'corp', 'replace', [user(n), user(n + 100)], { n: String(n) }))

    const last = Number((await suite.store.settings()).resolvers[0]?.data.n)
    const users = await suite.store.findUsers(['corp'], null)
    expect(users.map(({ login }) => login)).toEqual([`user${last}`, `user${last + 100}`])
  })

  it('refuses to replace what does not exist, and stores none of its users', async () => {
    expect(await saveResolver(suite, 'corp', 'replace', [user(1)])).toBe('unknown')
    expect(await suite.store.findUsers(['corp'], null)).toEqual([])
  })

  it('keeps every user as given', async () => {
    const odd = user(1, {
      userId: '007',
      login: "o'neil",
      attributes: { email: 'ä@example.org', description: '"\\,{}' },
    })

    await saveResolver(suite, 'corp', 'create', [odd])

    const { passwordHash, ...record } = odd
    expect(await suite.store.findUsers(['corp'], "o'neil")).toEqual([{ resolver: 'corp', ...record }])
    const own = async (resolver: string, userId: string) =>
      (await suite.store.passwordHashes({ resolver, userId }, [])).own
    expect(await own('corp', '007')).toBe(passwordHash)
    expect(await own('corp', '7')).toBe('')
    expect(await own('other', '007')).toBe('')
  })

  it('hands out a hash of the resolvers that a password can be compared with, beside that of the user', async () => {
    const texts = ['x', '*', '', '$', '$y$j9T$a$b', '!$6$salt$hash', 'abJnggxhB/yWI', '$2b$12$hash', '$2x$12$hash']
    await saveResolver(
      suite,
      'corp',
      'create',
      texts.map((passwordHash, n) => user(n, { passwordHash })),
    )
    await saveResolver(suite, 'closed', 'create', [user(1, { passwordHash: 'x' })])
    const hashes = (userId: string | null, ...resolvers: readonly string[]) =>
      suite.store.passwordHashes(userId === null ? null : { resolver: 'corp', userId }, resolvers)

    expect(await hashes(null, 'closed', 'corp')).toEqual({ own: '', other: '$2b$12$hash' })
    expect(await hashes('1004', 'corp')).toEqual({ own: '$y$j9T$a$b', other: '$2b$12$hash' })
    expect(await hashes('1000', 'closed')).toEqual({ own: 'x', other: '' })
    expect(await hashes(null)).toEqual({ own: '', other: '' })
  })

  it('takes three thousand users in one batch, as one bound parameter', async () => {
    await saveResolver(suite, 'small', 'create', [user(1)])
    const small = suite.sizes.at(-1)

    const outcome = await saveResolver(
      suite,
      'large',
      'create',
      Array.from({ length: 3000 }, (_, n) => user(n)),
    )

    expect(outcome).toBe('done')
    const large = suite.sizes.at(-1)
    expect([large?.statements, large?.params, large?.sqlBytes]).toEqual([
      small?.statements,
      small?.params,
      small?.sqlBytes,
    ])
    expect(await suite.store.findUsers(['large'], null)).toHaveLength(3000)
    expect(await suite.store.findUsers(['small', 'large'], 'user1')).toHaveLength(2)
  })
}

function deletingResolvers(suite: Suite): void {
  const remove = (name: string, requestId = suite.next('resolver-')) =>
    suite.store.deleteResolver(name, auditRow(requestId, 'deleted'))

  it('deletes a resolver with its users once when fifty try', async () => {
    await saveResolver(suite, 'corp', 'create', [user(1)])
    await saveResolver(suite, 'other', 'create', [user(1)])
    const ids = Array.from({ length: 50 }, () => suite.next('resolver-'))

    const outcomes = await Promise.all(ids.map((id) => remove('corp', id)))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'unknown')]).toEqual([1, 49])
    const users = await suite.store.findUsers(['corp', 'other'], null)
    expect(users.map(({ resolver }) => resolver)).toEqual(['other'])
    const audit = await auditsOf(suite, ids)
    expect(audit).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['deleted'] : [])))
  })

  it('keeps a resolver that a realm uses, until it does not', async () => {
    for (const name of ['corp', 'lab']) await saveResolver(suite, name, 'create', [user(1)])
    await saveRealm(suite, 'main', ['lab', 'corp'])

    const first = await remove('corp')
    await saveRealm(suite, 'main', ['lab'])

    expect([first, await remove('corp')]).toEqual(['in_use', 'done'])
  })

  it('never leaves a realm with a resolver that is gone, when both are changed at once', async () => {
    const names = Array.from({ length: 10 }, (_, n) => `resolver${n}`)
    for (const name of names) await saveResolver(suite, name, 'create')

    await Promise.all(
      names.flatMap((name, n): Promise<unknown>[] => [saveRealm(suite, `realm${n}`, [name]), remove(name)]),
    )

    const { realms, resolvers } = await suite.store.settings()
    const known = resolvers.map(({ name }) => name)
    expect(realms.flatMap((realm) => realm.resolvers).filter((name) => !known.includes(name))).toEqual([])
    expect(realms.length).toBe(resolvers.length)
  })
}

function savingRealms(suite: Suite): void {
  it('keeps the order of its resolvers', async () => {
    for (const name of ['a', 'b', 'c']) await saveResolver(suite, name, 'create')

    await saveRealm(suite, 'main', ['c', 'a', 'b'])

    expect((await suite.store.settings()).realms).toEqual([
      { name: 'main', resolvers: ['c', 'a', 'b'], isDefault: true },
    ])
  })

  it.each([[['a', 'missing']], [['missing']]])(
    'refuses the resolvers %j and leaves the realm as it was',
    async (resolvers) => {
      await saveResolver(suite, 'a', 'create')
      await saveRealm(suite, 'main', ['a'])

      expect(await saveRealm(suite, 'main', resolvers)).toBe('unknown')
      expect((await suite.store.settings()).realms.map((realm) => realm.resolvers)).toEqual([['a']])
    },
  )

  it('makes one of fifty first realms the default', async () => {
    await saveResolver(suite, 'a', 'create')

    await times(50, (n) => saveRealm(suite, `realm${n}`, ['a']))

    const { realms } = await suite.store.settings()
    expect(realms).toHaveLength(50)
    expect(realms.filter(({ isDefault }) => isDefault)).toHaveLength(1)
  })

  it('keeps the mark when the default realm is saved again', async () => {
    for (const name of ['a', 'b']) await saveResolver(suite, name, 'create')
    for (const name of ['main', 'lab']) await saveRealm(suite, name, ['a'])

    await saveRealm(suite, 'main', ['b'])

    const { realms } = await suite.store.settings()
    expect(realms.map(({ name, isDefault }) => [name, isDefault])).toEqual([
      ['main', true],
      ['lab', false],
    ])
  })
}

function defaultRealms(suite: Suite): void {
  const setDefault = (name: string) => suite.store.setDefaultRealm(name, auditRow(suite.next('realm-')))
  const defaults = async () => (await suite.store.settings()).realms.filter((r) => r.isDefault).map(({ name }) => name)

  beforeEach(async () => {
    await saveResolver(suite, 'a', 'create')
    for (const name of ['r0', 'r1', 'r2']) await saveRealm(suite, name, ['a'])
  })

  it('moves the default, not to an unknown realm, and away by the empty name', async () => {
    expect([await setDefault('r2'), await defaults()]).toEqual([true, ['r2']])
    expect([await setDefault('nowhere'), await defaults()]).toEqual([false, ['r2']])
    expect([await setDefault(''), await defaults()]).toEqual([true, []])
  })

  it('ends with one default after fifty changes at once', async () => {
    await times(50, (n) => setDefault(`r${n % 3}`))

    expect(await defaults()).toHaveLength(1)
  })
}

function deletingRealms(suite: Suite): void {
  const remove = (name: string) => suite.store.deleteRealm(name, auditRow(suite.next('realm-')))

  it('deletes a realm once when fifty try, and takes it out of every token once', async () => {
    await saveResolver(suite, 'a', 'create')
    for (const name of ['main', 'lab']) await saveRealm(suite, name, ['a'])
    const both = await enrolled(suite, { realms: ['lab', 'main'] })
    const other = await enrolled(suite, { realms: ['main'] })

    const outcomes = await times(50, () => remove('lab'))

    expect([countOf(outcomes, true), countOf(outcomes, false)]).toEqual([1, 49])
    expect(await tokenOf(suite, both.serial)).toEqual({ ...both, realms: ['main'], revision: both.revision + 1 })
    expect(await tokenOf(suite, other.serial)).toEqual(other)
    expect((await suite.store.settings()).realms.map(({ name }) => name)).toEqual(['main'])
  })

  it('leaves no default when the default realm is deleted', async () => {
    await saveResolver(suite, 'a', 'create')
    for (const name of ['main', 'lab']) await saveRealm(suite, name, ['a'])

    await remove('main')

    expect((await suite.store.settings()).realms.map(({ isDefault }) => isDefault)).toEqual([false])
  })
}
