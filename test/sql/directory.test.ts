/** The SQL resolver against real servers. Suites of a server that is not installed are left out, which the runner says. */
import bcrypt from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RawConfig } from '../../src/ports/provider.ts'
import type { Directory, DirectoryUser } from '../../src/ports/users.ts'
import { openDirectory, patience } from '../support/directory.ts'
import { randomFrom } from '../support/random-configs.ts'
import { aCondition } from '../support/random-sql.ts'
import { startRuntime } from '../support/runtimes.ts'
import {
  type DatabaseServer,
  mariadbPrograms,
  PASSWORD,
  postgresqlPrograms,
  startMariadb,
  startPostgresql,
} from './servers.ts'

const HASH = bcrypt.hashSync('correct', 4)
const COLUMNS = 'id, login, mail, mobile, password, active'

type Kind = {
  readonly name: 'postgresql' | 'mysql'
  readonly installed: boolean
  readonly start: () => Promise<DatabaseServer>
  readonly fill: readonly string[]
  readonly database: string
  /** Statement that tells how many connections the reader has. */
  readonly connections: string
  /** A condition that takes a minute. */
  readonly sleeping: string
}

const POSTGRESQL: Kind = {
  name: 'postgresql',
  installed: postgresqlPrograms() !== null,
  start: startPostgresql,
  database: 'postgres',
  fill: [
    `CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}'`,
    'CREATE TABLE people (id bigint PRIMARY KEY, login varchar(80) NOT NULL, mail varchar(80), mobile varchar(80), password varchar(200), active boolean NOT NULL)',
    `INSERT INTO people SELECT n, CASE WHEN n % 10 = 0 THEN 'jürgen' ELSE 'user' END || n,
      CASE WHEN n % 7 > 0 THEN 'user' || n || '@example.org' END, '+49 170 ' || n, '${HASH}', n % 2 = 1 OR n % 10 = 0
      FROM generate_series(1, 1000) n`,
    'CREATE SCHEMA intranet',
    `CREATE VIEW intranet.users AS SELECT ${COLUMNS} FROM people`,
    'GRANT USAGE ON SCHEMA intranet TO reader',
    'GRANT ALL ON ALL TABLES IN SCHEMA intranet, public TO reader',
    'CREATE FUNCTION intranet.meddle() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN DELETE FROM people; RETURN true; END $$',
  ],
  connections: "SELECT count(*) AS n FROM pg_stat_activity WHERE usename = 'reader'",
  sleeping: 'pg_sleep(60) IS NULL',
}
const MARIADB: Kind = {
  name: 'mysql',
  installed: mariadbPrograms(),
  start: startMariadb,
  database: 'intranet',
  fill: [
    'CREATE DATABASE intranet CHARACTER SET utf8mb4',
    `CREATE USER reader@'%' IDENTIFIED BY '${PASSWORD}'`,
    'CREATE TABLE intranet.people (id bigint PRIMARY KEY, login varchar(80) NOT NULL, mail varchar(80), mobile varchar(80), password varbinary(200), active boolean NOT NULL)',
    `INSERT INTO intranet.people SELECT seq, CONCAT(IF(seq % 10 = 0, 'jürgen', 'user'), seq),
      IF(seq % 7 > 0, CONCAT('user', seq, '@example.org'), NULL), CONCAT('+49 170 ', seq), '${HASH}', seq % 2 = 1 OR seq % 10 = 0
      FROM intranet_sequence`.replace('intranet_sequence', 'intranet.seq_1_to_1000'),
    `CREATE VIEW intranet.users AS SELECT ${COLUMNS} FROM intranet.people`,
    'CREATE FUNCTION intranet.meddle() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM intranet.people; RETURN 1; END',
    "GRANT SELECT, DELETE, EXECUTE ON intranet.* TO reader@'%'",
  ],
  connections: "SELECT count(*) AS n FROM information_schema.processlist WHERE user = 'reader'",
  sleeping: 'SLEEP(60) = 7',
}

const value = <T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown },
): T => {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}
const logins = (users: readonly DirectoryUser[]): readonly string[] => users.map(({ login }) => login)

