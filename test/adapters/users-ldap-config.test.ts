/** Configuration of ldapresolver: what each key may say, what it means, and what a runtime refuses. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolver } from '../../src/adapters/users/ldap.ts'
import { readLdapConfig } from '../../src/adapters/users/ldap-config.ts'
import { idAttribute, idFilter, isBelow, writeId } from '../../src/adapters/users/ldap-ids.ts'
import type { Capabilities } from '../../src/ports/edges.ts'
import { testCertificates } from '../support/certificates.ts'
import { mailEdges, NODE, WORKERS } from '../support/mail.ts'
import { randomFrom } from '../support/random-configs.ts'

const { authority, folder } = testCertificates()
/** As LinOTP has it, every value a text. */
const LINOTP = {
  LDAPURI: 'ldaps://dc1.example.com, ldaps://dc2.example.com:3269',
  LDAPBASE: 'dc=example,dc=com',
  BINDDN: 'cn=linotp,dc=example,dc=com',
  BINDPW: 'service',
  LOGINNAMEATTRIBUTE: 'sAMAccountName',
  LDAPSEARCHFILTER: '(sAMAccountName=*)(objectClass=user)',
  LDAPFILTER: '(&(sAMAccountName=%s)(objectClass=user))',
  USERINFO: '{ "username": "sAMAccountName", "email": "mail", "mobile": "mobile" }',
  UIDTYPE: 'objectGUID',
  TIMEOUT: '5',
  SIZELIMIT: '500',
  NOREFERRALS: 'True',
  EnforceTLS: 'False',
  only_trusted_certs: 'True',
  PROXY: 'False',
}

const read = (keys: Readonly<Record<string, unknown>> = {}, capabilities: Capabilities = NODE) =>
  readLdapConfig({ ...LINOTP, ...keys }, mailEdges(capabilities))

