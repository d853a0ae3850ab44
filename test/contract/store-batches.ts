/**
 * Contract of every changing step alike: a batch that fails leaves nothing behind, the version of the settings moves
 * with each of their changes and only then, and no statement is too large for D1.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { createStore, SCHEMA_VERSION } from '../../src/adapters/store/store.ts'
import type { Challenge } from '../../src/core/challenge.ts'
import type { Token } from '../../src/core/token.ts'
import type { AuditRow, Batch, Statement, Store } from '../../src/ports/store.ts'
import { UNTHROTTLED } from '../support/records.ts'
import { checkpoint } from './store-audit.ts'
import {
  acceptCommand,
  auditRow,
  auditsOf,
  challenged,
  countOf,
  enrolled,
  enrolledMany,
  expectGapless,
  NOW,
  newToken,
  openCommand,
  type Suite,
  times,
  versionMoves,
} from './store-fixture.ts'
import { aPolicy } from './store-policies.ts'

/** What the steps below work on. */
type Subject = { readonly suite: Suite; readonly token: Token; readonly challenge: Challenge }
type Step = (store: Store, subject: Subject, audit: AuditRow) => Promise<unknown>

const user = (userId: string) => ({ userId, login: `user${userId}`, attributes: {}, passwordHash: 'x' })
const resolver = (name: string) => ({ name, type: 'passwdresolver', data: {}, users: [user('1'), user('2')] })
const provider = (name: string, isDefault = false) =>
  ({ type: 'email', name, class: 'SMTP', sealedConfig: 'v1', managed: '', timeout: '1', isDefault }) as const
const entry = { key: 'some.key', value: '1', type: '', description: '' }
const admin = (username: string) => ({ username, passwordHash: '$scrypt$', createdAt: NOW })

