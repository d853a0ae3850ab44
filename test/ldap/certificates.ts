/** A certificate for 127.0.0.1 and localhost by the authority of the tests, which ended yesterday. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KeyPair, testCertificates } from '../support/certificates.ts'

export function expiredCertificate(): Pick<KeyPair, 'certificateFile' | 'keyFile'> {
  const { folder, authority } = testCertificates()
  const [keyFile, certificateFile] = [join(folder, 'expired.key'), join(folder, 'expired.pem')]
  const [request, extensions] = [join(folder, 'expired.csr'), join(folder, 'expired.cnf')]
  writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n')
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile]
  openssl('req', '-new', ...key, '-subj', '/CN=otpost test expired', '-out', request)
  const issuer = ['-CA', authority.certificateFile, '-CAkey', authority.keyFile, '-set_serial', '99']
  openssl('x509', '-req', '-in', request, ...issuer, '-days', '-1', '-extfile', extensions, '-out', certificateFile)
  return { keyFile, certificateFile }
}