describe('the configuration', () => {
  it('of LinOTP is understood as it is', async () => {
    expect(await read()).toMatchObject({
      ok: true,
      value: {
        warnings: [],
        config: {
          servers: [
            { host: 'dc1.example.com', port: 636, encryption: 'implicit' },
            { host: 'dc2.example.com', port: 3269, encryption: 'implicit' },
          ],
          base: 'dc=example,dc=com',
          account: { name: 'cn=linotp,dc=example,dc=com', password: 'service' },
          loginAttribute: 'sAMAccountName',
          attributes: { username: 'sAMAccountName', email: 'mail', mobile: 'mobile' },
          id: { kind: 'guid', attribute: 'objectGUID' },
          timeout: 5,
          sizeLimit: 500,
          verifyCertificate: true,
          authority: undefined,
        },
      },
    })
  })

  it('of the documentation passes', async () => {
    expect(await resolver.read(resolver.sample, mailEdges())).toMatchObject({ ok: true, value: { warnings: [] } })
    expect(await resolver.read(resolver.sample, mailEdges(WORKERS))).toMatchObject({
      ok: true,
      value: { warnings: [] },
    })
  })

  it('of the page passes, and the page names every key', async () => {
    const page = await readFile(new URL('../../docs/users-ldap.md', import.meta.url), 'utf8')
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, json = '']) => JSON.parse(json) as object)

    for (const keys of examples) {
      const result = await readLdapConfig({ ...keys, TLS_CA: authority.certificate }, mailEdges())
      expect(result).toMatchObject({ ok: true, value: { warnings: [] } })
    }
    expect(examples).toHaveLength(2)
    expect([...Object.keys(LINOTP), 'TLS_CA', 'CACERTIFICATE'].filter((key) => !page.includes(`\`${key}\``))).toEqual(
      [],
    )
  })

  it.each([
    [{ LDAPURI: 'ldap://localhost' }, { servers: [{ host: 'localhost', port: 389, encryption: 'none' }] }],
    [
      { LDAPURI: 'ldap://a.example, LDAPS://[::1]:1636/', EnforceTLS: 'yes' },
      {
        servers: [
          { host: 'a.example', port: 389, encryption: 'starttls' },
          { host: '::1', port: 1636, encryption: 'implicit' },
        ],
      },
    ],
    [{ BINDDN: '', BINDPW: '' }, { account: undefined }],
    [{ BINDDN: ' svc@example.com ', BINDPW: ' pä ss ' }, { account: { name: 'svc@example.com', password: ' pä ss ' } }],
    [{ BINDDN: 'EXAMPLE\\svc', BINDPW: 1234 }, { account: { name: 'EXAMPLE\\svc', password: '1234' } }],
    [{ UIDTYPE: '' }, { id: { kind: 'dn' } }],
    [{ UIDTYPE: 'dn' }, { id: { kind: 'dn' } }],
    [{ UIDTYPE: 'entryUUID' }, { id: { kind: 'text', attribute: 'entryUUID' } }],
    [{ UIDTYPE: 'GUID' }, { id: { kind: 'hex', attribute: 'GUID' } }],
    [
      { TIMEOUT: '0.5', SIZELIMIT: 7 },
      { timeout: 0.5, sizeLimit: 7 },
    ],
    [
      { TIMEOUT: null, SIZELIMIT: '' },
      { timeout: 5, sizeLimit: 500 },
    ],
    [{ USERINFO: { email: 'mail', mobile: '', phone: null } }, { attributes: { email: 'mail' } }],
    [{ only_trusted_certs: '' }, { verifyCertificate: true }],
    [{ only_trusted_certs: '0' }, { verifyCertificate: false }],
    [{ TLS_CA: authority.certificate }, { authority: { pem: authority.certificate } }],
    [{ CACERTIFICATE: authority.certificate }, { authority: { pem: authority.certificate } }],
    [{ TLS_CA: authority.certificateFile }, { authority: { file: authority.certificateFile } }],
  ])('%j means %j', async (keys, config) => {
    expect(await read(keys)).toMatchObject({ ok: true, value: { config } })
  })

  it('asks for no attribute that holds passwords', async () => {
    const result = await read({
      USERINFO: { a: 'userpassword', b: 'unicodePwd;x', c: 'sambaNTPassword', email: 'mail' },
    })

    expect(result.ok && result.value.config.attributes).toEqual({ email: 'mail' })
  })

  const URIS = 'ldap:// or ldaps:// with a host'
  it.each<[Readonly<Record<string, unknown>>, string, string]>([
    ...Object.keys(LINOTP)
      .slice(0, 2)
      .concat('LOGINNAMEATTRIBUTE', 'LDAPSEARCHFILTER', 'LDAPFILTER', 'USERINFO')
      .flatMap((key): [Readonly<Record<string, unknown>>, string, string][] => [
        [{ [key]: undefined }, key, 'is required'],
        [{ [key]: '' }, key, 'is required'],
      ]),
    [{ LDAPBASE: ' ' }, 'LDAPBASE', 'is required'],
    [{ LDAPURI: 'dc1.example.com' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'http://dc1.example.com' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'ldapi:///var/run/slapd' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'ldap://' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'ldap://a,' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'ldap://a ldap://b' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'ldap://user:pw@a' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'ldap://a/dc=example?uid' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'ldap://a:0' }, 'LDAPURI', URIS],
    [{ LDAPURI: 'ldap://a:70000' }, 'LDAPURI', URIS],
    [{ LDAPURI: ['ldap://a'] }, 'LDAPURI', 'must be text'],
    [{ LDAPURI: Array(9).fill('ldap://a').join() }, 'LDAPURI', 'at most 8'],
    [{ LDAPBASE: 'example.com' }, 'LDAPBASE', 'must be a DN'],
    [{ BINDDN: 'EXTERNAL' }, 'BINDDN', 'must be a DN'],
    [{ BINDDN: '@' }, 'BINDDN', 'must be a DN'],
    [{ BINDDN: 'cn=a\0' }, 'BINDDN', 'must be a DN'],
    [{ BINDPW: '' }, 'BINDPW', 'is required with BINDDN'],
    [{ BINDDN: '' }, 'BINDDN', 'is required with BINDPW'],
    [{ BINDPW: {} }, 'BINDPW', 'must be text'],
    [{ LOGINNAMEATTRIBUTE: 'uid=x)(' }, 'LOGINNAMEATTRIBUTE', 'name of an LDAP attribute'],
    [{ UIDTYPE: 'entry uuid' }, 'UIDTYPE', 'name of an LDAP attribute'],
    [{ LDAPFILTER: '(uid=x)' }, 'LDAPFILTER', '%s'],
    [{ LDAPFILTER: '(uid=%s' }, 'LDAPFILTER', 'closing parenthesis is missing'],
    [{ LDAPSEARCHFILTER: '(&(uid=*)' }, 'LDAPSEARCHFILTER', 'closing parenthesis is missing'],
    [{ USERINFO: 'mail' }, 'USERINFO', 'JSON object'],
    [{ USERINFO: '["mail"]' }, 'USERINFO', 'JSON object'],
    [{ USERINFO: '{"email": 1}' }, 'USERINFO', 'JSON object'],
    [{ USERINFO: '{"email": "mail)(x=*"}' }, 'USERINFO', 'JSON object'],
    [{ TIMEOUT: '0' }, 'TIMEOUT', 'seconds'],
    [{ TIMEOUT: -1 }, 'TIMEOUT', 'seconds'],
    [{ TIMEOUT: 'x' }, 'TIMEOUT', 'seconds'],
    [{ SIZELIMIT: '0' }, 'SIZELIMIT', 'whole number'],
    [{ EnforceTLS: 'maybe' }, 'EnforceTLS', 'true, false'],
    [{ only_trusted_certs: 'off' }, 'only_trusted_certs', 'true, false'],
    [{ TLS_CA: '/no/such/file' }, 'TLS_CA', 'file that can be read'],
    [{ CACERTIFICATE: '-----BEGIN nonsense' }, 'CACERTIFICATE', 'must be a PEM certificate'],
    [{ TLS_CA: authority.key }, 'TLS_CA', 'must be a PEM certificate'],
    [{ TLS_CA: authority.certificate, CACERTIFICATE: authority.certificate }, 'CACERTIFICATE', 'must be absent'],
  ])('%j is refused for %s', async (keys, key, rule) => {
    expect(await read(keys)).toEqual({ ok: false, error: { key, rule: expect.stringContaining(rule) } })
  })

  it.each<[Readonly<Record<string, unknown>>, readonly string[]]>([
    [{ nonsense: 1, other: '' }, ['nonsense']],
    [{ LDAPURI: 'ldap://dc1.example.com' }, ['LDAPURI: passwords cross the network to dc1.example.com in clear text']],
    [{ LDAPURI: 'ldap://10.0.0.1,ldap://127.0.0.1,ldap://[::1],ldap://localhost' }, ['LDAPURI: passwords cross']],
    [{ LDAPURI: 'ldap://dc1.example.com', EnforceTLS: 1 }, []],
    [{ only_trusted_certs: 'no' }, ['only_trusted_certs: certificates are not verified']],
    [{ NOREFERRALS: 'False' }, ['NOREFERRALS: referrals are never followed']],
    [{ USERINFO: { email: 'mail', password: 'userPassword' } }, ['USERINFO: attributes that hold passwords']],
    [{ PROXY: 'True' }, ['PROXY: is of no effect']],
  ])('%j passes with a warning %j', async (keys, warnings) => {
    expect(await read(keys)).toMatchObject({
      ok: true,
      value: { warnings: warnings.map((warning) => expect.stringContaining(warning)) },
    })
  })

  it('is refused when the file of the authority is no certificate', async () => {
    const file = join(folder, 'ldap-nonsense.pem')
    await writeFile(file, 'nonsense')

    expect(await read({ TLS_CA: file })).toMatchObject({ ok: false, error: { key: 'TLS_CA' } })
    await rm(file)
  })

  it('is read to an end, whatever it is', async () => {
    const random = randomFrom('ldap configurations')
    const values = [
      ...Object.values(LINOTP),
      '',
      null,
      0,
      -1,
      true,
      {},
      [],
      '(',
      '%s',
      '{"a":"b"}',
      '\0',
      '\ud800',
      'x'.repeat(9000),
    ]
    for (let round = 0; round < 2000; round += 1) {
      const keys = Object.fromEntries(
        Object.keys(LINOTP)
          .filter(() => random() < 0.3)
          .map((key) => [key, values[Math.floor(random() * values.length)]]),
      )
      const result = await read(keys, random() < 0.5 ? NODE : WORKERS)
      if (!result.ok) expect(result.error).toEqual({ key: expect.stringMatching(/^\w+$/), rule: expect.any(String) })
    }
  })
})

