/**
 * Database servers for tests, as Debian's packages bring them: on 127.0.0.1 at a free port, with their data in a folder
 * that goes with them. Neither of them runs as root, so under root each has the user of its package.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import postgres from 'postgres'
import { SCRATCH } from '../support/scratch.ts'
import { standStill } from '../support/stands-still.ts'

export type DatabaseServer = {
  readonly port: number
  readonly folder: string
  /** Runs statements as the owner of everything. */
  readonly admin: (...statements: readonly string[]) => Promise<readonly Readonly<Record<string, unknown>>[]>
  /** At once, without a word to those who are connected, or with one. */
  readonly stop: (how?: 'killed' | 'orderly') => Promise<void>
  readonly start: () => Promise<void>
  /** Stands still, so that nothing is answered, or goes on. */
  readonly freeze: (frozen: boolean) => Promise<void>
  readonly remove: () => Promise<void>
}

/** Of the owner, and in the tests of everybody else. */
export const PASSWORD = 'p@ss:word/%ü'

/** Folder of PostgreSQL's programs, or null. */
export function postgresqlPrograms(): string | null {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb'))) ?? null
}

export const mariadbPrograms = (): boolean =>
  existsSync('/usr/sbin/mariadbd') && existsSync('/usr/bin/mariadb-install-db')

/** @param certificate and `key`, PEM, with which it offers TLS */
export async function startPostgresql(tls?: { certificate: string; key: string }): Promise<DatabaseServer> {
  const bin = postgresqlPrograms()
  if (bin === null) throw new Error('no PostgreSQL')
  const as = accountOf('postgres')
  const folder = dataFolder('postgresql', as)
  const [data, secret] = [join(folder, 'data'), join(folder, 'password')]
  const put = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    if (as) chownSync(join(folder, name), as.uid, as.gid)
    return join(folder, name)
  }
  put('password', PASSWORD)
  const initdb = ['-D', data, '-U', 'owner', '-E', 'UTF8', '--locale=C', '--auth=scram-sha-256', `--pwfile=${secret}`]
  execFileSync(join(bin, 'initdb'), [...initdb, '--no-sync'], { ...as, stdio: 'pipe', cwd: folder })
  const settings = {
    fsync: 'off',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: '20',
  }
  const encrypted = tls && {
    ssl: 'on',
    ssl_cert_file: put('tls.pem', tls.certificate),
    ssl_key_file: put('tls.key', tls.key),
  }
  const flags = Object.entries({ ...settings, ...encrypted }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const port = await freePort()
  return server({
    ...{ folder, port, as },
    command: [join(bin, 'postgres'), '-D', data, '-p', String(port), ...flags],
    orderly: 'SIGINT',
    admin: async (...statements) => {
      const sql = postgres({
        host: '127.0.0.1',
        port,
        user: 'owner',
        password: PASSWORD,
        database: 'postgres',
        max: 1,
        onnotice: () => {},
      })
      try {
        let rows: readonly Readonly<Record<string, unknown>>[] = []
        for (const statement of statements) rows = await sql.unsafe(statement)
        return rows
      } finally {
        await sql.end()
      }
    },
  })
}

export async function startMariadb(tls?: { certificateFile: string; keyFile: string }): Promise<DatabaseServer> {
  const as = accountOf('mysql')
  const folder = dataFolder('mariadb', as)
  const data = join(folder, 'data')
  const install = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']
  execFileSync('mariadb-install-db', install, { ...as, stdio: 'pipe', cwd: folder })
  const copies = tls && { cert: join(folder, 'tls.pem'), key: join(folder, 'tls.key') }
  if (tls && copies) {
    for (const [from, to] of [
      [tls.certificateFile, copies.cert],
      [tls.keyFile, copies.key],
    ] as const) {
      execFileSync('cp', [from, to])
      if (as) chownSync(to, as.uid, as.gid)
    }
  }
  const port = await freePort()
  const socket = join(folder, 'mariadb.sock')
  return server({
    ...{ folder, port, as },
    command: [
      ...['/usr/sbin/mariadbd', '--no-defaults', `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1'],
      ...[`--socket=${socket}`, `--pid-file=${join(folder, 'pid')}`, '--skip-log-bin', '--innodb-buffer-pool-size=16M'],
      ...(copies ? [`--ssl-cert=${copies.cert}`, `--ssl-key=${copies.key}`] : []),
    ],
    orderly: 'SIGTERM',
    admin: async (...statements) => {
      const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' })
      try {
        let rows: unknown = []
        for (const statement of statements) [rows] = await connection.query(statement)
        return rows as readonly Readonly<Record<string, unknown>>[] // of a SELECT
      } finally {
        await connection.end()
      }
    },
  })
}

type Account = { readonly uid: number; readonly gid: number }

type Parts = Pick<DatabaseServer, 'folder' | 'port' | 'admin'> & {
  readonly as: Account | undefined
  readonly command: readonly string[]
  readonly orderly: NodeJS.Signals
}

async function server({ folder, port, admin, as, command, orderly }: Parts): Promise<DatabaseServer> {
  let child: ChildProcess | undefined
  let output = ''
  const endWithTest = () => void child?.kill('SIGKILL')
  process.once('exit', endWithTest)

  async function start(): Promise<void> {
    const [program = '', ...rest] = command
    child = spawn(program, rest, { ...as, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (output += String(bytes)))
    for (;;) {
      if (child.exitCode !== null) throw new Error(`${program} ended:\n${output}`)
      // Until it lets somebody in, each attempt is refused at once, or says that the server is starting.
      if (
        await admin('SELECT 1').then(
          () => true,
          () => false,
        )
      )
        return
    }
  }
  async function stop(how: 'killed' | 'orderly' = 'orderly'): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child?.once('exit', resolve))
    child.kill(how === 'killed' ? 'SIGQUIT' : orderly)
    if (how === 'killed' && orderly === 'SIGTERM') child.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    ...{ folder, port, admin, start, stop },
    freeze: async (frozen) => {
      for (const pid of family(child?.pid ?? 0))
        if (frozen) await standStill(pid)
        else process.kill(pid, 'SIGCONT')
    },
    remove: async () => {
      await stop()
      process.off('exit', endWithTest)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A process and its children: PostgreSQL has one for each connection. */
function family(pid: number): readonly number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return [pid, ...stdout.split('\n').map(Number).filter(Boolean)]
}

function accountOf(name: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function dataFolder(name: string, as: Account | undefined): string {
  const folder = mkdtempSync(join(SCRATCH, `otpost-${name}-`))
  if (as) chownSync(folder, as.uid, as.gid)
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  if (as) chownSync(join(folder, 'data'), as.uid, as.gid)
  return folder
}

/** Below those that the system gives to whoever asks for any, so that nobody takes it while the server is away. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer().once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}