/** One command per step that changes something, given what `prepare` made. Addressed by name so that none is missed. */
const STEPS = {
  open: (store, { suite, token }, audit) => store.open(openCommand(suite, [token], { requestId: audit.requestId })),
  accept: (store, { suite, ...subject }, { requestId }) =>
    store.accept(acceptCommand(suite, subject, { requestId, stampAccess: true })),
  reject: (store, { token, challenge }, audit) =>
    store.reject({
      now: NOW,
      throttle: UNTHROTTLED,
      failed: [token.serial],
      judged: [token.serial],
      guessed: [challenge.id],
      audit,
    }),
  noteDelivery: (store, { challenge: { id: challengeId, serial } }, { requestId }) =>
    store.noteDelivery({
      ...{ requestId, challengeId, serial, at: NOW, delivered: true, message: 'm', expiresAt: NOW + 9 },
      tries: [{ provider: 'p', status: 'accepted', reason: '' }],
      rests: { now: NOW, failed: [provider('first')], took: { type: 'email', name: 'second' } },
    }),
  endRest: (store, _, audit) => store.endRest({ type: 'email', name: 'first' }, audit),
  writeAudit: (store, _, audit) => store.writeAudit(audit),
  createToken: (store, { suite }, audit) => store.createToken(newToken(suite.next('LSEM')), audit),
  reinitToken: (store, { token }, audit) => store.reinitToken({ ...token, sealedSecret: 'new' }, audit),
  changeTokens: (store, { token: { serial, revision } }, audit) =>
    store.changeTokens([{ serial, revision, set: { active: false, info: { a: 1 } } }], audit),
  moveCounter: (store, { token: { serial, revision, counter } }, audit) =>
    store.moveCounter({ serial, revision, matched: counter, next: counter + 1, resetFailCount: true }, audit),
  createTokens: (store, { suite }, audit) =>
    store.createTokens([
      { token: newToken(suite.next('LSEM')), audit },
      { token: newToken(suite.next('LSEM')), audit: { ...audit, requestId: `${audit.requestId}.2` } },
    ]),
  replaceToken: (store, { suite, token }, audit) => store.replaceToken(newToken(suite.next('lost')), token, audit),
  removeTokens: (store, { token }, audit) => store.removeTokens([token.serial], audit),
  resetFailCounts: (store, { token }, audit) => store.resetFailCounts([token.serial], audit),
  setConfig: (store, _, audit) => store.setConfig([entry], audit),
  deleteConfig: (store, _, audit) => store.deleteConfig('EmailBlockingTimeout', audit),
  saveProvider: (store, _, audit) => store.saveProvider(provider('second', true), '', audit),
  setDefaultProvider: (store, _, audit) => store.setDefaultProvider('email', 'second', audit),
  deleteProvider: async (store, _, audit) =>
    store.deleteProvider(provider('third'), (await store.settings()).version, audit),
  saveResolver: (store, _, audit) => store.saveResolver(resolver('corp'), 'replace', audit),
  deleteResolver: (store, _, audit) => store.deleteResolver('spare', audit),
  saveRealm: (store, _, audit) => store.saveRealm('lab', ['corp'], audit),
  setDefaultRealm: (store, _, audit) => store.setDefaultRealm('side', audit),
  deleteRealm: (store, _, audit) => store.deleteRealm('side', audit),
  savePolicies: async (store, { suite }, audit) =>
    store.savePolicies([aPolicy('new')], (await suite.store.settings()).version, audit),
  deletePolicies: async (store, { suite }, audit) =>
    store.deletePolicies(['new'], (await suite.store.settings()).version, audit),
  addAdmin: (store, _, audit) => store.addAdmin(admin('new'), audit),
  setAdminPassword: (store, _, audit) => store.setAdminPassword('ada', '$scrypt$', audit),
  removeAdmin: (store, _, audit) => store.removeAdmin('eve', audit),
  addApiToken: (store, _, audit) =>
    store.addApiToken(
      { id: 'api-2', admin: 'ada', name: 'ci', hash: 'h', createdAt: NOW, grant: null, expiresAt: null },
      audit,
    ),
  revokeApiToken: (store, _, audit) => store.revokeApiToken('api-1', audit),
  endSession: (store, _, audit) => store.endSession('session-2', NOW + 9, audit),
  claim: (store, _, { requestId }) => store.claim({ key: requestId, requestId, now: NOW }),
  leapAhead: (store, _, audit) => store.leapAhead(1, audit),
  addKey: (store) => store.addKey({ id: 'new', canary: 'c', createdAt: NOW }),
  resealValues: (store, { token: { serial: name, sealedSecret: sealed } }, audit) =>
    store.resealValues([{ kind: 'secret', name, sealed, after: 'v1.k2.nonce.new' }], audit),
  forgetKeys: (store, _, audit) => store.forgetKeys([], audit),
  settleLogin: (store, _, audit) =>
    store.settleLogin({ cleared: ['pair'], paidBack: ['name'], known: { key: 'known', until: NOW + 9 } }, audit),
  payLogin: (store) => store.payLogin([{ key: 'pair', limit: 9 }], NOW, NOW + 9),
  noteApiTokenUse: (store) => store.noteApiTokenUse('api-1', NOW, 60),
  addFirstAdmin: (store) => store.addFirstAdmin(admin('first')),
  addCheckpoint: async (store, { suite }) => store.addCheckpoint(await checkpoint(suite)),
  // Of the last checkpoint, of which `clean` has made one.
  resealAudit: async (store, { suite }) => {
    const { id = 0, mac = '' } = (await suite.store.lastCheckpoint()) ?? {}
    return store.resealAudit('checkpoint', { id, before: mac, after: 'k2.mac' })
  },
  addCut: async (store, { suite }, audit) => {
    const { id: checkpoint = 0, last = 0 } = (await suite.store.lastCheckpoint()) ?? {}
    const id = ((await suite.store.readCuts()).at(-1)?.id ?? 0) + 1
    const cut = { id, last, lastDelivery: 0, checkpoint, digest: 'd', findings: 0, at: NOW, mac: 'k1.cut' }
    return store.addCut(cut, audit)
  },
  removeCutRows: (store) => store.removeCutRows(10),
  sweep: (store) => store.sweep(NOW + 10_000_000),
} satisfies Partial<Record<keyof Store, Step>>

const TABLES = [
  'admins',
  'api_tokens',
  'audit_checkpoints',
  'audit_cuts',
  'buckets',
  'challenges',
  'claims',
  'config',
  'master_keys',
  'meta',
  'policies',
  'providers',
  'realms',
  'resolvers',
  'tokens',
  'users',
]

/** The whole database as one text; of what only grows, how much there is. */
const dump = async (suite: Suite) => {
  const whole = TABLES.map((table) => `SELECT * FROM ${table} ORDER BY 1, 2`)
  const growing = ['audit', 'deliveries', 'revoked_sessions'].map(
    (table) => `SELECT COUNT(*), MAX(rowid) FROM ${table}`,
  )
  return JSON.stringify(
    await suite.batch(
      [...whole, ...growing].map((sql) => ({ sql, params: [] })),
      'read',
    ),
  )
}

