import { describe, expect, it } from 'vitest'
import { utcTime } from '../time.ts'
import { emailText, otpPin, passthru } from './actions.ts'
import { type CompiledPolicy, compilePolicy, type PolicyRecord, policyOf, type Subject, speaking } from './policy.ts'

const BASE: PolicyRecord = {
  name: 'p',
  scope: 'authentication',
  action: 'emailtext=x',
  realm: '*',
  user: '*',
  client: '*',
  time: '',
  active: true,
}

function compiled(...policies: readonly Partial<PolicyRecord>[]): readonly CompiledPolicy[] {
  return policies.map((policy) => {
    const one = compilePolicy({ ...BASE, ...policy })
    if (!one.ok) throw new Error(one.error.rule)
    return one.value
  })
}
const alice: Subject = {
  user: { login: 'alice', realm: 'corp', resolver: 'corpres', attributes: {} },
  realm: 'corp',
  client: '192.0.2.1',
  time: utcTime(1_800_000_000),
}
const names = (policies: readonly CompiledPolicy[], subject = alice): readonly string[] =>
  speaking(policies, 'authentication', 'emailtext', subject).map(({ record }) => record.name)

describe('which policies speak', () => {
  it.each<readonly [string, readonly Partial<PolicyRecord>[], readonly string[]]>([
    ['all that match', [{ name: 'b' }, { name: 'a' }], ['a', 'b']],
    ['not inactive ones', [{ name: 'a', active: false }, { name: 'b' }], ['b']],
    ['not those of another scope', [{ name: 'a', scope: 'authorization' }], []],
    ['not those without the action', [{ name: 'a', action: 'passthru' }], []],
    ['those with * as action', [{ name: 'a', action: '*' }], ['a']],
    [
      'an exact user before a pattern before *',
      [{ name: 'a' }, { name: 'b', user: 'al*' }, { name: 'c', user: 'alice' }],
      ['c'],
    ],
    [
      'the user before the realm',
      [
        { name: 'a', user: 'alice' },
        { name: 'b', realm: 'corp', client: '192.0.2.1' },
      ],
      ['a'],
    ],
    [
      'the realm before the client',
      [
        { name: 'a', realm: 'corp' },
        { name: 'b', client: '192.0.2.1' },
      ],
      ['a'],
    ],
    ['the client last', [{ name: 'a' }, { name: 'b', client: '192.0.2.0/24' }], ['b']],
    ['an empty user and client as everybody', [{ name: 'a', user: '', client: '' }], ['a']],
  ])('%s', (_, policies, expected) => expect(names(compiled(...policies))).toEqual(expected))

  it('does not ask for user and realm of a token without an owner', () => {
    expect(names(compiled({ name: 'a', user: 'bob', realm: 'other' }), { ...alice, user: null, realm: null })).toEqual([
      'a',
    ])
  })

  it('reads an empty user as nobody in scopes that are not open', () => {
    const [policy] = compiled({ scope: 'system', action: 'read', user: '' })

    expect(policy?.user({ login: 'admin', realm: '', resolver: '', attributes: {} })).toBe(0)
  })
})

describe('values', () => {
  it.each<readonly [string, string, boolean]>([
    ['named', 'passthru', true],
    ['negated', '!passthru', false],
    ['false is not on', 'passthru=false', false],
    ['a historic digit', 'passthru=1', true],
    ['a historic negative digit', 'passthru=-1', false],
    ['everything', '*', true],
  ])('of a switch: %s', (_, action, value) => expect(policyOf(compiled({ action }), alice).value(passthru)).toBe(value))

  it('is the default when no policy speaks, or when what was stored cannot be read', () => {
    expect(policyOf([], alice).value(emailText)).toBe('<otp>')
    expect(policyOf(compiled({ action: 'otppin=7' }), alice).value(otpPin)).toBe('token_pin')
  })

  it('is that of the first name in the alphabet when policies disagree', () => {
    const policies = compiled({ name: 'b', action: 'emailtext=second' }, { name: 'a', action: 'emailtext=first' })

    expect(policyOf(policies, alice).value(emailText)).toBe('first')
  })
})

describe('matching against a slow reference', () => {
  it('agrees on ten thousand random policies and requests', () => {
    const random = generator(11)
    const pick = <T>(values: readonly [T, ...T[]]): T => values[random(values.length)] ?? values[0]
    for (let round = 0; round < 10_000; round++) {
      const records = Array.from({ length: 1 + random(5) }, (_, n) => ({
        ...BASE,
        name: `p${n}`,
        user: pick(['*', 'alice', 'bob', 'al*', 'alice, bob', '!alice, *', 'r1:']),
        realm: pick(['*', 'corp', 'partner', '-corp', 'corp, partner']),
        client: pick(['*', '10.0.0.1', '10.0.0.0/8', '!10.0.0.1, 10.0.0.0/8']),
        active: random(5) > 0,
      }))
      const subject: Subject = {
        user: { login: pick(['alice', 'bob', 'carol']), realm: 'corp', resolver: pick(['r1', 'r2']), attributes: {} },
        realm: pick(['corp', 'partner']),
        client: pick(['10.0.0.1', '10.9.9.9', '192.0.2.1']),
        time: utcTime(0),
      }
      expect(names(compiled(...records), subject)).toEqual(reference(records, subject))
    }
  })
})

/** The rules again, for the few conditions above, with no cleverness. */
function reference(records: readonly PolicyRecord[], { user, realm, client }: Subject): readonly string[] {
  const users: Readonly<Record<string, () => number>> = {
    '*': () => 1,
    alice: () => (user?.login === 'alice' ? 3 : 0),
    bob: () => (user?.login === 'bob' ? 3 : 0),
    'al*': () => (user?.login === 'alice' ? 2 : 0),
    'alice, bob': () => (user?.login !== 'carol' ? 3 : 0),
    '!alice, *': () => (user?.login === 'alice' ? 0 : 1),
    'r1:': () => (user?.resolver === 'r1' ? 2 : 0),
  }
  const realms: Readonly<Record<string, number>> = {
    '*': 1,
    '-corp': 0,
    corp: realm === 'corp' ? 3 : 0,
    partner: realm === 'partner' ? 3 : 0,
    'corp, partner': 3,
  }
  const inTen = client?.startsWith('10.') ?? false
  const clients: Readonly<Record<string, number>> = {
    '*': 1,
    '10.0.0.1': client === '10.0.0.1' ? 3 : 0,
    '10.0.0.0/8': inTen ? 3 : 0,
    '!10.0.0.1, 10.0.0.0/8': inTen && client !== '10.0.0.1' ? 3 : 0,
  }
  let left = records
    .filter(({ active }) => active)
    .map((record) => ({
      name: record.name,
      ranks: [users[record.user]?.() ?? 0, realms[record.realm] ?? 0, clients[record.client] ?? 0],
    }))
    .filter(({ ranks }) => ranks.every((rank) => rank > 0))
  for (const n of [0, 1, 2])
    left = left.filter(({ ranks }) => left.every((other) => (other.ranks[n] ?? 0) <= (ranks[n] ?? 0)))
  return left.map(({ name }) => name).sort()
}

function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}
