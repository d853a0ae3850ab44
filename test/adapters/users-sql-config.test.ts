/** Configuration of a SQL resolver: LinOTP's keys, what each may say, what it means, and what a runtime refuses. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { resolver } from '../../src/adapters/users/sql.ts'
import { readSqlConfig } from '../../src/adapters/users/sql-config.ts'
import { testCertificates } from '../support/certificates.ts'
import { sqlEdges } from '../support/directory.ts'
import { aConfig, randomFrom } from '../support/random-configs.ts'

const COLUMNS = '{"userid": "id", "username": "login"}'
const TABLE = { Table: 'users', Map: COLUMNS }
const PARTS = {
  Driver: 'postgresql',
  Server: 'db.example.org',
  Database: 'web',
  User: 'otpost',
  Password: 'secret',
  ...TABLE,
}
const { client, authority } = testCertificates()
const POSTGRESQL = { dialect: 'postgresql', database: 'web', user: 'otpost', password: 'secret' }
const MYSQL = { ...POSTGRESQL, dialect: 'mysql' }
const HERE = { host: '127.0.0.1', port: 5432 }

const read = (keys: Readonly<Record<string, unknown>>) => readSqlConfig(keys, sqlEdges)

describe('where the database is', () => {
  it.each([
    ['postgresql://otpost:secret@127.0.0.1/web', { ...POSTGRESQL, address: HERE }],
    ['postgresql+psycopg2://otpost:secret@127.0.0.1:5433/web', { ...POSTGRESQL, address: { ...HERE, port: 5433 } }],
    ['postgres://otpost:secret@[::1]:5433/web', { ...POSTGRESQL, address: { host: '::1', port: 5433 } }],
    ['postgresql://otpost:s%40c%2Fr%25t%3A@127.0.0.1/web', { ...POSTGRESQL, password: 's@c/r%t:', address: HERE }],
    ['postgresql://otpost:secret@127.0.0.1', { ...POSTGRESQL, database: 'otpost', address: HERE }],
    [
      'postgresql://otpost:secret@/web?host=/var/run/postgresql&port=5433',
      { ...POSTGRESQL, address: { path: '/var/run/postgresql/.s.PGSQL.5433' } },
    ],
    ['mysql://otpost:secret@127.0.0.1/web', { ...MYSQL, address: { ...HERE, port: 3306 } }],
    ['mysql+pymysql://otpost:secret@127.0.0.1/web?charset=utf8mb4', { ...MYSQL, address: { ...HERE, port: 3306 } }],
    ['mysql+mysqldb://otpost:secret@localhost/web', { ...MYSQL, address: { host: 'localhost', port: 3306 } }],
    ['mariadb+mariadbconnector://otpost:secret@127.0.0.1:1/web', { ...MYSQL, address: { ...HERE, port: 1 } }],
    [
      'mysql://otpost:secret@localhost/web?unix_socket=/run/mysqld/mysqld.sock',
      { ...MYSQL, address: { path: '/run/mysqld/mysqld.sock' } },
    ],
    ['sqlite:///users.db', { dialect: 'sqlite', path: 'users.db' }],
    ['sqlite:////srv/my users%.db', { dialect: 'sqlite', path: '/srv/my users%.db' }],
    ['libsql://db.example.org?authToken=secret', { dialect: 'libsql', url: 'https://db.example.org', token: 'secret' }],
    ['http://127.0.0.1:8080', { dialect: 'libsql', url: 'http://127.0.0.1:8080' }],
  ])('%s', async (Connect, target) => {
    expect(await read({ Connect, ...TABLE })).toMatchObject({
      ok: true,
      value: { warnings: [], config: { place: { target, tls: undefined } } },
    })
  })

  it.each([
    [
      { ...PARTS, Server: '127.0.0.1', Port: '5433' },
      { ...POSTGRESQL, address: { ...HERE, port: 5433 } },
    ],
    [
      { ...PARTS, Driver: 'mysql+mysqldb', Server: '127.0.0.1' },
      { ...MYSQL, address: { ...HERE, port: 3306 } },
    ],
    [
      { ...PARTS, Server: '', Driver: 'mysql' },
      { ...MYSQL, address: { host: 'localhost', port: 3306 } },
    ],
    [
      { Driver: 'sqlite', Database: '/srv/users.db', Server: '', ...TABLE },
      { dialect: 'sqlite', path: '/srv/users.db' },
    ],
    [
      { Connect: 'postgresql://127.0.0.1', User: 'otpost', Password: 'secret', Database: 'web', ...TABLE },
      { ...POSTGRESQL, address: HERE },
    ],
    [
      { ...PARTS, Server: '127.0.0.1', Password: 4711 },
      { ...POSTGRESQL, password: '4711', address: HERE },
    ],
    [
      { ...PARTS, Driver: 'mysql', Server: '127.0.0.1', Database: '', Table: 'web.users' },
      { ...MYSQL, database: '', address: { ...HERE, port: 3306 } },
    ],
  ])('%j', async (keys, target) => {
    expect(await read(keys)).toMatchObject({ ok: true, value: { config: { place: { target } } } })
  })
})

describe('encryption', () => {
  it.each([
    [{ Server: '127.0.0.1' }, undefined],
    [{ Server: 'localhost' }, undefined],
    [{ Server: '::1' }, undefined],
    [{ Server: '/var/run/postgresql' }, undefined],
    [{ Server: '10.0.0.1' }, { verify: 'host' }],
    [{ Server: 'localhost.example.org' }, { verify: 'host' }],
    [{}, { verify: 'host' }],
    [{ conParams: 'sslmode=disable' }, undefined],
    [{ conParams: 'ssl_disabled=true' }, undefined],
    [{ conParams: '?sslmode=require' }, { verify: 'host' }],
    [{ conParams: 'ssl_mode=VERIFY_CA' }, { verify: 'chain' }],
    [{ conParams: 'ssl_check_hostname=false' }, { verify: 'chain' }],
    [{ conParams: 'ssl_check_hostname=false&ssl_verify_identity=1' }, { verify: 'host' }],
    [{ conParams: 'sslmode=verify-full', TLS_INSECURE: 'yes' }, { verify: 'nothing' }],
    [{ Server: '127.0.0.1', conParams: 'sslmode=require' }, { verify: 'host' }],
    [
      { Server: '127.0.0.1', TLS_CA: authority.certificate },
      { verify: 'host', authority: { pem: authority.certificate } },
    ],
    [{ conParams: `sslrootcert=${authority.certificateFile}` }, { authority: { file: authority.certificateFile } }],
    [
      { conParams: `sslcert=${client.certificateFile}&sslkey=${client.keyFile}` },
      { verify: 'host', client: { certificate: { file: client.certificateFile }, key: { file: client.keyFile } } },
    ],
  ])('%j', async (keys, tls) => {
    const result = await read({ ...PARTS, ...keys })

    expect(result).toMatchObject({ ok: true, value: { config: { place: { tls } } } })
  })
})

describe('the table', () => {
  it('is read with its columns, without those of passwords', async () => {
    const result = await read({
      ...PARTS,
      Table: 'intranet.Benutzer',
      Map: '{"userid":"id","username":"Anmelde name","email":"mail","phone":"","password":"hash","salt":"salz"}',
      Where: " active = 1 AND dept IN ('a;b', 'c--') ",
      Limit: '500',
      Encoding: 'latin1',
      PASSWORD_HASH: 'sha1',
      SALT_POSITION: 'after',
      MAX_CONNECTIONS: '2',
    })

    expect(result).toMatchObject({
      ok: true,
      value: {
        warnings: [],
        config: {
          table: {
            table: ['intranet', 'Benutzer'],
            columns: new Map([
              ['userid', 'id'],
              ['username', 'Anmelde name'],
              ['email', 'mail'],
            ]),
            password: 'hash',
            salt: 'salz',
            where: "active = 1 AND dept IN ('a;b', 'c--')",
          },
          limit: 500,
          passwordHash: 'sha1',
          saltPosition: 'after',
          maxConnections: 2,
        },
      },
    })
  })

  it.each([
    "name = 'it''s'",
    "a = '(' OR b = ';'",
    "id IN (SELECT user_id FROM members WHERE team = 'vpn')",
    'a::text = b #>> c', // of PostgreSQL
    '"select" = 1',
  ])('takes the condition %s', async (Where) => {
    expect(await read({ ...PARTS, Where })).toMatchObject({ ok: true })
  })
})

it('names keys that it does not know', async () => {
  expect(await read({ ...PARTS, Colour: 'red' })).toMatchObject({ ok: true, value: { warnings: ['Colour'] } })
})

describe('refusals', () => {
  const CONNECT = 'postgresql://otpost:secret@127.0.0.1/web'
  it.each([
    [{ Table: '' }, 'Table', /required/],
    [{ Map: null }, 'Map', /required/],
    [{ Driver: '' }, 'Driver', /required/],
    [{ Driver: 'mssql+pyodbc' }, 'Driver', /one of postgresql/],
    [{ Driver: 'constructor' }, 'Driver', /one of postgresql/],
    [{ Server: 'a b' }, 'Server', /host name/],
    [{ Server: 'a/b' }, 'Server', /host name/],
    [{ Port: '0' }, 'Port', /1 to 65535/],
    [{ User: '' }, 'User', /required/],
    [{ Driver: 'mysql', Database: '' }, 'Database', /required/],
    [{ Password: 'a\0b' }, 'Password', /NUL/],
    [{ Connect: 'db.example.org' }, 'Connect', /URL/],
    [{ Connect: 'oracle://a:b@c/d' }, 'Connect', /one of postgresql/],
    [{ Connect: 'postgresql://a:b%zz@c/d' }, 'Connect', /%25/],
    [{ Connect: 'postgresql://a:b@c:99999/d' }, 'Connect', /port/],
    [{ Connect: CONNECT, Server: '', Database: 'other' }, 'Database', /same as in Connect/],
    [{ Connect: CONNECT, Server: '127.0.0.1', Password: 'other' }, 'Password', /same as in Connect/],
    [{ Connect: `${CONNECT}?sslmode=prefer`, Server: '' }, 'Connect', /clear text/],
    [{ Connect: `${CONNECT}?options=-csearch_path%3Dx`, Server: '' }, 'Connect', /options is not known/],
    [{ Connect: 'sqlite://users.db', Server: '', Database: '' }, 'Connect', /three slashes/],
    [{ Driver: 'sqlite', Database: '' }, 'Database', /file/],
    [{ Driver: 'sqlite', Database: ':memory:' }, 'Database', /file/],
    [{ Connect: 'http://db.example.org', Server: '', Database: '' }, 'Connect', /https/],
    [{ conParams: 'sslmode=allow' }, 'conParams', /clear text/],
    [{ conParams: 'ssl_ca' }, 'conParams', /name=value/],
    [{ conParams: 'a=%' }, 'conParams', /name=value/],
    [{ conParams: 'allowMultiQueries=true' }, 'conParams', /not known/],
    [{ conParams: 'authToken=secret' }, 'conParams', /Password/],
    [{ conParams: 'sslcert=/x.pem' }, 'conParams', /both/],
    [{ conParams: 'sslrootcert=/nowhere/ca.pem' }, 'conParams', /read/],
    [{ conParams: 'ssl_disabled=maybe' }, 'conParams', /true or false/],
    [{ conParams: 'sslmode=disable', TLS_CA: authority.certificate }, 'TLS_CA', /clear text/],
    [{ conParams: 'sslmode=disable', TLS_INSECURE: true }, 'TLS_INSECURE', /clear text/],
    [{ TLS_CA: client.keyFile }, 'TLS_CA', /PEM certificate/],
    [{ TLS_INSECURE: 'perhaps' }, 'TLS_INSECURE', /true/],
    [{ Table: 'users; DROP TABLE users' }, 'Table', /name of a table/],
    [{ Table: 'users"' }, 'Table', /name of a table/],
    [{ Table: '`users`' }, 'Table', /name of a table/],
    [{ Table: 'a.b.c' }, 'Table', /name of a table/],
    [{ Table: 'a.' }, 'Table', /name of a table/],
    [{ Table: '(SELECT 1)' }, 'Table', /name of a table/],
    [{ Map: '{' }, 'Map', /JSON/],
    [{ Map: '["id"]' }, 'Map', /JSON/],
    [{ Map: '{"userid":"id"}' }, 'Map', /username/],
    [{ Map: '{"username":"login"}' }, 'Map', /userid/],
    [{ Map: { userid: 'id', username: 'a"b' } }, 'Map', /username/],
    [{ Map: { userid: 'id', username: 'login', email: 'upper(mail)' } }, 'Map', /email/],
    [{ Map: { userid: 'id', username: 'login', email: 7 } }, 'Map', /email/],
    [{ Map: { userid: 'id', username: 'login', 'e mail': 'x' } }, 'Map', /letters/],
    [{ Map: { userid: 'id', username: 'login', password: 'pw', email: 'pw' } }, 'Map', /email/],
    [{ Map: { userid: 'id', username: 'login', salt: 's' } }, 'Map', /password/],
    [{ Map: { userid: 'id', username: 'login', password: 'p', salt: 's' } }, 'PASSWORD_HASH', /md5/],
    [{ PASSWORD_HASH: 'sha1' }, 'PASSWORD_HASH', /absent/],
    [{ PASSWORD_HASH: 'rot13' }, 'PASSWORD_HASH', /one of/],
    [{ SALT_POSITION: 'middle' }, 'SALT_POSITION', /before or after/],
    [{ Where: 'a = 1; DROP TABLE users' }, 'Where', /semicolon/],
    [{ Where: '1 = 1) OR (1 = 1' }, 'Where', /bracket/],
    [{ Where: '(a = 1' }, 'Where', /bracket/],
    [{ Where: "a = 'b" }, 'Where', /quote/],
    [{ Where: 'a = 1 -- b' }, 'Where', /comments/],
    [{ Where: 'a = 1 /* b */' }, 'Where', /comments/],
    [{ Where: "a = E'\\'' OR '" }, 'Where', /backslash/],
    [{ Where: 'a = $1' }, 'Where', /parameters/],
    [{ Where: 'a = $$b$$' }, 'Where', /parameters/],
    [{ Where: 'a = ?', Driver: 'mysql' }, 'Where', /parameters/],
    [{ Where: 'a = 1 # b', Driver: 'mysql' }, 'Where', /comments/],
    [{ Where: 'a = `b', Driver: 'mysql' }, 'Where', /quote/],
    [{ Where: "[a'] = 1) OR (1 = 1 OR ['b] = 1", Driver: 'sqlite' }, 'Where', /bracket/],
    [{ Where: 'a = :b', Driver: 'sqlite' }, 'Where', /parameters/],
    [{ Limit: '0' }, 'Limit', /1 to/],
    [{ Limit: 'many' }, 'Limit', /1 to/],
    [{ Encoding: 'latin 1' }, 'Encoding', /character set/],
    [{ MAX_CONNECTIONS: 1000 }, 'MAX_CONNECTIONS', /1 to 100/],
  ] as const)('%j', async (changes, key, rule) => {
    const result = await read({ ...PARTS, ...changes })

    expect(result).toEqual({ ok: false, error: { key, rule: expect.stringMatching(rule) } })
    expect(JSON.stringify(result)).not.toContain('secret')
  })

  it('says on Workers that there is no SQL there', async () => {
    const { openSql: _, ...edges } = sqlEdges

    expect(await readSqlConfig(PARTS, edges)).toEqual({
      ok: false,
      error: { key: 'Connect', rule: expect.stringMatching(/Node, Deno or Bun/) },
    })
  })
})

it.each(
  [
    ...readFileSync(new URL('../../docs/users-sql.md', import.meta.url), 'utf8').matchAll(/```json (\w+)\n(.*?)```/gs),
  ].map(([, name = '', text = '']) => [name, text] as const),
)('takes the example %s of the documentation', async (_, text) => {
  expect(await read(JSON.parse(text))).toMatchObject({ ok: true, value: { warnings: [] } })
})

it('passes its own sample', async () => {
  expect(await resolver.read(resolver.sample, sqlEdges)).toMatchObject({ ok: true, value: { warnings: [] } })
})

it('never throws, and tells no secret, whatever is written', async () => {
  const random = randomFrom('sql')
  const keys = ['Connect', 'conParams', 'Map', 'Where', 'Table', 'TLS_CA', 'Password', 'Limit']

  for (let n = 0; n < 2000; n++) {
    const posted = aConfig(random, { ...PARTS, conParams: 'sslmode=require' }, keys, 'S3CR3T')
    const result = await read(posted)
    if (!result.ok) expect(JSON.stringify(result)).not.toContain('S3CR3T')
  }
})
