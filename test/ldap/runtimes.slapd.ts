/**
 * ldapresolver on Node, Deno, Bun and workerd, against the same servers: what is found by which way, that no certificate
 * passes unchecked, and that a server that stands still holds nobody.
 */
import type { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCertificates } from '../support/certificates.ts'
import { startLdapServer } from '../support/ldap-server.ts'
import { startRuntime } from '../support/runtimes.ts'
import { closedPort } from '../support/smtp-server.ts'
import { startWorker } from '../support/workerd.ts'
import { ENTRIES, NUMBERED } from './entries.ts'
import type { Attempt, Findings } from './parity/attempt.ts'
import { KEYS } from './resolver.ts'
import { type Slapd, startSlapd } from './slapd.ts'

type RuntimeName = 'node' | 'deno' | 'bun' | 'workers'
const RUNTIMES: readonly RuntimeName[] = ['node', 'deno', 'bun', 'workers']

const { authority, selfSigned, otherHost } = testCertificates()
const opened: { close(): unknown }[] = []
const findings = new Map<string, Findings>()
let miniflare: Miniflare | undefined

beforeAll(async () => {
  const started = async (...options: Parameters<typeof startSlapd>): Promise<Slapd> => {
    const slapd = await startSlapd(...options)
    opened.push(slapd)
    return slapd
  }
  const good = await started(ENTRIES, { sizeLimit: 'unlimited' })
  const stranger = await started(ENTRIES.slice(0, 10), { certificate: selfSigned })
  const elsewhere = await started(ENTRIES.slice(0, 10), { certificate: otherHost })
  const silent = await startLdapServer({ bind: 'silence' })
  opened.push(silent)
  const attempts: readonly (readonly [string, Readonly<Record<string, unknown>>, number?])[] = [
    ['ldap', { LDAPURI: `ldap://127.0.0.1:${good.port}` }],
    ['StartTLS', { LDAPURI: `ldap://127.0.0.1:${good.port}`, EnforceTLS: true }],
    ['ldaps', { LDAPURI: `ldaps://localhost:${good.securePort}` }],
    ['objectGUID', { LDAPURI: `ldaps://localhost:${good.securePort}`, UIDTYPE: 'objectGUID' }],
    ['ldaps by address', { LDAPURI: `ldaps://127.0.0.1:${good.securePort}` }],
    ['unverified ldaps', { LDAPURI: `ldaps://localhost:${stranger.securePort}`, only_trusted_certs: false }],
    [
      'unverified StartTLS',
      { LDAPURI: `ldap://localhost:${stranger.port}`, ...{ EnforceTLS: 1, only_trusted_certs: 0 } },
    ],
    ['fail-over', { LDAPURI: `ldaps://localhost:${await closedPort()}, ldaps://localhost:${good.securePort}` }],
    ['selfSigned ldaps', { LDAPURI: `ldaps://localhost:${stranger.securePort}` }],
    ['selfSigned StartTLS', { LDAPURI: `ldap://localhost:${stranger.port}`, EnforceTLS: true }],
    ['otherHost ldaps', { LDAPURI: `ldaps://localhost:${elsewhere.securePort}` }],
    ['otherHost StartTLS', { LDAPURI: `ldap://localhost:${elsewhere.port}`, EnforceTLS: true }],
    ['silence', { LDAPURI: `ldap://127.0.0.1:${silent.port}` }, 500],
    ['nobody', { LDAPURI: `ldaps://localhost:${await closedPort()}` }],
  ]
  await Promise.all(
    RUNTIMES.map(async (runtime) => {
      const run = runtime === 'workers' ? runInWorkerd : runInChild
      const asked = attempts.map(([, keys, deadlineMs = 15_000]) => ({ keys: { ...KEYS, ...keys }, deadlineMs }))
      const found = await run(runtime, asked)
      for (const [index, [name]] of attempts.entries()) {
        const one = found[index]
        if (one) findings.set(`${runtime} ${name}`, one)
      }
    }),
  )
}, 120_000)

afterAll(async () => {
  await miniflare?.dispose()
  for (const one of opened) await one.close()
})

async function runInChild(runtime: RuntimeName, attempts: readonly Attempt[]): Promise<readonly Findings[]> {
  if (runtime === 'workers') throw new Error('Workers are no child process')
  const child = await startRuntime(runtime, {
    script: new URL('parity/ask.ts', import.meta.url),
    args: [runtime, JSON.stringify(attempts)],
    ready: /^findings (.*)$/,
    timeoutMs: 60_000,
  })
  // Nothing that is left open keeps it.
  await child.exited
  return JSON.parse(child.match[1] ?? '[]') as readonly Findings[] // written by ask.ts
}

async function runInWorkerd(_: RuntimeName, attempts: readonly Attempt[]): Promise<readonly Findings[]> {
  miniflare = await startWorker(new URL('parity/worker.ts', import.meta.url), authority.certificateFile)
  const found: Findings[] = []
  for (const one of attempts) {
    const body = JSON.stringify({ ...one, keys: { ...one.keys, TLS_CA: '' } })
    const response = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body })
    const text = await response.text()
    found.push(response.ok ? (JSON.parse(text) as Findings) : { reason: text }) // written by worker.ts
  }
  return found
}

describe.each(RUNTIMES)('on %s', (runtime) => {
  const of = (name: string) => findings.get(`${runtime} ${name}`)
  const all = { login: 'ada', listed: NUMBERED + 9, right: true, wrong: false }

  it.each(['ldaps', 'ldaps by address', 'fail-over', 'objectGUID'])('everything is found by %s', (name) => {
    expect(of(name)).toMatchObject({
      ...all,
      ...(name === 'objectGUID' && { id: '04030201-0605-0807-090a-0b0c0d0e0fff', listed: 1 }),
    })
  })

  it.skipIf(runtime === 'workers').each(['ldap', 'StartTLS'])('everything is found by %s', (name) => {
    expect(of(name)).toMatchObject(all)
  })

  it.skipIf(runtime === 'workers').each(['unverified ldaps', 'unverified StartTLS'])(
    'any certificate passes where somebody chose so: %s',
    (name) => expect(of(name)).toMatchObject({ login: 'ada', right: true, wrong: false }),
  )

  it.runIf(runtime === 'workers')('no certificate passes unverified', () => {
    expect(of('unverified ldaps')).toMatchObject({ reason: 'tls_failed' })
  })

  it.each(['selfSigned', 'otherHost'])('a certificate that is %s does not pass ldaps', (name) => {
    expect(of(`${name} ldaps`)).toMatchObject({ reason: expect.stringMatching(/^(?:tls_failed|connection_\w+)$/) })
  })

  it.runIf(runtime === 'workers')('StartTLS is never clear text instead', () => {
    expect(of('StartTLS')).toEqual({ code: 'directory_unavailable', reason: 'starttls_impossible' })
  })

  it.skipIf(runtime === 'workers').each(['selfSigned', 'otherHost'])(
    'a certificate that is %s does not pass StartTLS',
    (name) => expect(of(`${name} StartTLS`)).toMatchObject({ reason: 'tls_failed' }),
  )

  it('a server that says nothing holds nobody', () => expect(of('silence')).toMatchObject({ reason: 'timeout' }))

  it('a server that is not there is missed', () => {
    expect(of('nobody')).toMatchObject({ reason: expect.stringMatching(/^connection_|^tls_failed/) })
  })
})