export function batchTests(suite: Suite): void {
  describe('every step', () => {
    beforeAll(() => clean(suite))
    rollBack(suite)
    versions(suite)
  })
  describe('sweep', () => sweeping(suite))
  describe('the whole suite', () => limits(suite))
}

async function clean(suite: Suite): Promise<void> {
  await suite.clear('admins', 'api_tokens', 'realms', 'resolvers', 'providers', 'users', 'challenges', 'tokens')
  const { store } = suite
  const audit = () => auditRow(suite.next('prepare-'))
  for (const name of ['ada', 'eve']) await store.addAdmin(admin(name), audit())
  await store.addApiToken(
    { id: 'api-1', admin: 'ada', name: 'ci', hash: 'h', createdAt: NOW, grant: null, expiresAt: null },
    audit(),
  )
  for (const name of ['first', 'second', 'third']) await store.saveProvider(provider(name), '', audit())
  for (const name of ['corp', 'spare']) await store.saveResolver(resolver(name), 'create', audit())
  for (const name of ['main', 'side']) await store.saveRealm(name, ['corp'], audit())
  await store.endSession('session-1', NOW + 1, audit())
  await store.addCheckpoint(await checkpoint(suite))
}

async function prepare(suite: Suite): Promise<Subject> {
  const token = await enrolled(suite, { info: { count_auth_max: 5 } }, 'fail_count = 1')
  return { suite, token, challenge: await challenged(suite, token, { set: "delivery = 'pending'" }) }
}

function rollBack(suite: Suite): void {
  // Fails when it runs, not when it is compiled, so everything before it has run.
  const bad: Statement = { sql: "INSERT INTO meta (key, value) VALUES ('schema', 0)", params: [] }
  const failing: Batch = (statements, mode) => suite.batch(mode === 'write' ? [...statements, bad] : statements, mode)

  it.each(Object.entries<Step>(STEPS))(
    '%s leaves nothing behind when its batch fails, no line of audit either',
    async (_, step) => {
      const subject = await prepare(suite)
      const before = await dump(suite)

      await expect(step(createStore(failing), subject, auditRow(suite.next('failing-')))).rejects.toThrow(
        'UNIQUE constraint failed: meta.key',
      )

      expect(await dump(suite)).toBe(before)
    },
  )

  it('uses no number of the audit up when a batch fails', async () => {
    const number = async () => {
      const id = suite.next('number-')
      await suite.store.writeAudit(auditRow(id))
      const [row] = await suite.rows('SELECT number FROM audit WHERE request_id = ?', id)
      return Number(row?.number)
    }
    const first = await number()

    await expect(createStore(failing).writeAudit(auditRow(suite.next('failing-')))).rejects.toThrow(
      'UNIQUE constraint failed: meta.key',
    )

    expect(await number()).toBe(first + 1)
  })

  it('gives fifty lines at once fifty numbers in a row', async () => {
    const ids = Array.from({ length: 50 }, () => suite.next('line-'))

    await Promise.all(ids.map((id) => suite.store.writeAudit(auditRow(id, 'line'))))

    expect(await auditsOf(suite, ids)).toEqual(ids.map(() => ['line']))
    await expectGapless(suite)
  })
}

