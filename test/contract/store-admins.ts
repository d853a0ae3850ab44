/** Contract of administrators, their API tokens and their sessions. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Grant } from '../../src/core/policy/grant.ts'
import { auditRow, auditsOf, countOf, NOW, type Suite, times } from './store-fixture.ts'

export function adminTests(suite: Suite): void {
  describe('administrators', () => {
    beforeEach(async () => {
      await suite.clear('admins', 'api_tokens', 'revoked_sessions', 'login_attempts')
    })
    adding(suite)
    removing(suite)
    apiTokens(suite)
    sessions(suite)
    passwords(suite)
    logins(suite)
  })
}

const admin = (username: string, n = 0) => ({ username, passwordHash: `$scrypt$${n}`, createdAt: NOW + n })
const add = (suite: Suite, username: string, n = 0) =>
  suite.store.addAdmin(admin(username, n), auditRow(suite.next('admin-')))

function adding(suite: Suite): void {
  it('adds one of fifty first administrators, whatever their names', async () => {
    const outcomes = await times(50, (n) => suite.store.addFirstAdmin(admin(`admin${n}`, n)))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'taken')]).toEqual([1, 49])
    const winner = outcomes.indexOf('done')
    expect(await suite.store.listAdmins()).toEqual([{ username: `admin${winner}`, createdAt: NOW + winner }])
  })

  it('adds one of fifty administrators of the same name, with the password of that one', async () => {
    const ids = Array.from({ length: 50 }, () => suite.next('admin-'))

    const outcomes = await times(50, (n) => suite.store.addAdmin(admin('ada', n), auditRow(ids[n] ?? '', 'added')))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'taken')]).toEqual([1, 49])
    const winner = outcomes.indexOf('done')
    expect(await suite.store.findAdmin('ada')).toEqual({ username: 'ada', passwordHash: `$scrypt$${winner}` })
    const audit = await auditsOf(suite, ids)
    expect(audit).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['added'] : [])))
  })

  it('lists administrators by name and finds no other', async () => {
    for (const [n, name] of ['zoe', 'ada'].entries()) await add(suite, name, n)

    expect((await suite.store.listAdmins()).map(({ username }) => username)).toEqual(['ada', 'zoe'])
    expect(await suite.store.findAdmin('eve')).toBeNull()
  })
}

function removing(suite: Suite): void {
  const remove = (username: string) => suite.store.removeAdmin(username, auditRow(suite.next('admin-'), 'removed'))

  it('refuses to remove the last one, and an unknown one', async () => {
    await add(suite, 'ada')

    expect([await remove('ada'), await remove('eve')]).toEqual(['last', 'unknown'])
    expect(await suite.store.listAdmins()).toHaveLength(1)
  })

  it('leaves one of fifty when all are removed at once', async () => {
    const names = JSON.stringify(Array.from({ length: 50 }, (_, n) => `admin${n}`))
    await suite.rows("INSERT INTO admins SELECT value, '$scrypt$', 1 FROM json_each(?)", names)

    const outcomes = await times(50, (n) => remove(`admin${n}`))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'last')]).toEqual([49, 1])
    const left = await suite.store.listAdmins()
    expect(left.map(({ username }) => username)).toEqual([`admin${outcomes.indexOf('last')}`])
  })

  it("revokes the API tokens of whom it removes, and nobody else's", async () => {
    for (const name of ['ada', 'eve']) await add(suite, name)
    const [own, other] = [suite.next('api'), suite.next('api')]
    const token = { name: 'ci', hash: 'h', createdAt: NOW, grant: null, expiresAt: null }
    await suite.store.addApiToken({ ...token, id: own, admin: 'ada' }, auditRow(suite.next('admin-')))
    await suite.store.addApiToken({ ...token, id: other, admin: 'eve' }, auditRow(suite.next('admin-')))

    await remove('ada')

    expect((await suite.store.findApiToken(own, NOW)).token).toBeNull()
    expect((await suite.store.findApiToken(other, NOW)).token).toMatchObject({ admin: 'eve', hash: 'h' })
  })
}

function apiTokens(suite: Suite): void {
  const token = (over: object = {}) => ({
    id: suite.next('api'),
    admin: 'ada',
    name: 'ci',
    hash: 'hash',
    createdAt: NOW,
    grant: null as Grant | null,
    expiresAt: null as number | null,
    ...over,
  })
  const audit = () => auditRow(suite.next('api-'))

  it('keeps tokens of administrators only', async () => {
    await add(suite, 'ada')
    const [own, foreign] = [token(), token({ admin: 'eve' })]

    expect(await suite.store.addApiToken(own, audit())).toBe('done')
    expect(await suite.store.addApiToken(foreign, audit())).toBe('unknown')
    const { version } = await suite.store.settings()
    const found = { admin: 'ada', hash: 'hash', grant: null, lastUsedAt: null }
    expect(await suite.store.findApiToken(own.id, NOW)).toEqual({ version, token: found })
    expect(await suite.store.findApiToken(foreign.id, NOW)).toEqual({ version, token: null })
    const { hash: _, ...listed } = own
    expect(await suite.store.listApiTokens()).toEqual([{ ...listed, lastUsedAt: null }])
  })

  it('keeps what a token is bound to, and finds none from the second on at which it expires', async () => {
    await add(suite, 'ada')
    const grant = { rights: ['admin/show', 'admin/reset'], realms: ['corp', 'lab'] }
    const bound = token({ grant, expiresAt: NOW + 60 })
    await suite.store.addApiToken(bound, audit())

    expect((await suite.store.findApiToken(bound.id, NOW + 59)).token).toMatchObject({ grant })
    expect((await suite.store.findApiToken(bound.id, NOW + 60)).token).toBeNull()
    expect(await suite.store.listApiTokens()).toMatchObject([{ id: bound.id, grant, expiresAt: NOW + 60 }])
  })

  it('notes the use of a token now and then, by one of fifty who use it at once', async () => {
    await add(suite, 'ada')
    const one = token()
    await suite.store.addApiToken(one, audit())
    const lastUse = async () => (await suite.store.listApiTokens())[0]?.lastUsedAt

    await times(50, (n) => suite.store.noteApiTokenUse(one.id, NOW + n, 60))
    const first = (await lastUse()) ?? 0
    await suite.store.noteApiTokenUse(one.id, first + 59, 60)
    const still = await lastUse()
    await suite.store.noteApiTokenUse(one.id, first + 60, 60)

    expect([still, await lastUse()]).toEqual([first, first + 60])
  })

  it('never keeps a token of somebody who is removed at the same time', async () => {
    for (const name of ['ada', 'eve']) await add(suite, name)

    await times(
      50,
      (n): Promise<unknown> =>
        n === 25 ? suite.store.removeAdmin('ada', audit()) : suite.store.addApiToken(token(), audit()),
    )

    expect(await suite.store.listApiTokens()).toEqual([])
  })

  it('revokes a token once when fifty try', async () => {
    await add(suite, 'ada')
    const [gone, kept] = [token(), token()]
    for (const one of [gone, kept]) await suite.store.addApiToken(one, audit())

    const outcomes = await times(50, () => suite.store.revokeApiToken(gone.id, audit()))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'unknown')]).toEqual([1, 49])
    expect((await suite.store.listApiTokens()).map(({ id }) => id)).toEqual([kept.id])
  })
}

function sessions(suite: Suite): void {
  it('lives until it is ended, and not without its administrator', async () => {
    for (const name of ['ada', 'eve']) await add(suite, name)
    const [session, other] = [suite.next('session'), suite.next('session')]
    const state = async (id: string, username: string) =>
      (await suite.store.readSession(id, { username }))?.passwordHash ?? null

    const hash = admin('ada').passwordHash
    const before = await state(session, 'ada')
    await suite.store.endSession(session, NOW + 60, auditRow(suite.next('logout-')))

    expect([before, await state(session, 'ada'), await state(other, 'ada')]).toEqual([hash, null, hash])
    await suite.store.removeAdmin('ada', auditRow(suite.next('admin-')))
    expect([await state(other, 'ada'), await state(other, 'eve')]).toEqual([null, admin('eve').passwordHash])
  })

  it('takes fifty ends of one session, each with its line of audit', async () => {
    await add(suite, 'ada')
    const session = suite.next('session')
    const ids = Array.from({ length: 50 }, () => suite.next('logout-'))

    await Promise.all(ids.map((id) => suite.store.endSession(session, NOW + 60, auditRow(id, 'logout'))))

    expect(await suite.store.readSession(session, { username: 'ada' })).toBeNull()
    expect(await auditsOf(suite, ids)).toEqual(ids.map(() => ['logout']))
  })
}

function passwords(suite: Suite): void {
  it('sets the password of one that is there, by one of fifty after the other', async () => {
    await add(suite, 'ada')
    const ids = Array.from({ length: 50 }, () => suite.next('password-'))

    const outcomes = await times(50, (n) => suite.store.setAdminPassword('ada', `$new$${n}`, auditRow(ids[n] ?? '')))

    expect(countOf(outcomes, 'done')).toBe(50)
    expect((await suite.store.findAdmin('ada'))?.passwordHash).toMatch(/^\$new\$/)
    expect(await suite.store.setAdminPassword('eve', 'x', auditRow(suite.next('password-')))).toBe('unknown')
  })

  it('tells the version of the settings and the password of a session in one read', async () => {
    const [resolver, userId] = [suite.next('admins-'), '7']
    const users = [{ userId, login: 'zoe', attributes: {}, passwordHash: '$1$a$b' }]
    await suite.store.saveResolver(
      { name: resolver, type: 'passwdresolver', data: {}, users },
      'create',
      auditRow(resolver),
    )
    const { version } = await suite.store.settings()
    const before = suite.sizes.length

    const read = (holder: { userId: string; login: string }) =>
      suite.store.readSession(suite.next('session'), { resolver, ...holder })
    const found = await read({ userId, login: 'zoe' })
    const nobody = await read({ userId: '8', login: 'zoe' })
    const renamed = await read({ userId, login: 'zora' })

    expect(found).toEqual({ version, passwordHash: '$1$a$b' })
    expect([nobody, renamed]).toEqual(Array(2).fill({ version, passwordHash: null }))
    expect(suite.sizes.length - before).toBe(3)
  })
}

function logins(suite: Suite): void {
  const END = NOW + 900
  const pay = (limits: Parameters<Suite['store']['payLogin']>[0], now = NOW) =>
    suite.store.payLogin(limits, now, now + 900)
  const settle = (login: Parameters<Suite['store']['settleLogin']>[0]) =>
    suite.store.settleLogin(login, auditRow(suite.next('login-')))

  it('takes no more payments of fifty at once than the limit says, until the period is over', async () => {
    const limits = [
      { key: 'pair', limit: 10 },
      { key: 'network', limit: 30 },
    ]

    const paid = await times(50, () => pay(limits))

    expect(countOf(paid, true)).toBe(10)
    expect([await pay(limits, END - 1), await pay(limits, END)]).toEqual([false, true])
  })

  it('takes a payment under all limits or under none', async () => {
    const counts = async () => suite.rows('SELECT key, attempts FROM login_attempts ORDER BY key')
    await pay([{ key: 'full', limit: 1 }])

    const refused = await pay([
      { key: 'other', limit: 5 },
      { key: 'full', limit: 1 },
    ])

    expect(refused).toBe(false)
    expect(await counts()).toEqual([{ key: 'full', attempts: 1 }])
  })

  it('lets a network pass that is known, whatever others have paid, until it is forgotten', async () => {
    const limits = [{ key: 'name', limit: 1, unless: 'known' }]
    await times(50, () => pay(limits))
    await settle({ cleared: [], paidBack: [], known: { key: 'known', until: NOW + 60 } })

    expect([await pay(limits, NOW + 59), await pay(limits, NOW + 60)]).toEqual([true, false])
  })

  it('gives fifty payments back at once, and never more than were made', async () => {
    await times(50, () => pay([{ key: 'network', limit: 100 }]))
    const left = async () =>
      (await suite.rows("SELECT attempts FROM login_attempts WHERE key = 'network'"))[0]?.attempts

    await times(49, () => settle({ cleared: ['pair'], paidBack: ['network'], known: { key: 'known', until: END } }))
    const after = await left()
    await times(3, () => settle({ cleared: ['pair'], paidBack: ['network'], known: { key: 'known', until: END } }))

    expect([after, await left()]).toEqual([1, 0])
  })

  it('forgets by the sweep what counts no more', async () => {
    await pay([{ key: 'pair', limit: 1 }])

    await suite.store.sweep(END - 1)
    const before = await suite.rows('SELECT key FROM login_attempts')
    await suite.store.sweep(END)

    expect([before, await suite.rows('SELECT key FROM login_attempts')]).toEqual([[{ key: 'pair' }], []])
  })
}
