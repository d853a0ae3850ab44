/** TLS to real servers: with an authority of our own, for the host, for another host, and not at all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RawConfig } from '../../src/ports/provider.ts'
import { testCertificates } from '../support/certificates.ts'
import { openDirectory, patience } from '../support/directory.ts'
import { startRuntime } from '../support/runtimes.ts'
import {
  type DatabaseServer,
  mariadbPrograms,
  PASSWORD,
  postgresqlPrograms,
  startMariadb,
  startPostgresql,
} from './servers.ts'

const KINDS = [
  {
    name: 'postgresql',
    installed: postgresqlPrograms() !== null,
    start: startPostgresql,
    table: 'users',
    missing: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  { name: 'mysql', installed: mariadbPrograms(), start: startMariadb, table: 'web.users', missing: 'tls_failed' },
] as const
const { server: ours, otherHost, authority } = testCertificates()
const TLS_CA = authority.certificate
const FOUND = 'found'

describe.each(KINDS.filter(({ installed }) => installed))('TLS to $name', ({ name, start, table, missing }) => {
  const servers: Record<string, DatabaseServer> = {}
  const configOf = (server: DatabaseServer | undefined, host: string, parameters: string): RawConfig => ({
    Connect: `${name}://reader:${encodeURIComponent(PASSWORD)}@${host}:${server?.port}/${name === 'mysql' ? 'web' : 'postgres'}?${parameters}`,
    Table: 'users',
    Map: { userid: 'id', username: 'login' },
  })

  beforeAll(async () => {
    for (const [which, pair] of [
      ['ours', ours],
      ['otherHost', otherHost],
      ['none', undefined],
    ] as const) {
      const server = await start(pair)
      servers[which] = server
      await server.admin(
        ...(name === 'mysql'
          ? [
              'CREATE DATABASE web',
              `CREATE USER reader@'%' IDENTIFIED BY '${PASSWORD}'`,
              "GRANT SELECT ON web.* TO reader@'%'",
            ]
          : [`CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}'`]),
        `CREATE TABLE ${table} (id int, login varchar(80))`,
        `INSERT INTO ${table} VALUES (1, 'ada')`,
        ...(name === 'mysql' ? [] : ['GRANT SELECT ON users TO reader']),
      )
    }
  }, 120_000)
  afterAll(async () => {
    await Promise.all(Object.values(servers).map((server) => server.remove()))
  })

  it.each([
    ['ours', '127.0.0.1', '', {}, FOUND], // loopback needs no TLS
    ['ours', '127.0.0.1', 'sslmode=verify-full', {}, missing],
    ['ours', '127.0.0.1', 'sslmode=require', {}, missing],
    ['ours', '127.0.0.1', 'sslmode=verify-full', { TLS_CA }, FOUND],
    ['ours', 'localhost', 'sslmode=verify-full', { TLS_CA }, FOUND],
    ['ours', 'localhost', '', { TLS_CA: authority.certificateFile }, FOUND],
    ['ours', 'localhost', `sslrootcert=${authority.certificateFile}`, {}, FOUND],
    ['ours', '127.0.0.1', '', { TLS_INSECURE: 'true' }, FOUND],
    ['otherHost', '127.0.0.1', 'sslmode=verify-full', { TLS_CA }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['otherHost', 'localhost', 'sslmode=require', { TLS_CA }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['otherHost', '127.0.0.1', 'sslmode=verify-ca', { TLS_CA }, FOUND],
    ['otherHost', '127.0.0.1', 'sslmode=verify-ca', {}, missing],
    ['none', '127.0.0.1', 'sslmode=require', { TLS_INSECURE: 'true' }, 'tls_missing'],
    ['none', '127.0.0.1', '', { TLS_CA }, 'tls_missing'],
    ['none', '127.0.0.1', 'sslmode=disable', {}, FOUND],
  ] as const)('%s by %s with %s %j: %s', async (which, host, parameters, more, expected) => {
    const directory = await openDirectory({ ...configOf(servers[which], host, parameters), ...more })

    const found = await directory.findByLogin('ada', patience())

    expect(found.ok ? FOUND : found.error.reason).toBe(expected)
    await directory.close()
  })

  it.each(['deno', 'bun'] as const)('is verified under %s too', async (runtime) => {
    const ask = async (config: RawConfig) => {
      const child = await startRuntime(runtime, {
        script: new URL('./find-once.ts', import.meta.url),
        args: [JSON.stringify(config), 'ada'],
        ready: /^FOUND (.*)$/m,
      })
      await child.exited
      return JSON.parse(child.url)
    }

    expect(await ask({ ...configOf(servers.ours, '127.0.0.1', 'sslmode=verify-full'), TLS_CA })).toMatchObject({
      ok: true,
    })
    expect(await ask(configOf(servers.ours, '127.0.0.1', 'sslmode=verify-full'))).toMatchObject({ ok: false })
    expect(await ask({ ...configOf(servers.otherHost, '127.0.0.1', 'sslmode=verify-full'), TLS_CA })).toMatchObject({
      ok: false,
    })
  })
})
