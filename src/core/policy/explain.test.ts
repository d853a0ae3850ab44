import { describe, expect, it } from 'vitest'
import { utcTime } from '../time.ts'
import { explain } from './explain.ts'
import { compilePolicy, type PolicyRecord } from './policy.ts'

const subject = {
  user: { login: 'ada', realm: 'staff', resolver: 'r', attributes: {} },
  realm: 'staff',
  client: '192.0.2.7',
  time: utcTime(1_800_000_000),
}

function policy(name: string, action: string, more: Partial<PolicyRecord> = {}) {
  const open = { realm: '*', user: '*', client: '*', time: '', active: true }
  const compiled = compilePolicy({ name, scope: 'authentication', action, ...open, ...more })
  if (!compiled.ok) throw new Error(compiled.error.rule)
  return compiled.value
}

describe('explain', () => {
  it('names what decides, and of the others what they say and why that does not count', () => {
    const policies = [
      policy('all', 'emailtext=all <otp>'),
      policy('b_staff', 'emailtext=b <otp>', { realm: 'staff' }),
      policy('a_staff', 'emailtext=a <otp>', { realm: 'staff' }),
      policy('c_staff', 'smstext=c <otp>', { realm: 'staff', client: '192.0.2.0/24' }),
    ]

    const { decided } = explain(policies, subject)

    expect(decided.map(({ written, policy: by }) => `${written} by ${by}`)).toEqual([
      'emailtext=a <otp> by a_staff',
      'smstext=c <otp> by c_staff',
    ])
    expect(decided[0]?.passedOver).toEqual([
      {
        policy: 'b_staff',
        written: 'emailtext=b <otp>',
        because: 'it is as precise, and its name comes later in the alphabet',
      },
      { policy: 'all', written: 'emailtext=all <otp>', because: "its realm '*' is less precise" },
    ])
  })

  it.each<readonly [Partial<PolicyRecord>, Partial<PolicyRecord>, string]>([
    [{ user: 'ada' }, { realm: 'staff' }, "its user '*' is less precise"],
    [{ client: '192.0.2.7' }, {}, "its client '*' is less precise"],
  ])('%j goes before %j', (first, second, because) => {
    const { decided } = explain([policy('z', 'autosms', first), policy('a', '!autosms', second)], subject)

    expect(decided[0]).toMatchObject({ policy: 'z', passedOver: [{ policy: 'a', written: '!autosms', because }] })
  })

  it('passes over a value that was stored unread, as a decision does, and says when none is left', () => {
    const [broken, good] = [policy('a', 'max_attempts=many'), policy('b', 'max_attempts=3')]

    const [both, alone] = [explain([broken, good], subject), explain([broken], subject)]

    expect(both.decided[0]).toMatchObject({ policy: 'b', passedOver: [{ because: 'its value cannot be read' }] })
    expect(alone.decided[0]?.idle).toBe('the value cannot be read, so the default holds')
  })

  it('says of an action that it has no effect', () => {
    const { decided } = explain([policy('a', 'autoassignment', { scope: 'enrollment' })], subject)

    expect(decided[0]?.idle).toContain('OTP of an e-mail or SMS token')
  })

  it.each<readonly [Partial<PolicyRecord>, string]>([
    [{ active: false }, 'it is not active'],
    [{ realm: 'lab' }, "its realm 'lab' does not match staff"],
    [{ user: 'bob' }, "its user 'bob' does not match ada"],
    [{ client: '10.0.0.0/8' }, "its client '10.0.0.0/8' does not match 192.0.2.7"],
    [{ time: '* * * * * 1999' }, "its time '* * * * * 1999' does not match now"],
  ])('says why a policy with %j is silent', (more, because) => {
    expect(explain([policy('a', 'autosms', more)], subject).silent).toEqual([{ policy: 'a', because }])
  })

  it.each<readonly [string, readonly ReturnType<typeof policy>[], readonly string[]]>([
    ['nothing where nothing is asked', [policy('a', 'autosms')], []],
    ['nothing of whom a policy authorizes', [policy('a', 'authorize', { scope: 'authorization' })], []],
    [
      'that a user does not get in for whom no policy has authorize',
      [policy('a', 'authorize', { scope: 'authorization', user: 'bob' })],
      ['This user does not get in: some policy has authorize, so only those for whom one holds do.'],
    ],
    [
      'the same of one who is named by !authorize',
      [policy('a', '!authorize', { scope: 'authorization' })],
      ['This user does not get in: some policy has authorize, so only those for whom one holds do.'],
    ],
    [
      'nothing of a policy that is not active',
      [policy('a', 'authorize', { scope: 'authorization', active: false })],
      [],
    ],
    [
      'that a login goes to another realm',
      [policy('a', 'setrealm=lab', { scope: 'authorization' })],
      ['At a login the user is looked for in realm lab instead: ask again with that realm for what holds then.'],
    ],
    [
      'which policies are about administrators',
      [policy('a', 'show', { scope: 'admin' }), policy('b', 'read', { scope: 'system' })],
      ['About administrators, and so not looked at here: a, b.'],
    ],
  ])('remarks %s', (_, policies, remarks) => {
    expect(explain(policies, subject).remarks).toEqual(remarks)
  })
})
