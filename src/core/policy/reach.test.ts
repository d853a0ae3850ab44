import { describe, expect, it } from 'vitest'
import { type CompiledPolicy, compilePolicy, type PolicyRecord } from './policy.ts'
import { type Administrator, isWithin, type Needed, reachOf } from './reach.ts'

const ADA: Administrator = { login: 'ada', realm: 'linotp_admins', resolver: 'staff', userId: null, grant: null }
const NOON = { minute: 0, hour: 12, day: 28, month: 11, weekday: 6, year: 2026 }
const REALMS = ['home', 'corp', 'lab'].map((name) => ({ name, resolvers: [], isDefault: false }))

const policy = (over: Partial<PolicyRecord>): CompiledPolicy => {
  const record = { name: 'p', scope: 'admin', action: '*', realm: '*', user: '*', client: '*', time: '', active: true }
  const compiled = compilePolicy({ ...record, ...over })
  if (!compiled.ok) throw new Error(compiled.error.rule)
  return compiled.value
}
const right = (scope: 'admin' | 'system' | 'audit' | 'tools', action: string | null): Needed => [[{ scope, action }]]
const reach = (policies: readonly Partial<PolicyRecord>[], needed: Needed, administrator = ADA) =>
  reachOf(
    { policies: policies.map(policy), realms: REALMS },
    { administrator, client: '192.0.2.7', time: NOON },
    needed,
  )
const missing = (needed: Needed) => ({ missing: needed[0] })

describe('reach of an administrator', () => {
  it.each([
    ['no policy at all', [], []],
    ['none of this scope', [{ scope: 'system' }], []],
    ['none that is active', [{ active: false, user: 'eve' }], []],
    ['every realm', [{}], []],
    ['one realm', [{ realm: 'home' }], [['home']]],
    ['several', [{ realm: 'home, LAB' }], [['home', 'lab']]],
    ['all but one, by negation', [{ realm: 'home, corp, -corp' }], [['home']]],
    ['two policies', [{ realm: 'home' }, { realm: 'corp' }], [['home', 'corp']]],
    ['a precise one beside a wide one', [{ realm: 'home', user: 'ada' }, { realm: 'corp' }], [['home', 'corp']]],
    ['one that forbids in a realm', [{}, { realm: 'corp', action: '!remove' }], [['home', 'lab']]],
    ['one that forbids something else', [{}, { realm: 'corp', action: '!reset' }], []],
    ['all but what one policy forbids', [{ action: '*, !reset' }], []],
  ])('by %s', (_, policies, expected) => {
    expect(reach(policies, right('admin', 'remove'))).toEqual(expected)
  })

  it.each([
    ['for somebody else', { user: 'eve' }],
    ['of other actions', { action: 'reset, show' }],
    ['that forbids it', { action: '*, !remove' }],
    ['that is off by a word', { action: 'remove=false' }],
    ['with a value that is none', { action: 'remove=perhaps' }],
    ['from other addresses', { client: '10.0.0.0/8' }],
    ['at another time', { time: '* 0-6 * * * *' }],
    ['for a realm that there is not', { realm: 'nowhere' }],
    ['on attributes, which administrators have none of', { user: '*#department == it' }],
  ])('is none by one policy %s', (_, over) => {
    expect(reach([over], right('admin', 'remove'))).toEqual(missing(right('admin', 'remove')))
  })

  it.each(['remove=1', 'remove=true', 'remove', 'reset, remove'])('takes %s for a yes', (action) => {
    expect(reach([{ action }], right('admin', 'remove'))).toEqual([])
  })

  it('of any action is that of all together', () => {
    const policies = [
      { realm: 'home', action: 'reset' },
      { realm: 'corp', action: 'show' },
      { realm: 'lab', user: 'eve' },
    ]

    expect(reach(policies, right('admin', null))).toEqual([['home', 'corp']])
  })

  it('asks for no realm outside of scope admin, and for a user and a client that are named', () => {
    expect(reach([{ scope: 'system', realm: 'nowhere', action: 'write' }], right('system', 'write'))).toEqual([])
    expect(reach([{ scope: 'audit', user: '' }], right('audit', 'view'))).toEqual(missing(right('audit', 'view')))
  })

  it('needs every list, and of each list one right', () => {
    const both: Needed = [[{ scope: 'admin', action: 'set' }], [{ scope: 'admin', action: 'setOTPPIN' }]]
    const either: Needed = [
      [
        { scope: 'system', action: 'read' },
        { scope: 'admin', action: 'userlist' },
      ],
    ]
    const policies = [
      { realm: 'home', action: 'set, userlist' },
      { realm: 'corp', action: 'setOTPPIN' },
      { scope: 'system', action: 'write' },
    ]

    expect(reach(policies, both)).toEqual([['home'], ['corp']])
    expect(reach(policies, either)).toEqual([['home']])
    expect(reach([{ scope: 'system', action: 'read' }, { user: 'eve' }], either)).toEqual([])
    expect(reach([{ user: 'eve' }], both)).toEqual({ missing: both[0] })
    expect(reach([{ user: 'eve' }], [])).toEqual([])
  })

  it('is no more than an API token is bound to', () => {
    const bound = (rights: readonly string[], realms: readonly string[] = []) => ({ ...ADA, grant: { rights, realms } })

    expect(reach([], right('admin', 'remove'), bound(['admin']))).toEqual([])
    expect(reach([], right('admin', 'remove'), bound(['admin'], ['home']))).toEqual([['home']])
    expect(reach([{ realm: 'corp' }], right('admin', 'remove'), bound(['admin'], ['home', 'corp']))).toEqual([['corp']])
    expect(reach([{ realm: 'corp' }], right('admin', 'remove'), bound(['admin'], ['home']))).toHaveProperty('missing')
    expect(reach([], right('admin', 'remove'), bound(['admin/reset']))).toHaveProperty('missing')
    expect(reach([], right('admin', null), bound(['admin/reset']))).toEqual([])
    expect(reach([], right('admin', null), bound(['system']))).toHaveProperty('missing')
    expect(reach([], [[{ scope: 'system', action: 'write', whole: true }]], bound(['system']))).toHaveProperty(
      'missing',
    )
  })
})

describe('isWithin', () => {
  it.each([
    [['home'], undefined, true],
    [[], [], true],
    [['home', 'corp'], [['corp']], true],
    [['home'], [['corp']], false],
    [[], [['corp']], false],
    [['home', 'corp'], [['home'], ['corp']], true],
    [['home'], [['home'], ['corp']], false],
  ])('says of %j within %j: %s', (realms, within, expected) => {
    expect(isWithin(realms, within)).toBe(expected)
  })
})
