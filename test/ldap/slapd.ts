/**
 * A real OpenLDAP server for tests: Debian's slapd on 127.0.0.1, with its configuration and data in a folder of its own,
 * where it is read only by those who have bound.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type KeyPair, testCertificates } from '../support/certificates.ts'
import { SCRATCH } from '../support/scratch.ts'
import { closedPort } from '../support/smtp-server.ts'
import { standStill } from '../support/stands-still.ts'
import { ACCOUNT, BASE, type Entry } from './entries.ts'

export type Slapd = {
  readonly port: number
  /** LDAPS. */
  readonly securePort: number
  readonly start: () => Promise<void>
  /** @param signal SIGKILL for a crash */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>
  /** Stops its process where it stands: connections stay, nobody answers; and lets it go on. */
  readonly freeze: () => Promise<void>
  readonly thaw: () => void
  /** Stops it and removes its folder. */
  readonly close: () => Promise<void>
}

export type SlapdOptions = {
  readonly certificate?: Pick<KeyPair, 'certificateFile' | 'keyFile'>
  /** Most entries of one answer; the server's own default is 500. */
  readonly sizeLimit?: string
}

/** These die with the test process. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Debian keeps it where only root looks. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin:/sbin`

/** @returns whether slapd and its tools are installed */
export function hasSlapd(): boolean {
  // It ends with 1 when it has said its version; where there is none, nothing ends.
  return spawnSync('slapadd', ['-VV'], { env: { ...process.env, PATH }, stdio: 'ignore' }).status !== null
}

export async function startSlapd(entries: readonly Entry[], options: SlapdOptions = {}): Promise<Slapd> {
  const folder = mkdtempSync(join(SCRATCH, 'otpost-slapd-'))
  const [port, securePort] = [await closedPort(), await closedPort()]
  const configuration = join(folder, 'slapd.conf')
  mkdirSync(join(folder, 'data'))
  writeFileSync(configuration, configurationOf(folder, options))
  writeFileSync(join(folder, 'users.ldif'), entries.map(ldifOf).join('\n'))
  const env = { ...process.env, PATH }
  execFileSync('slapadd', ['-q', '-f', configuration, '-l', join(folder, 'users.ldif')], { env, stdio: 'pipe' })

  let child: ChildProcess | undefined
  const start = async () => {
    const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`
    // Any -d keeps it in the foreground.
    const started = spawn('slapd', ['-d', '0', '-f', configuration, '-h', urls], { env, stdio: 'ignore' })
    child = started
    running.add(started)
    started.once('exit', () => running.delete(started))
    await listening(port, started)
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child?.once('exit', resolve))
    child.kill(signal)
    await gone
  }
  await start()
  return {
    port,
    securePort,
    start,
    stop,
    freeze: async () => {
      if (child?.pid !== undefined) await standStill(child.pid)
    },
    thaw: () => void child?.kill('SIGCONT'),
    close: async () => {
      await stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** slapd says nowhere that it listens, so it is asked again and again. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (const until = Date.now() + 20_000; Date.now() < until; ) {
    if (child.exitCode !== null) throw new Error(`slapd ended with ${child.exitCode}`)
    const heard = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false)).on('close', () => resolve(false))
      socket.once('connect', () => socket.end())
    })
    if (heard) return
    await pause(20)
  }
  throw new Error('slapd does not listen')
}

function configurationOf(folder: string, { certificate, sizeLimit }: SlapdOptions): string {
  const { authority, server } = testCertificates()
  const { certificateFile, keyFile } = certificate ?? server
  return `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.4203.666.1 NAME 'adUser' SUP top AUXILIARY MAY ( objectGUID $ sAMAccountName ) )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/slapd.pid
TLSCACertificateFile ${authority.certificateFile}
TLSCertificateFile ${certificateFile}
TLSCertificateKeyFile ${keyFile}
${sizeLimit === undefined ? '' : `sizelimit ${sizeLimit}`}
database mdb
suffix "${BASE}"
rootdn "cn=root,${BASE}"
directory ${folder}/data
index uid,mail,entryUUID,objectGUID,sAMAccountName eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${ACCOUNT.BINDDN}" read by * none
`
}

/** Every value in base64, so that any byte may be in it (RFC 2849). */
function ldifOf({ dn, ...attributes }: Entry): string {
  const lines = Object.entries(attributes).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((value) => `${name}:: ${Buffer.from(value).toString('base64')}`),
  )
  return [`dn:: ${Buffer.from(dn).toString('base64')}`, ...lines, ''].join('\n')
}
