/** Contract of users that are edited one by one, imported and listed. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { PasswdUser } from '../../src/core/passwd.ts'
import type { UserChange } from '../../src/ports/store.ts'
import { auditRow, auditsOf, countOf, enrolled, type Suite, times, versionMoves } from './store-fixture.ts'

const user = (n: number, over: Partial<PasswdUser> = {}): PasswdUser => ({
  userId: `id-${n}`,
  login: `user${n}`,
  attributes: { username: `user${n}`, email: `user${n}@example.org` },
  passwordHash: '*',
  ...over,
})

export function userTests(suite: Suite): void {
  const save = (name: string, type: string, users: readonly PasswdUser[] | null = null) =>
    suite.store.saveResolver({ name, type, data: {}, users }, 'create', auditRow(suite.next('user-')))
  const logins = async (resolver = 'local') => (await suite.store.findUsers([resolver], null)).map(({ login }) => login)
  const revision = async () => (await suite.store.readLocalUsers('local'))?.revision ?? -1
  const add = (one: PasswdUser, resolver = 'local', id = suite.next('user-')) =>
    suite.store.addUser(resolver, one, auditRow(id, 'added'))

  describe('users of a local resolver', () => {
    beforeEach(async () => {
      await suite.clear('realms', 'resolvers', 'users')
      await save('local', 'localresolver')
      await save('passwd', 'passwdresolver', [user(1)])
    })
    describe('adding', adding)
    describe('changing', changing)
    describe('removing', removing)
    describe('importing', importing)
    describe('lists', listing)
    describe('directories', directories)
  })

  function adding(): void {
    it('adds one of fifty with the same login, and one of fifty with the same id', async () => {
      const ids = Array.from({ length: 50 }, () => suite.next('user-'))

      const sameLogin = await Promise.all(ids.map((id, n) => add(user(n, { login: 'ada' }), 'local', id)))
      const sameId = await times(50, (n) => add(user(n, { userId: 'one' })))

      expect([countOf(sameLogin, 'done'), countOf(sameLogin, 'login_taken')]).toEqual([1, 49])
      expect([countOf(sameId, 'done'), countOf(sameId, 'id_taken')]).toEqual([1, 49])
      expect(await logins()).toHaveLength(2)
      expect(await auditsOf(suite, ids)).toEqual(sameLogin.map((done) => (done === 'done' ? ['added'] : [])))
    })

    it('adds none to what is no local resolver', async () => {
      expect([await add(user(2), 'passwd'), await add(user(2), 'nowhere')]).toEqual(times2('resolver_unknown'))
      expect(await logins('passwd')).toEqual(['user1'])
    })

    it('is no change of the settings', async () => {
      expect(await versionMoves(suite, () => add(user(1)))).toBe(0)
    })
  }

  function changing(): void {
    const change = (login: string, set: UserChange, resolver = 'local') =>
      suite.store.changeUser(resolver, login, set, auditRow(suite.next('user-')))

    it('changes what is given and leaves the rest', async () => {
      await add(user(1))
      await add(user(2))

      const done = await change('user1', { login: 'ada', attributes: { email: '', phone: '1' }, passwordHash: '$1$x' })

      expect(done).toBe('done')
      const attributes = { username: 'ada', email: '', phone: '1' }
      expect(await suite.store.findUsers(['local'], 'ada')).toEqual([
        { resolver: 'local', userId: 'id-1', login: 'ada', attributes },
      ])
      expect((await suite.store.passwordHashes({ resolver: 'local', userId: 'id-1' }, [])).own).toBe('$1$x')
      expect(await logins()).toEqual(['ada', 'user2'])
    })

    it('renames one of fifty to a login', async () => {
      for (const n of [1, 2, 3]) await add(user(n))

      const outcomes = await times(50, (n) => change(`user${1 + (n % 3)}`, { login: 'ada' }))

      expect(countOf(outcomes, 'done')).toBe(1)
      expect((await logins()).filter((login) => login === 'ada')).toHaveLength(1)
    })

    it('refuses a login that is taken, a user that is not there, and users of another kind of resolver', async () => {
      for (const n of [1, 2]) await add(user(n))

      expect(await change('user1', { login: 'user2' })).toBe('login_taken')
      expect(await change('user1', { login: 'user1', attributes: { phone: '1' } })).toBe('done')
      expect([
        await change('nobody', { passwordHash: '' }),
        await change('user1', { passwordHash: '' }, 'passwd'),
      ]).toEqual(times2('unknown'))
    })
  }

  function removing(): void {
    const remove = (login: string, resolver = 'local') =>
      suite.store.removeUser(resolver, login, auditRow(suite.next('user-')))

    it('removes once when fifty try, and tells how many tokens have lost their owner', async () => {
      const owner = { userId: suite.next('id-'), resolver: 'local' }
      await add(user(1, { userId: owner.userId }))
      for (const _ of [1, 2]) await enrolled(suite, { owner })
      await enrolled(suite, { owner: { ...owner, resolver: 'passwd' } })

      const outcomes = await times(50, () => remove('user1'))

      expect(outcomes.filter((outcome) => outcome !== 'unknown')).toEqual([{ tokens: 2 }])
      expect(await logins()).toEqual([])
      const tokens = await suite.store.findTokens({ owners: [owner] })
      expect(tokens.map((token) => token.user)).toEqual([null, null])
    })

    it('removes nobody of another kind of resolver', async () => {
      expect(await remove('user1', 'passwd')).toBe('unknown')
      expect(await logins('passwd')).toEqual(['user1'])
    })
  }

  function importing(): void {
    const take = (save: readonly PasswdUser[], at: number, remove: readonly string[] = [], resolver = 'local') =>
      suite.store.importUsers({ resolver, revision: at, save, remove }, auditRow(suite.next('user-')))

    it('adds, replaces and removes at once, and keeps the password where there is no new one', async () => {
      for (const n of [1, 2, 3]) await add(user(n, { passwordHash: `$1$${n}` }))

      const done = await take(
        [user(2, { login: 'two', passwordHash: '' }), user(3, { passwordHash: '$1$new' }), user(4)],
        await revision(),
        ['id-1'],
      )

      expect(done).toBe('done')
      expect(await logins()).toEqual(['two', 'user3', 'user4'])
      const own = async (userId: string) => (await suite.store.passwordHashes({ resolver: 'local', userId }, [])).own
      expect([await own('id-2'), await own('id-3'), await own('id-4')]).toEqual(['$1$2', '$1$new', '*'])
    })

    it('takes one of fifty imports that were planned on the same users', async () => {
      await add(user(1))
      const at = await revision()

      const outcomes = await times(50, (n) => take([user(100 + n)], at))

      expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
      expect(await logins()).toHaveLength(2)
    })

    it.each<readonly [string, () => Promise<unknown>]>([
      ['was added', () => add(user(9))],
      ['was changed', () => suite.store.changeUser('local', 'user1', { passwordHash: '' }, auditRow(suite.next('u-')))],
      ['was removed', () => suite.store.removeUser('local', 'user1', auditRow(suite.next('u-')))],
    ])('is lost when a user %s meanwhile', async (_, act) => {
      await add(user(1))
      const at = await revision()
      await act()

      expect(await take([user(5)], at)).toBe('lost')
      expect(await logins()).not.toContain('user5')
    })

    it('is lost in another kind of resolver', async () => {
      expect(await take([user(5)], 1, [], 'passwd')).toBe('lost')
    })

    it('takes ten thousand users in one batch, in texts of bounded size', async () => {
      const many = Array.from({ length: 10_000 }, (_, n) => user(n))

      expect(await take(many, await revision())).toBe('done')

      const size = suite.sizes.at(-1)
      expect(size?.valueBytes).toBeLessThan(1_000_000)
      expect(size?.statements).toBeLessThan(10)
      expect(await suite.store.countUsers('local')).toBe(10_000)
    })
  }

  function listing(): void {
    const list = (over: Partial<Parameters<Suite['store']['listUsers']>[0]> = {}) =>
      suite.store.listUsers({ resolver: 'local', after: 0, skip: 0, limit: 2, holds: [], ...over })
    const names = ({ users }: Awaited<ReturnType<typeof list>>) => users.map(({ login }) => login)

    beforeEach(async () => {
      for (const n of [3, 1, 2]) await add(user(n))
    })

    it('comes part by part, in the order in which users came', async () => {
      const first = await list()
      const second = await list({ after: first.next ?? -1 })

      expect([names(first), names(second), second.next]).toEqual([['user3', 'user1'], ['user2'], null])
      expect(names(await list({ skip: 1 }))).toEqual(['user1', 'user2'])
      expect((await list({ after: 0, limit: 4 })).next).toBeNull()
    })

    it.each<readonly [string, string, readonly string[]]>([
      ['username', 'ser1', ['user1']],
      ['userid', 'id-2', ['user2']],
      ['email', 'user3@ex', ['user3']],
      ['phone', '1', []],
      ['email', "'", []],
    ])('is narrowed to those whose %s holds %s', async (attribute, text, found) => {
      expect(names(await list({ holds: [{ attribute, text }] }))).toEqual(found)
    })

    it('finds users by their ids, each in its resolver', async () => {
      const found = await suite.store.findUsersById([
        { resolver: 'local', userId: 'id-1' },
        { resolver: 'passwd', userId: 'id-1' },
        { resolver: 'passwd', userId: 'id-2' },
      ])

      expect(found.map(({ resolver, login }) => [resolver, login])).toEqual([
        ['local', 'user1'],
        ['passwd', 'user1'],
      ])
    })
  }

  function directories(): void {
    it('keeps the type, and the users of a local resolver, when a resolver is replaced', async () => {
      await add(user(1))
      const replace = (type: string) =>
        suite.store.saveResolver({ name: 'local', type, data: {}, users: null }, 'replace', auditRow(suite.next('u-')))

      expect([await replace('ldapresolver'), await replace('localresolver')]).toEqual(['unknown', 'done'])
      expect(await logins()).toEqual(['user1'])
    })

    it('gathers the tokens of owners that were found elsewhere, beside those of the database', async () => {
      const elsewhere = { userId: 'cn=ada', resolver: 'directory' }
      const userId = suite.next('id-')
      const token = await enrolled(suite, { owner: elsewhere })
      await add(user(1, { userId }))
      const own = await enrolled(suite, { owner: { userId, resolver: 'local' } })
      const query = {
        users: [{ login: 'user1', resolvers: ['local', 'directory'] }],
        serial: null,
        tokenType: null,
        now: 1,
      }

      const both = await suite.store.gather({ ...query, owners: [elsewhere] })
      const one = await suite.store.gather(query)

      expect(both.tokens.map(({ serial }) => serial)).toEqual([token.serial, own.serial])
      expect(one.tokens.map(({ serial }) => serial)).toEqual([own.serial])
    })
  }
}

const times2 = <T>(value: T): readonly T[] => [value, value]
