/** From saving a SQL resolver to the login, over real servers, and what happens to a login while one of them is down. */
import bcrypt from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSql } from '../../src/adapters/sql/open.ts'
import { enroll, type Harness, NODE, startHarness } from '../support/harness.ts'
import {
  type DatabaseServer,
  mariadbPrograms,
  PASSWORD,
  postgresqlPrograms,
  startMariadb,
  startPostgresql,
} from './servers.ts'

const HASH = bcrypt.hashSync('geheim', 4)
const KINDS = [
  {
    name: 'postgresql',
    installed: postgresqlPrograms() !== null,
    start: startPostgresql,
    database: 'postgres',
    fill: [
      `CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}'`,
      'CREATE TABLE people (id uuid PRIMARY KEY, login text, mail text, password text)',
      `INSERT INTO people VALUES (gen_random_uuid(), 'jürgen', 'j@web.test', '${HASH}')`,
      'GRANT SELECT ON people TO reader',
    ],
  },
  {
    name: 'mysql',
    installed: mariadbPrograms(),
    start: startMariadb,
    database: 'web',
    fill: [
      'CREATE DATABASE web CHARACTER SET utf8mb4',
      `CREATE USER reader@'%' IDENTIFIED BY '${PASSWORD}'`,
      'CREATE TABLE web.people (id int PRIMARY KEY, login varchar(80), mail text, password text)',
      `INSERT INTO web.people VALUES (7, 'jürgen', 'j@web.test', '${HASH}')`,
      "GRANT SELECT ON web.* TO reader@'%'",
    ],
  },
] as const

describe.each(KINDS.filter(({ installed }) => installed))('logins by $name', (kind) => {
  let server: DatabaseServer
  let h: Harness

  beforeAll(async () => {
    server = await kind.start()
    await server.admin(...kind.fill)
    h = await startHarness({}, NODE, { openSql })
    const saved = await h.admin('/system/setResolver', {
      ...{ name: 'web', type: 'sqlresolver', Driver: kind.name, Server: '127.0.0.1', Port: String(server.port) },
      ...{ Database: kind.database, User: 'reader', Password: PASSWORD, Table: 'people' },
      Map: '{"userid": "id", "username": "login", "email": "mail", "password": "password"}',
    })
    expect(saved.json.result).toMatchObject({ status: true, value: true })
    await h.admin('/system/setRealm', { realm: 'web', resolvers: 'web' })
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', resolver_timeout: '5' })
    await h.admin('/system/setPolicy', {
      ...{
        name: 'p',
        scope: 'authentication',
        action: 'otppin=1',
        realm: 'web',
        user: '*',
        client: '*',
        active: 'True',
      },
    })
    await enroll(h, 'jürgen', 'WEB', { realm: 'web' })
  }, 120_000)
  afterAll(async () => {
    await h?.close()
    await server?.remove()
  })

  const login = async () => {
    const { otp, transactionId } = await h.trigger('jürgen@web', 'geheim')
    const { json } = await h.check({ user: 'jürgen@web', pass: otp, transactionid: transactionId })
    return json.result
  }

  it('work by the password of the database and the OTP', async () => {
    expect(await login()).toMatchObject({ status: true, value: true })
    expect((await h.check({ user: 'jürgen@web', pass: 'wrong' })).json).toMatchObject({ result: { value: false } })
  })

  it('are refused while the server is stopped, cost nothing, and work when it is back', async () => {
    const before = await h.failCount('WEB')
    await server.stop()
    const { json } = await h.check({ user: 'jürgen@web', pass: 'geheim' })
    const after = await h.failCount('WEB')
    await server.start()

    expect(json.result?.value).not.toBe(true)
    expect(after).toBe(before)
    expect(h.log.join('\n')).toContain('ECONNREFUSED')
    expect(h.log.join('\n')).not.toContain(PASSWORD)
    expect(await login()).toMatchObject({ status: true, value: true })
  })

  it('of the same user work fifty at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => h.check({ user: 'jürgen@web', pass: 'wrong' })))

    expect(answers.every(({ json }) => json.result?.status === true && json.result.value === false)).toBe(true)
  })
})
