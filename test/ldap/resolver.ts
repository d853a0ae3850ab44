/** The resolver over the test directory. */
import { resolver } from '../../src/adapters/users/ldap.ts'
import type { Directory } from '../../src/ports/users.ts'
import { testCertificates } from '../support/certificates.ts'
import { mailEdges } from '../support/mail.ts'
import { ACCOUNT, BASE } from './entries.ts'

export const USERINFO = {
  username: 'uid',
  email: 'mail',
  mobile: 'mobile',
  phone: 'telephoneNumber',
  givenname: 'givenName',
  surname: 'sn',
}

/** As an operator has it, but for the servers. */
export const KEYS = {
  ...ACCOUNT,
  LDAPBASE: BASE,
  LOGINNAMEATTRIBUTE: 'uid',
  LDAPSEARCHFILTER: '(uid=*)(objectClass=inetOrgPerson)',
  LDAPFILTER: '(&(uid=%s)(objectClass=inetOrgPerson))',
  USERINFO: JSON.stringify(USERINFO),
  UIDTYPE: 'entryUUID',
  SIZELIMIT: '5000',
  // The signals of the tests come first, however busy the machine is.
  TIMEOUT: '60',
  TLS_CA: testCertificates().authority.certificate,
}

/** @throws when the configuration is refused */
export async function directory(keys: Readonly<Record<string, unknown>>): Promise<Directory> {
  const edges = mailEdges()
  const read = await resolver.read({ ...KEYS, ...keys }, edges)
  if (!read.ok) throw new Error(`configuration refused: ${JSON.stringify(read.error)}`)
  return resolver.create(read.value.config, edges)
}

/** So that a test fails rather than hangs. */
export const soon = (): AbortSignal => AbortSignal.timeout(25_000)

export const got = <T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false }): T => {
  if (!result.ok) throw new Error(`failed: ${JSON.stringify(result)}`)
  return result.value
}