describe.each([POSTGRESQL, MARIADB].filter(({ installed }) => installed))('users in $name', (kind) => {
  let server: DatabaseServer
  let directory: Directory
  let config: RawConfig
  const opened: Directory[] = []
  const open = async (changes: RawConfig = {}): Promise<Directory> => {
    const made = await openDirectory({ ...config, ...changes })
    opened.push(made)
    return made
  }

  beforeAll(async () => {
    server = await kind.start()
    await server.admin(...kind.fill)
    config = {
      Connect: `${kind.name}+driver://reader:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${kind.database}`,
      Table: 'intranet.users',
      Map: JSON.stringify({ userid: 'id', username: 'login', email: 'mail', mobile: 'mobile', password: 'password' }),
      Encoding: 'latin1',
    }
    directory = await open()
  }, 120_000)
  afterAll(async () => {
    await Promise.all(opened.map((made) => made.close()))
    await server?.remove()
  })

  it('finds a user by login and by id, with a number as id, umlauts, and nothing where the column is NULL', async () => {
    const found = value(await directory.findByLogin('jürgen70', patience()))

    expect(found).toEqual([
      {
        userId: '70',
        login: 'jürgen70',
        attributes: { userid: '70', username: 'jürgen70', email: '', mobile: '+49 170 70' },
      },
    ])
    expect(value(await directory.findById('70', patience()))).toEqual(found[0])
  })

  it.each(['nobody', '', '\0', 'user1\0', '\ud800', '😀', "' OR '1'='1", 'user1%', 'user_', '*', '$1', '?'])(
    'finds nobody by the login %j',
    async (login) => {
      expect(value(await directory.findByLogin(login, patience()))).toEqual([])
    },
  )

  it.each(['0', '1001', '1x', '1.0', ' 1', 'x', '', '99999999999999999999999', '1 OR 1=1', '\0'])(
    'finds nobody by the id %j',
    async (id) => {
      expect(value(await directory.findById(id, patience()))).toBeNull()
    },
  )

  it('compares logins as the database does', async () => {
    expect(logins(value(await directory.findByLogin('USER1', patience())))).toEqual(
      kind.name === 'mysql' ? ['user1'] : [],
    )
  })

  it('lists a thousand users, and fewer where a limit says so', async () => {
    expect(value(await directory.list({}, 5000, patience()))).toHaveLength(1000)
    expect(value(await directory.list({}, 20, patience()))).toHaveLength(20)
    expect(value(await (await open({ Limit: 30 })).list({}, 5000, patience()))).toHaveLength(30)
  })

  it.each([
    [{ username: 'jürgen*' }, 100],
    [{ username: '*' }, 1000],
    [{ username: 'jü*1*0*' }, 20],
    [{ username: 'user%' }, 0],
    [{ username: 'user_' }, 0],
    [{ username: 'user1' }, 1],
    [{ userid: '1' }, 1],
    [{ userid: '10*' }, 12],
    [{ email: '*@example.org', username: 'jü*' }, 86],
    [{ email: "*' OR '1'='1" }, 0],
    [{ phone: '*' }, 1000],
    [{ phone: '1*' }, 0],
    [{ username: '*!*' }, 0],
    [{ username: '\\*' }, 0],
    [{ username: '*\0*' }, 0],
  ] as const)('lists by %j', async (filter, count) => {
    expect(value(await directory.list(filter, 5000, patience()))).toHaveLength(count)
  })

  it('shows only whom the condition lets through', async () => {
    const some = await open({ Where: kind.name === 'mysql' ? "active = 1 OR login = '('" : "active\nOR login = '('" })

    expect(value(await some.list({}, 5000, patience()))).toHaveLength(600)
    expect(value(await some.findByLogin('user2', patience()))).toEqual([])
    expect(value(await some.findById('2', patience()))).toBeNull()
    expect(value(await some.findById('3', patience()))?.login).toBe('user3')
  })

  it('compares passwords, of a user and of nobody', async () => {
    const [user = null] = value(await directory.findByLogin('user1', patience()))

    expect(value(await directory.passwordMatches(user, 'correct', patience()))).toBe(true)
    expect(value(await directory.passwordMatches(user, 'wrong', patience()))).toBe(false)
    expect(value(await directory.passwordMatches(user, '', patience()))).toBe(false)
    expect(value(await directory.passwordMatches(null, 'correct', patience()))).toBe(false)
  })

  it('writes nothing, even where the account may and a condition tries', async () => {
    const meddling = await open({ Where: kind.name === 'mysql' ? 'intranet.meddle() = 1' : 'intranet.meddle()' })

    const refused = await meddling.findByLogin('user1', patience())

    expect(refused).toMatchObject({ ok: false, error: { code: 'directory_unavailable' } })
    expect(value(await directory.list({}, 5000, patience()))).toHaveLength(1000)
  })

  it.each([
    [{ Table: 'intranet.nothing' }, /^table_unknown: .*nothing/],
    [{ Map: { userid: 'id', username: 'surname' } }, /^column_unknown: .*surname/],
    [{ Where: 'active = = 1' }, /^syntax_wrong: /],
    [{ Table: kind.name === 'mysql' ? 'mysql.user' : 'pg_authid' }, /^(?:permission_missing|column_unknown)/],
  ] as const)('says why %j cannot be asked', async (changes, reason) => {
    const wrong = await open(changes)

    const refused = await wrong.findByLogin('user1', patience())

    expect(refused).toMatchObject({ error: { code: 'directory_unavailable', reason: expect.stringMatching(reason) } })
  })

  it.each([
    ['a wrong password', (text: string) => text.replace(/:[^:@]*@/, ':hidden-in-vain@'), 'login_refused'],
    ['a wrong user', (text: string) => text.replace('reader', 'nobody'), 'login_refused'],
    [
      'an unknown database',
      (text: string) => text.replace(/[^/]*$/, 'nowhere'),
      /^(?:database_unknown|login_refused)$/,
    ],
    ['a port where nobody listens', (text: string) => text.replace(/:\d+\//, ':1/'), 'ECONNREFUSED'],
  ])('says so for %s, without a secret', async (_, change, reason) => {
    const wrong = await open({ Connect: change(String(config.Connect)) })

    const refused = await wrong.findByLogin('user1', patience())

    expect(refused).toMatchObject({ error: { code: 'directory_unavailable', reason: expect.stringMatching(reason) } })
    expect(JSON.stringify(refused)).not.toMatch(/hidden-in-vain|p@ss/)
  })

  it('keeps at most so many connections, however many ask at once, and lets them go', async () => {
    await Promise.all(opened.map((made) => made.close()))
    const bounded = await open({ MAX_CONNECTIONS: 3 })
    const connections = async () => Number((await server.admin(kind.connections))[0]?.n)
    await expect.poll(connections).toBe(0)

    const found = await Promise.all(Array.from({ length: 200 }, (_, n) => bounded.findById(String(n + 1), patience())))

    expect(found.map((user) => value(user)?.userId)).toEqual(Array.from({ length: 200 }, (_, n) => String(n + 1)))
    expect(await connections()).toBe(3)
    await bounded.close()
    await expect.poll(connections).toBe(0)
  })

  it('ends what takes longer than its signal, and then works on', async () => {
    const slow = await open({ Where: kind.sleeping, MAX_CONNECTIONS: 1 })
    const stop = new AbortController()

    const [first, second] = [slow.findByLogin('user1', stop.signal), slow.findByLogin('user1', stop.signal)]
    await expect.poll(async () => Number((await server.admin(kind.connections))[0]?.n)).toBeGreaterThan(0)
    stop.abort()

    const refused = { ok: false, error: { code: 'directory_unavailable', reason: 'deadline' } }
    expect(await Promise.all([first, second])).toEqual([refused, refused])
    expect(logins(value(await directory.findByLogin('user1', patience())))).toEqual(['user1'])
  })

  it.each(['orderly', 'killed'] as const)('works again when the server was stopped (%s) and started', async (how) => {
    await Promise.all([1, 2, 3].map(() => directory.findById('1', patience())))
    await server.stop(how)

    const refused = await directory.findByLogin('user1', patience())
    await server.start()
    const found = await Promise.all([1, 2, 3, 4].map((id) => directory.findById(String(id), patience())))

    expect(refused).toMatchObject({ ok: false, error: { code: 'directory_unavailable', reason: 'ECONNREFUSED' } })
    expect(found.map((user) => value(user)?.login)).toEqual(['user1', 'user2', 'user3', 'user4'])
  })

  it('fails nobody when the server was started again in between', async () => {
    await Promise.all([1, 2, 3].map(() => directory.findById('1', patience())))
    await server.stop()
    await server.start()

    expect(logins(value(await directory.findByLogin('user5', patience())))).toEqual(['user5'])
  })

  it('answers by its signal while the server stands still, and works when it goes on', async () => {
    await directory.findById('1', patience())
    await server.freeze(true)
    const refused = await Promise.all(
      Array.from({ length: 20 }, () => directory.findById('1', AbortSignal.timeout(100))),
    ).finally(() => server.freeze(false))

    expect(new Set(refused.map((result) => (result.ok ? 'found' : result.error.reason)))).toEqual(new Set(['deadline']))
    expect(value(await directory.findById('1', patience()))?.login).toBe('user1')
  })

  it.each(['node', 'deno', 'bun'] as const)('works under %s', async (runtime) => {
    const child = await startRuntime(runtime, {
      script: new URL('./find-once.ts', import.meta.url),
      args: [JSON.stringify(config), 'jürgen30'],
      ready: /^FOUND (.*)$/m,
    })

    expect(JSON.parse(child.url)).toMatchObject({ ok: true, value: [{ userId: '30' }] })
    // Connections that nobody needs keep no process alive.
    expect(await child.exited).toEqual({ code: 0, signal: null })
  })

  it('reads umlauts of a database that keeps latin1', async () => {
    const changes =
      kind.name === 'mysql'
        ? { Table: 'old' }
        : { Table: 'old', Connect: String(config.Connect).replace(/[^/]*$/, 'latin') }
    if (kind.name === 'mysql') {
      await server.admin(
        'CREATE TABLE intranet.old (id int, login varchar(80), mail text, mobile text, password text) CHARACTER SET latin1',
        "INSERT INTO intranet.old VALUES (7, 'jürgen', 'ß@example.org', NULL, NULL)",
      )
    } else {
      await server.admin("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
      const owner = await openDatabase(server.port)
      await owner.unsafe('CREATE TABLE old (id int, login varchar(80), mail text, mobile text, password text)')
      await owner.unsafe("INSERT INTO old VALUES (7, 'jürgen', 'ß@example.org', NULL, NULL)")
      await owner.unsafe('GRANT SELECT ON old TO reader')
      await owner.end()
    }
    const latin = await open(changes)

    expect(value(await latin.findByLogin('jürgen', patience()))).toMatchObject([
      { userId: '7', attributes: { email: 'ß@example.org' } },
    ])
    expect(value(await latin.findByLogin('😀', patience()))).toEqual([])
    expect(value(await latin.list({ username: '*ü*' }, 10, patience()))).toHaveLength(1)
    expect(value(await latin.list({ username: '*😀*' }, 10, patience()))).toHaveLength(0)
  })

  it('is reached by a Unix socket', async () => {
    const [host, database] = String(config.Connect).split('@127.0.0.1:')
    const socket =
      kind.name === 'mysql' ? `unix_socket=${server.folder}/mariadb.sock` : `host=${server.folder}&port=${server.port}`
    const local = await open({ Connect: `${host}@/${database?.split('/')[1]}?${socket}` })

    expect(logins(value(await local.findByLogin('user1', patience())))).toEqual(['user1'])
  })

  it('lets no statement take for ever on the server', async () => {
    const bounded = { postgresql: "current_setting('statement_timeout') = '1min'", mysql: '@@max_statement_time = 60' }

    const { length } = value(await (await open({ Where: bounded[kind.name] })).list({}, 10, patience()))

    expect(length).toBe(10)
  })

  it('no condition that is taken lets anybody through but whom it is asked for', async () => {
    const random = randomFrom(kind.name)
    const answers = { refused: 0, failed: 0, found: 0 }
    for (let n = 0; n < 400; n++) {
      const Where = aCondition(random)
      const some = await openDirectory({ ...config, Where, MAX_CONNECTIONS: 1 }).catch(() => null)
      const found = await some?.findByLogin('user1', patience())
      await some?.close()
      if (!found) answers.refused++
      else if (!found.ok) answers.failed++
      else {
        answers.found++
        expect(
          logins(found.value).filter((login) => login !== 'user1'),
          Where,
        ).toEqual([])
      }
    }
    expect(Math.min(...Object.values(answers)), JSON.stringify(answers)).toBeGreaterThan(2)
  })

  it('takes nobody where two rows have one id', async () => {
    const twice = await open({ Map: { userid: 'active', username: 'login' } })
    const id = kind.name === 'mysql' ? '1' : 't'

    expect(await twice.findById(id, patience())).toMatchObject({ error: { reason: 'userid_not_unique' } })
  })
})

async function openDatabase(port: number) {
  const { default: postgres } = await import('postgres')
  return postgres({ host: '127.0.0.1', port, user: 'owner', password: PASSWORD, database: 'latin', max: 1 })
}
