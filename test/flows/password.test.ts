/** Policy `otppin=1`: a password is computed whoever is named. Counted, since time would say it less surely. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPasswordMatches, FORMATS } from '../../src/adapters/users/crypt.ts'
import { readKeys } from '../../src/adapters/vault/keys.ts'
import { createVault } from '../../src/adapters/vault/webcrypto.ts'
import { createAudit } from '../../src/flows/audit.ts'
import { type Check, createCheck } from '../../src/flows/check.ts'
import { createDirectories } from '../../src/flows/directories.ts'
import type { Facts } from '../../src/flows/facts.ts'
import { createSettingsCache } from '../../src/flows/settings.ts'
import { createStatus, type Status } from '../../src/flows/status.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'

/** alice: "alice-pw", as `openssl passwd -1` writes it. Some have no password, the first of all among them. */
const STAFF = [
  'daemon:*:1:1:Daemon',
  'shadowed:x:1000:100:Sha Dowed',
  'alice:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:1001:100:Alice Anders',
  'locked:!$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:1002:100:Lo Cked',
  'tokenless:$1$dNsm4O.P$EZ1YBLiFoQNnGCNQaeJ7Q/:1003:100:To Kenless',
].join('\n')

let h: Harness
let check: Check
let status: Status
/** The formats of the hashes that were computed. */
let computed: string[] = []

beforeAll(async () => {
  h = await startHarness()
  await h.admin('/system/setResolver', { name: 'staff', type: 'passwdresolver', 'passwdresolver.content': STAFF })
  await h.admin('/system/setRealm', { realm: 'corp', resolvers: 'staff' })
  for (const user of ['alice', 'shadowed', 'locked']) await enroll(h, user, `EM-${user}`, { realm: 'corp' })
  const everybody = { realm: '*', user: '*', client: '*', active: 'True' }
  await h.admin('/system/setPolicy', { name: 'p', scope: 'authentication', action: 'otppin=1', ...everybody })

  const keys = readKeys(h.keys)
  if (!keys.ok) throw new Error(keys.error)
  const { store, edges } = h
  const vault = createVault(keys.value, edges.random)
  const passwordMatches = createPasswordMatches(
    FORMATS.map((read) => (text) => {
      const compare = read(text)
      return (
        compare &&
        ((password) => {
          computed.push(text.slice(0, 3))
          return compare(password)
        })
      )
    }),
  )
  const directories = createDirectories({ vault, edges, findResolver: () => undefined })
  const parts = {
    directories,
    store,
    vault,
    audit: createAudit(store, vault, 'test'),
    settings: createSettingsCache(store),
  }
  const unexpected = () => Promise.reject(new Error('nobody was let in'))
  check = createCheck({ ...parts, edges, passwordMatches, trigger: unexpected, enroll: unexpected }, 2)
  status = createStatus({ ...parts, passwordMatches })
})
afterAll(() => h.close())

const CHECK = { serial: null, tokenType: null, transactionId: null, proposed: { text: null, fallback: null } }
const TIME = { year: 2027, month: 1, day: 15, weekday: 5, hour: 8, minute: 0 }
let requests = 0
function facts(): Facts {
  computed = []
  const requestId = `password-${++requests}`
  return {
    requestId,
    now: h.edges.clock(),
    time: TIME,
    client: '192.0.2.7',
    action: 'validate/check',
    administrator: '',
  }
}

describe('with the password for a PIN', () => {
  const NAMES = ['alice', 'shadowed', 'locked', 'tokenless', 'daemon', 'unknown']

  it.each(NAMES)('check computes the whole pass and its beginning for %s', async (user) => {
    const outcome = await check({ ...CHECK, user: { user, realm: 'corp' }, pass: 'wrong-password' }, facts())

    expect(outcome.kind).toBe('rejected')
    expect(computed).toEqual(['$1$', '$1$'])
  })

  it.each(NAMES.slice(1))('check takes no password of somebody else for that of %s', async (user) => {
    const outcome = await check({ ...CHECK, user: { user, realm: 'corp' }, pass: 'alice-pw' }, facts())

    expect(outcome.kind).toBe('rejected')
    expect(computed).toHaveLength(2)
  })

  it.each(NAMES)('check_status computes the pass for %s, beside a transaction that exists', async (user) => {
    const { json } = await h.check({ user: 'alice', realm: 'corp', pass: 'alice-pw' })
    const transactionId = String(json.detail?.transactionid)
    const command = { transactionId, serial: null, user: { user, realm: 'corp' } }

    const [wrong, before] = [await status({ ...command, pass: 'wrong' }, facts()), computed]
    const right = await status({ ...command, pass: 'alice-pw' }, facts())

    expect(transactionId).toMatch(/^\d{17}$/)
    expect([before, computed]).toEqual([['$1$'], ['$1$']])
    expect([wrong, right].map((told) => told.kind === 'told' && told.entries.length)).toEqual([
      0,
      user === 'alice' ? 1 : 0,
    ])
  })
})