describe('on Workers', () => {
  it.each<[Readonly<Record<string, unknown>>, string, string]>([
    [{ LDAPURI: 'ldap://dc1.example.com' }, 'LDAPURI', 'must be ldaps://'],
    [{ LDAPURI: 'ldap://dc1.example.com', EnforceTLS: true }, 'LDAPURI', 'must be ldaps://'],
    [{ LDAPURI: 'ldaps://dc1.example.com,ldap://dc2.example.com' }, 'LDAPURI', 'must be ldaps://'],
    ...[
      'localhost',
      '127.0.0.1',
      '10.1.2.3',
      '192.168.1.1',
      '[::1]',
      '[fd00::1]',
      '[::ffff:10.0.0.1]',
      'dc1',
      'dc1.corp.local',
    ].map((host): [Readonly<Record<string, unknown>>, string, string] => [
      { LDAPURI: `ldaps://${host}` },
      'LDAPURI',
      'must name public hosts',
    ]),
    [{ only_trusted_certs: false }, 'only_trusted_certs', 'must be true'],
    [{ TLS_CA: authority.certificate }, 'TLS_CA', 'must be absent'],
    [{ CACERTIFICATE: authority.certificate }, 'CACERTIFICATE', 'must be absent'],
  ])('%j is refused for %s', async (keys, key, rule) => {
    expect(await read(keys, WORKERS)).toEqual({ ok: false, error: { key, rule: expect.stringContaining(rule) } })
  })

  it.each(['dc1.example.com', '93.184.216.34', '[2606:2800:220:1::1]'])('%s is reached', async (host) => {
    expect(await read({ LDAPURI: `ldaps://${host}` }, WORKERS)).toMatchObject({ ok: true })
  })
})

