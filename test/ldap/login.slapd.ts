/** Users of a real OpenLDAP server in /validate and in administration: from the configuration of LinOTP to the OTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fields, type Harness, startHarness } from '../support/harness.ts'
import { ACCOUNT, ENTRIES, PEOPLE } from './entries.ts'
import { KEYS } from './resolver.ts'
import { type Slapd, startSlapd } from './slapd.ts'

let h: Harness
let slapd: Slapd
const ldap = (): Fields => ({
  name: 'ldap',
  type: 'ldapresolver',
  ...KEYS,
  LDAPURI: `ldaps://localhost:${slapd.securePort}`,
  NOREFERRALS: 'True',
  EnforceTLS: 'False',
  only_trusted_certs: 'True',
})
const done = async (path: string, fields: Fields) => {
  const { json, text } = await h.admin(path, fields)
  if (json.result?.status !== true) throw new Error(`${path}: ${text}`)
  return json.result.value
}
const policy = (name: string, scope: string, action: string) =>
  done('/system/setPolicy', { name, scope, action, realm: 'staff', user: '*', client: '*', active: 'True' })

beforeAll(async () => {
  h = await startHarness()
  slapd = await startSlapd(ENTRIES)
  await done('/system/setResolver', ldap())
  await done('/system/setRealm', { realm: 'staff', resolvers: 'ldap' })
  await done('/system/setConfig', { EmailBlockingTimeout: '0', resolver_timeout: '30' })
  await policy('pin', 'authentication', 'otppin=1, dynamic_email_address')
  for (const [user, serial] of [
    ['ada', 'ADA'],
    ['jürgen', 'JUERGEN'],
    ['user0500', 'U500'],
  ] as const) {
    await done('/admin/init', {
      type: 'email',
      user,
      realm: 'staff',
      serial,
      email_address: `old-${serial}@example.org`,
    })
  }
})
afterAll(async () => {
  await h?.close()
  await slapd?.close()
})

describe('a user of the directory', () => {
  it.each([
    ['ada', 'password of ada', 'ada@example.org'],
    ['ADA', 'password of ada', 'ada@example.org'],
    ['user0500', 'password of user0500', 'user0500@example.org'],
  ])(
    '%s gets a mail to where the directory says, by the password of the directory, and is let in',
    async (user, password, to) => {
      const { otp, transactionId, reply } = await h.trigger(`${user}@staff`, password)
      const right = await h.check({ user: `${user}@staff`, pass: otp, transactionid: transactionId })
      const again = await h.check({ user: `${user}@staff`, pass: otp, transactionid: transactionId })

      expect(reply.json.result?.value).toBe(false)
      expect(h.catcher.mails().at(-1)?.to).toEqual([to])
      expect([right, again].map(({ json }) => json.result?.value)).toEqual([true, false])
    },
  )

  it('may have umlauts in name and password', async () => {
    const { json } = await h.check({ user: 'jürgen', realm: 'staff', pass: 'Paßwörter €𝄞' })

    expect(json.detail).toMatchObject({ linotp_tokenserial: 'JUERGEN' })
  })

  it.each(['wrong', '', 'password of user0500', '*'])('is not let in by the password %j', async (pass) => {
    const { json } = await h.check({ user: 'ada', realm: 'staff', pass })

    expect(json.result?.value).toBe(false)
    expect(json.detail).toBeUndefined()
  })

  it.each(['*', 'ada)(uid=*', 'a*', '*)(|(uid=ada', `uid=ada,${PEOPLE}`])(
    'is not meant by the login %j',
    async (user) => {
      const { json } = await h.check({ user, realm: 'staff', pass: 'password of ada' })

      expect(json.result?.value).toBe(false)
      expect(json.detail).toBeUndefined()
    },
  )

  it('is listed by pattern', async () => {
    const found = await done('/admin/userlist', { realm: 'staff', username: 'user050*' })

    expect(found).toHaveLength(10)
    expect(found).toMatchObject([{ username: 'user0500', email: 'user0500@example.org' }, ...Array(9).fill({})])
  })
})

describe('a directory that is down', () => {
  it('gives the answer to an unknown user, and works again when it is back', async () => {
    const unknown = await h.check({ user: 'nobody', realm: 'staff', pass: 'password of ada' })
    await slapd.stop('SIGKILL')
    const down = await h.check({ user: 'ada', realm: 'staff', pass: 'password of ada' })
    const { rows } = await h.client.execute('SELECT action_detail, info FROM audit ORDER BY number DESC')
    await slapd.start()
    const { otp, transactionId } = await h.trigger('ada@staff', 'password of ada')
    const back = await h.check({ user: 'ada@staff', pass: otp, transactionid: transactionId })

    expect(down.text).toBe(unknown.text)
    expect(rows[0]).toMatchObject({
      action_detail: 'resolver_unavailable',
      info: expect.stringMatching(/^ldap: connection_refused/),
    })
    expect(back.json.result?.value).toBe(true)
  })
})

describe('administration', () => {
  it('shows the configuration without its password, and saves it so', async () => {
    const shown = await done('/system/getResolver', { resolver: 'ldap' })

    expect(shown).toMatchObject({ type: 'ldapresolver', data: { BINDDN: ACCOUNT.BINDDN, UIDTYPE: 'entryUUID' } })
    expect(JSON.stringify(shown)).not.toContain(ACCOUNT.BINDPW)
    await done('/system/setResolver', { ...ldap(), BINDPW: '***', previous_name: 'ldap' })
    expect(await done('/admin/userlist', { realm: 'staff', username: 'ada' })).toHaveLength(1)
  })

  it('wants the password again when it would go to another server', async () => {
    const { json } = await h.admin('/system/setResolver', {
      ...ldap(),
      ...{ BINDPW: '***', previous_name: 'ldap', LDAPURI: 'ldaps://ldap.attacker.example' },
    })

    expect(json.result?.error?.message).toContain('BINDPW')
  })

  it('refuses by key and rule, and warns of clear text', async () => {
    const refused = await h.admin('/system/setResolver', { ...ldap(), name: 'bad', LDAPFILTER: '(uid=%s' })
    const warned = await h.admin('/system/setResolver', {
      ...ldap(),
      ...{ name: 'clear', LDAPURI: 'ldap://ldap.example.com', nonsense: '1' },
    })

    expect(refused.json.result?.error?.message).toMatch(/LDAPFILTER.*parenthesis is missing/)
    expect(decodeURI(warned.headers.get('otpost-warning') ?? '')).toMatch(
      /^unknown keys: nonsense; LDAPURI: .*ldap\.example\.com in clear/,
    )
  })

  it('writes no password down', () => {
    expect(h.log.filter((line) => line.includes('password of') || line.includes(ACCOUNT.BINDPW))).toEqual([])
  })
})
