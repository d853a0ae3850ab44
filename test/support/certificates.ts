/**
 * Certificates for tests, made by the `openssl` command in a temporary folder, once per process: an authority, a server
 * leaf for 127.0.0.1 and localhost, leaves that are for another host or have expired, and a client certificate. Leaves are no authorities.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type KeyPair = {
  /** PEM texts, and the names of the files that hold them. */
  readonly certificate: string
  readonly key: string
  readonly certificateFile: string
  readonly keyFile: string
  /** Certificate and key in one file. */
  readonly bothFile: string
}

export type TestCertificates = {
  readonly folder: string
  readonly authority: KeyPair
  /** For 127.0.0.1 and localhost. */
  readonly server: KeyPair
  /** From the same authority, but for other.test. */
  readonly otherHost: KeyPair
  /** For 127.0.0.1 and localhost, signed by itself. */
  readonly selfSigned: KeyPair
  /** From the authority, for 127.0.0.1 and localhost, until yesterday. */
  readonly expired: KeyPair
  readonly client: KeyPair
}

let made: TestCertificates | undefined

/** @throws when there is no `openssl` */
export function testCertificates(): TestCertificates {
  made ??= makeCertificates()
  return made
}

const HERE = 'subjectAltName=IP:127.0.0.1,DNS:localhost'
const LEAF = 'basicConstraints=critical,CA:FALSE'

function makeCertificates(): TestCertificates {
  const folder = mkdtempSync(join(tmpdir(), 'otpost-certificates-'))
  const tidyUp = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', tidyUp)
  // vitest ends its workers by this signal, and a listener would keep it from doing so
  process.once('SIGTERM', () => {
    tidyUp()
    process.kill(process.pid, 'SIGTERM')
  })

  const authority = makePair(folder, 'authority', [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign,cRLSign',
  ])
  return {
    folder,
    authority,
    server: makePair(folder, 'server', [LEAF, HERE, 'extendedKeyUsage=serverAuth'], authority),
    otherHost: makePair(
      folder,
      'other-host',
      [LEAF, 'subjectAltName=DNS:other.test', 'extendedKeyUsage=serverAuth'],
      authority,
    ),
    selfSigned: makePair(folder, 'self-signed', [LEAF, HERE, 'extendedKeyUsage=serverAuth']),
    expired: expire(makePair(folder, 'expired', [LEAF, HERE, 'extendedKeyUsage=serverAuth']), authority),
    client: makePair(folder, 'client', [LEAF, 'extendedKeyUsage=clientAuth'], authority),
  }
}

/** Signed by `issuer`, or by itself. */
function makePair(folder: string, name: string, extensions: readonly string[], issuer?: KeyPair): KeyPair {
  const certificateFile = join(folder, `${name}.pem`)
  const keyFile = join(folder, `${name}.key`)
  const bothFile = join(folder, `${name}.both.pem`)
  // A configuration of our own: Debian's adds CA:TRUE to whatever is signed by itself.
  const settings = join(folder, 'openssl.cnf')
  writeFileSync(settings, '[req]\ndistinguished_name=name\n[name]\n')
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-config', settings, '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-subj', `/CN=otpost test ${name}`, '-days', '2', '-keyout', keyFile, '-out', certificateFile],
      ...extensions.flatMap((extension) => ['-addext', extension]),
      ...(issuer ? ['-CA', issuer.certificateFile, '-CAkey', issuer.keyFile] : []),
    ],
    { stdio: 'pipe' },
  )
  const certificate = readFileSync(certificateFile, 'utf8')
  const key = readFileSync(keyFile, 'utf8')
  writeFileSync(bothFile, certificate + key)
  return { certificate, key, certificateFile, keyFile, bothFile }
}

/** Has a pair that signed itself signed by `issuer`, with an end before its beginning: `openssl req` makes none such. */
function expire(pair: KeyPair, issuer: KeyPair): KeyPair {
  execFileSync(
    'openssl',
    [
      ...['x509', '-in', pair.certificateFile, '-out', pair.certificateFile, '-days', '-1'],
      ...['-CA', issuer.certificateFile, '-CAkey', issuer.keyFile],
    ],
    { stdio: 'pipe' },
  )
  const certificate = readFileSync(pair.certificateFile, 'utf8')
  writeFileSync(pair.bothFile, certificate + pair.key)
  return { ...pair, certificate }
}
