/** Contract of administrators, their API tokens and their sessions. */
import { beforeEach, describe, expect, it } from 'vitest'
import { auditRow, auditsOf, countOf, NOW, type Suite, times } from './store-fixture.ts'

export function adminTests(suite: Suite): void {
  describe('administrators', () => {
    beforeEach(async () => {
      await suite.clear('admins', 'api_tokens', 'revoked_sessions')
    })
    adding(suite)
    removing(suite)
    apiTokens(suite)
    sessions(suite)
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
    const token = { name: 'ci', hash: 'h', createdAt: NOW }
    await suite.store.addApiToken({ ...token, id: own, admin: 'ada' }, auditRow(suite.next('admin-')))
    await suite.store.addApiToken({ ...token, id: other, admin: 'eve' }, auditRow(suite.next('admin-')))

    await remove('ada')

    expect([await suite.store.findApiToken(own), await suite.store.findApiToken(other)]).toEqual([
      null,
      { admin: 'eve', hash: 'h' },
    ])
  })
}

function apiTokens(suite: Suite): void {
  const token = (over: object = {}) => ({
    id: suite.next('api'),
    admin: 'ada',
    name: 'ci',
    hash: 'hash',
    createdAt: NOW,
    ...over,
  })
  const audit = () => auditRow(suite.next('api-'))

  it('keeps tokens of administrators only', async () => {
    await add(suite, 'ada')
    const [own, foreign] = [token(), token({ admin: 'eve' })]

    expect(await suite.store.addApiToken(own, audit())).toBe('done')
    expect(await suite.store.addApiToken(foreign, audit())).toBe('unknown')
    expect(await suite.store.findApiToken(own.id)).toEqual({ admin: 'ada', hash: 'hash' })
    expect(await suite.store.findApiToken(foreign.id)).toBeNull()
    const { hash: _, ...listed } = own
    expect(await suite.store.listApiTokens()).toEqual([listed])
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
    const state = (id: string, username: string) => suite.store.sessionPassword(id, username)

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

    expect(await suite.store.sessionPassword(session, 'ada')).toBeNull()
    expect(await auditsOf(suite, ids)).toEqual(ids.map(() => ['logout']))
  })
}
