/**
 * ldapresolver and the servers it talks to: which certificates pass, what happens when a server goes away or stands
 * still in the middle of use, and that another one steps in.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Directory } from '../../src/ports/users.ts'
import { testCertificates } from '../support/certificates.ts'
import { logged } from '../support/mail.ts'
import { closedPort } from '../support/smtp-server.ts'
import { expiredCertificate } from './certificates.ts'
import { ENTRIES } from './entries.ts'
import { directory, got, soon } from './resolver.ts'
import { type Slapd, startSlapd } from './slapd.ts'

const { folder, authority, client, selfSigned, otherHost } = testCertificates()
const FEW = ENTRIES.slice(0, 14)
const unavailable = (reason: string) => ({ ok: false, error: { code: 'directory_unavailable', reason } })

const opened: { close(): unknown }[] = []
const started = async (...options: Parameters<typeof startSlapd>): Promise<Slapd> => {
  const slapd = await startSlapd(...options)
  opened.push(slapd)
  return slapd
}
const users = async (...servers: readonly string[]): Promise<Directory> => usersBy({}, ...servers)
const usersBy = async (keys: Readonly<Record<string, unknown>>, ...servers: readonly string[]): Promise<Directory> => {
  const found = await directory({ LDAPURI: servers.join(', '), ...keys })
  opened.push(found)
  return found
}
const logs = async (from: Directory): Promise<readonly string[]> =>
  got(await from.findByLogin('ada', soon())).map(({ login }) => login)

afterAll(async () => {
  for (const one of opened.reverse()) await one.close()
})

describe('certificates', () => {
  const servers: Record<string, Slapd> = {}
  beforeAll(async () => {
    servers.good = await started(FEW)
    servers.selfSigned = await started(FEW, { certificate: selfSigned })
    servers.otherHost = await started(FEW, { certificate: otherHost })
    servers.expired = await started(FEW, { certificate: expiredCertificate() })
  })
  const WAYS = ['ldaps', 'StartTLS']
  const keysFor = (way: string, slapd: Slapd | undefined, host = '127.0.0.1') =>
    way === 'ldaps'
      ? { LDAPURI: `ldaps://${host}:${slapd?.securePort}` }
      : { LDAPURI: `ldap://${host}:${slapd?.port}`, EnforceTLS: 'True' }

  it.each(WAYS)('that are right pass, by %s', async (way) => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const found = await usersBy(keysFor(way, servers.good, host))

      expect(await logs(found)).toEqual(['ada'])
      const [ada = null] = got(await found.findByLogin('ada', soon()))
      expect(await found.passwordMatches(ada, 'password of ada', soon())).toEqual({ ok: true, value: true })
      expect(await found.passwordMatches(ada, 'password of Ada', soon())).toEqual({ ok: true, value: false })
    }
  })

  it.each(WAYS.flatMap((way) => ['selfSigned', 'otherHost', 'expired'].map((name) => [name, way] as const)))(
    'that are %s do not, by %s',
    async (name, way) => {
      const found = await usersBy(keysFor(way, servers[name]))

      expect(await found.findByLogin('ada', soon())).toEqual(unavailable('tls_failed'))
      expect(await found.passwordMatches(null, 'secret', soon())).toEqual(unavailable('tls_failed'))
    },
  )

  it.each(WAYS)('of an authority that nobody named do not, by %s', async (way) => {
    for (const TLS_CA of ['', client.certificate]) {
      const found = await usersBy({ ...keysFor(way, servers.good), TLS_CA })

      expect(await found.findByLogin('ada', soon())).toEqual(unavailable('tls_failed'))
    }
  })

  it.each(WAYS)('of any kind pass where somebody chose so, by %s', async (way) => {
    const found = await usersBy({ ...keysFor(way, servers.expired), only_trusted_certs: 'False' })

    expect(await logs(found)).toEqual(['ada'])
  })

  it('of authorities are read from a file for each connection', async () => {
    const file = join(folder, 'renewed.pem')
    writeFileSync(file, client.certificate)
    const found = await usersBy({ ...keysFor('ldaps', servers.good), TLS_CA: file })
    expect(await found.findByLogin('ada', soon())).toEqual(unavailable('tls_failed'))

    writeFileSync(file, authority.certificate)

    expect(await logs(found)).toEqual(['ada'])
  })

  it('are missed where the port speaks no TLS', async () => {
    const plain = await usersBy({ LDAPURI: `ldaps://127.0.0.1:${servers.good?.port}` })

    // It hangs up, in one way or another.
    expect(await plain.findByLogin('ada', soon())).toMatchObject({
      error: { reason: expect.stringMatching(/^(?:tls_failed|connection_closed)$/) },
    })
  })
})

describe('a server', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('that ends by %s is missed, and found again', async (signal) => {
    const slapd = await started(FEW)
    const found = await users(`ldap://127.0.0.1:${slapd.port}`)
    expect(await logs(found)).toEqual(['ada'])

    await slapd.stop(signal)

    expect(await found.findByLogin('ada', soon())).toEqual(unavailable('connection_refused'))
    expect(await found.passwordMatches(null, 'x', soon())).toEqual(unavailable('connection_refused'))
    expect(await found.findById('x', soon())).toEqual(unavailable('connection_refused'))
    expect(await found.list({}, 10, soon())).toEqual(unavailable('connection_refused'))
    await slapd.start()
    expect(await logs(found)).toEqual(['ada'])
  })

  it('that ends under fifty questions answers each or is missed', async () => {
    const slapd = await started(FEW)
    const found = await users(`ldap://127.0.0.1:${slapd.port}`)
    await logs(found)

    const asked = Array.from({ length: 50 }, () => found.findByLogin('ada', soon()))
    await slapd.stop('SIGKILL')
    const answers = await Promise.all(asked)

    for (const answer of answers) {
      if (answer.ok) expect(answer.value).toHaveLength(1)
      else expect(answer.error.reason).toMatch(/^connection_(?:closed|refused)$/)
    }
    await slapd.start()
    expect(await logs(found)).toEqual(['ada'])
  })

  it('that has closed what rested is asked over a new connection', async () => {
    const slapd = await started(FEW)
    const found = await users(`ldap://127.0.0.1:${slapd.port}`)
    for (let round = 0; round < 3; round += 1) {
      expect(await logs(found)).toEqual(['ada'])
      await slapd.stop()
      await slapd.start()
    }
    expect(await logs(found)).toEqual(['ada'])
  })

  it('that stands still holds nobody beyond his signal, and answers when it goes on', async () => {
    const slapd = await started(FEW)
    const found = await usersBy({ TIMEOUT: 60 }, `ldap://127.0.0.1:${slapd.port}`)
    await logs(found)

    await slapd.freeze()
    const limit = AbortSignal.timeout(300)
    const answers = await Promise.all([
      found.findByLogin('ada', limit),
      found.list({}, 1000, limit),
      found.passwordMatches(null, 'x', limit),
      ...Array.from({ length: 40 }, () => found.findByLogin('ada', limit)),
    ])
    slapd.thaw()

    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify(unavailable('timeout'))]),
    )
    expect(await logs(found)).toEqual(['ada'])
  })

  it('that stands still holds nobody beyond TIMEOUT', async () => {
    const slapd = await started(FEW)
    const found = await usersBy({ TIMEOUT: 1 }, `ldap://127.0.0.1:${slapd.port}`)

    await slapd.freeze()
    expect(await found.findByLogin('ada', soon())).toEqual(unavailable('timeout'))
    slapd.thaw()

    expect(await logs(found)).toEqual(['ada'])
  })

  it('is let go by close, and asked again all the same', async () => {
    const slapd = await started(FEW)
    const found = await users(`ldap://127.0.0.1:${slapd.port}`)
    await logs(found)

    await found.close()
    await found.close()

    expect(await logs(found)).toEqual(['ada'])
  })
})

describe('another server', () => {
  it('steps in for one that is not there, and goes on while that one is avoided', async () => {
    const slapd = await started(FEW)
    const missing = await closedPort()
    const found = await users(`ldap://127.0.0.1:${missing}`, `ldaps://127.0.0.1:${slapd.securePort}`)
    logged.length = 0

    expect(await logs(found)).toEqual(['ada'])
    const [ada = null] = got(await found.findByLogin('ada', soon()))
    expect(await found.passwordMatches(ada, 'password of ada', soon())).toEqual({ ok: true, value: true })

    expect(logged).toEqual([
      `warn directory_server_failed {"host":"127.0.0.1","port":${missing},"reason":"connection_refused"}`,
    ])
  })

  it('steps in for one that ends in the middle', async () => {
    const [first, second] = [await started(FEW), await started(FEW)]
    const found = await users(`ldap://127.0.0.1:${first.port}`, `ldap://127.0.0.1:${second.port}`)
    await logs(found)

    await first.stop('SIGKILL')
    expect(await logs(found)).toEqual(['ada'])
    await first.start()
    await second.stop('SIGKILL')

    expect(await logs(found)).toEqual(['ada'])
  })

  it('steps in for one that stands still', async () => {
    const [first, second] = [await started(FEW), await started(FEW)]
    const found = await usersBy({ TIMEOUT: 6 }, `ldap://127.0.0.1:${first.port}`, `ldap://127.0.0.1:${second.port}`)

    await first.freeze()
    const answers = await logs(found)
    first.thaw()

    expect(answers).toEqual(['ada'])
  })

  it('does not step in where the first one refuses the account', async () => {
    const [first, second] = [await started(FEW.filter(({ cn }) => cn !== 'otpost')), await started(FEW)]
    const found = await users(`ldap://127.0.0.1:${first.port}`, `ldap://127.0.0.1:${second.port}`)

    expect(await found.findByLogin('ada', soon())).toEqual(unavailable('bind_refused'))
  })

  it('is of no use when none is there', async () => {
    const found = await users(`ldap://127.0.0.1:${await closedPort()}`, `ldap://127.0.0.1:${await closedPort()}`)

    expect(await found.findByLogin('ada', soon())).toEqual(unavailable('connection_refused'))
  })
})