describe('user ids', () => {
  const random = randomFrom('ldap ids')
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256))

  it('of objectGUID are written as Windows writes them', () => {
    // The example of RFC 4122 appendix C, as [MS-DTYP] stores it.
    const stored = Buffer.from('10b8a76bad9dd11180b400c04fd430c8', 'hex')

    expect(writeId('guid', stored)).toBe('6ba7b810-9dad-11d1-80b4-00c04fd430c8')
  })

  it.each([
    ['objectGUID', 'guid'],
    ['GUID', 'hex'],
  ] as const)('of %s are found by the bytes they came from', (attribute, kind) => {
    const id = idAttribute(attribute)
    if (id.kind === 'dn') throw new Error('no attribute')
    for (let round = 0; round < 500; round += 1) {
      const value = bytes(16)
      const written = writeId(kind, value)

      expect(written).not.toBeNull()
      expect(idFilter(id, written ?? '')).toEqual({ kind: 'equal', attribute, value })
    }
  })

  it.each([
    ['objectGUID', ''],
    ['objectGUID', 'x'],
    ['objectGUID', '6ba7b810-9dad-11d1-80b4-00c04fd430c'],
    ['objectGUID', '6ba7b810-9dad-11d1-80b4-00c04fd430cg'],
    ['objectGUID', '6ba7b8109dad-11d1-80b4-00c04fd430c8'],
    ['objectGUID', '*'],
    ['GUID', 'x'],
    ['GUID', ''],
    ['uid', ''],
  ])('of %s cannot be %j', (attribute, userId) => {
    const id = idAttribute(attribute)
    if (id.kind === 'dn') throw new Error('no attribute')

    expect(idFilter(id, userId)).toBeNull()
  })

  it.each([
    ['uid=ada,ou=people,dc=example,dc=com', 'ou=people,dc=example,dc=com', true],
    ['UID=ada, OU=People , DC=Example,DC=com', 'ou=people,dc=example,dc=com', true],
    ['uid=ada,ou=b\\c3\\bccher\\, alte,dc=x', 'ou=bücher\\2c alte,dc=x', true],
    ['ou=people,dc=example,dc=com', 'ou=people,dc=example,dc=com', true],
    ['dc=example,dc=com', 'ou=people,dc=example,dc=com', false],
    ['uid=ada,ou=others,dc=example,dc=com', 'ou=people,dc=example,dc=com', false],
    ['uid=ada,ou=x\\,ou=people,dc=example,dc=com', 'ou=people,dc=example,dc=com', false],
    ['uid=ada,dc=example,dc=comx', 'dc=example,dc=com', false],
    ['', 'dc=com', false],
  ])('that is the DN %j lies below %j: %j', (dn, base, below) => expect(isBelow(dn, base)).toBe(below))

  it('that are bytes of which nobody said how to write them are none', () => {
    expect(writeId('text', Uint8Array.of(0xff, 0xfe))).toBeNull()
    expect(writeId('guid', bytes(15))).toBeNull()
  })
})