function versions(suite: Suite): void {
  const changes: readonly (readonly [string, number, Step])[] = [
    ['saves a setting', 1, STEPS.setConfig],
    ['deletes a setting', 1, STEPS.deleteConfig],
    ['deletes a setting that is not there', 0, (store, _, audit) => store.deleteConfig('nothing', audit)],
    ['saves a provider', 1, STEPS.saveProvider],
    ['moves the default provider', 1, (store, _, audit) => store.setDefaultProvider('email', 'first', audit)],
    ['names an unknown default provider', 0, (store, _, audit) => store.setDefaultProvider('sms', 'first', audit)],
    ['deletes a provider', 1, STEPS.deleteProvider],
    [
      'may not delete the default provider',
      0,
      async (store, _, audit) => store.deleteProvider(provider('first'), (await store.settings()).version, audit),
    ],
    ['deletes an unknown provider', 0, STEPS.deleteProvider],
    ['creates a resolver', 1, (store, _, audit) => store.saveResolver(resolver('new'), 'create', audit)],
    ['creates a resolver that exists', 0, (store, _, audit) => store.saveResolver(resolver('new'), 'create', audit)],
    ['replaces a resolver', 1, STEPS.saveResolver],
    ['replaces an unknown resolver', 0, (store, _, audit) => store.saveResolver(resolver('nobody'), 'replace', audit)],
    ['deletes a resolver', 1, STEPS.deleteResolver],
    ['may not delete a resolver in use', 0, (store, _, audit) => store.deleteResolver('corp', audit)],
    ['saves a realm', 1, STEPS.saveRealm],
    ['saves a realm of unknown resolvers', 0, (store, _, audit) => store.saveRealm('lab', ['nobody'], audit)],
    ['moves the default realm', 1, STEPS.setDefaultRealm],
    ['names an unknown default realm', 0, (store, _, audit) => store.setDefaultRealm('nowhere', audit)],
    ['deletes a realm', 1, STEPS.deleteRealm],
    ['deletes an unknown realm', 0, STEPS.deleteRealm],
    ['saves policies', 1, STEPS.savePolicies],
    ['deletes policies', 1, STEPS.deletePolicies],
    ['comes too late for policies', 0, (store, _, audit) => store.savePolicies([aPolicy('late')], 0, audit)],
    ...(['open', 'accept', 'reject', 'createToken', 'reinitToken', 'changeTokens', 'removeTokens'] as const).map(
      (name) => [`only does ${name}`, 0, STEPS[name]] as const,
    ),
    ['adds an administrator', 0, STEPS.addAdmin],
  ]

  it.each(changes)('a request that %s moves the version of the settings by %d', async (_, moves, step) => {
    const subject = await prepare(suite)

    expect(await versionMoves(suite, () => step(suite.store, subject, auditRow(suite.next('version-'))))).toBe(moves)
  })
}

function sweeping(suite: Suite): void {
  const DAY = 86_400

  it('deletes challenges a day after their end, whatever became of them, and ends of sessions after a month', async () => {
    await suite.store.sweep(NOW + 10_000_000)
    // One token each: the next challenge of a token clears away its dead ones.
    const [first, second, third] = [await enrolled(suite), await enrolled(suite), await enrolled(suite)]
    const kept = await challenged(suite, first, { set: `expires_at = ${NOW - DAY}, state = 'accepted'` })
    await challenged(suite, second, { set: `expires_at = ${NOW - DAY - 1}` })
    await challenged(suite, third, { set: `expires_at = ${NOW - DAY - 1}, state = 'accepted'` })
    for (const end of [NOW - 30 * DAY - 1, NOW - 30 * DAY, NOW + 1])
      await suite.store.endSession(`until ${end}`, end, auditRow(suite.next('e-')))

    const swept = await suite.store.sweep(NOW)

    expect(swept).toBe(3)
    expect(await suite.rows('SELECT id FROM challenges')).toEqual([{ id: kept.id }])
    const sessions = await suite.rows('SELECT id FROM revoked_sessions ORDER BY id')
    expect(sessions.map(({ id }) => id)).toEqual([`until ${NOW - 30 * DAY}`, `until ${NOW + 1}`])
  })

  it('counts each row once when fifty sweep at once', async () => {
    await suite.store.sweep(NOW + 10_000_000)
    const tokens = await enrolledMany(suite, 5)
    await Promise.all(tokens.map((token) => challenged(suite, token, { set: `expires_at = ${NOW - DAY - 1}` })))

    const swept = await times(50, () => suite.store.sweep(NOW))

    expect([swept.reduce((sum, n) => sum + n), countOf(swept, 0)]).toEqual([5, 49])
  })
}

function limits(suite: Suite): void {
  it('says which schema it has', async () => {
    expect(await suite.store.schemaVersion()).toBe(SCHEMA_VERSION)
  })

  it('binds no more than a hundred parameters, in statements of no more than 100,000 bytes', () => {
    // D1: 100 parameters a statement, 100 KB of SQL, 2,000,000 bytes a bound value.
    expect(Math.max(...suite.sizes.map(({ params }) => params))).toBeLessThanOrEqual(100)
    expect(Math.max(...suite.sizes.map(({ sqlBytes }) => sqlBytes))).toBeLessThanOrEqual(100_000)
    expect(Math.max(...suite.sizes.map(({ valueBytes }) => valueBytes))).toBeLessThanOrEqual(2_000_000)
  })

  it('numbers the audit without a gap', async () => {
    await expectGapless(suite)
  })
}
