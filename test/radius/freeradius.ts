/**
 * A real FreeRADIUS on 127.0.0.1 with the files of `examples/radius` as they are; what stands around them is what every
 * installation has: paths, an address to listen on, a client with a secret.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

export const EXAMPLES = resolve(import.meta.dirname, '../../examples/radius')
/** Where Debian keeps what every installation has enabled. */
const DEBIAN = '/etc/freeradius/3.0'
export const SECRET = 'testing123-of-this-run'

export type Site = 'otpost' | 'otpost-simple'
export type Radius = { readonly port: number; readonly output: () => string; readonly stop: () => Promise<void> }

/**
 * @param url of otpost's privacyIDEA dialect
 * @param key API key; none: the variable is not there
 */
export async function startFreeradius(site: Site, url: string, key?: string): Promise<Radius> {
  const folder = mkdtempSync(join(tmpdir(), 'otpost-radius-'))
  const port = await freePort()
  for (const [name, file] of [
    ['mods', 'mods-available/otpost'],
    ['sites', `sites-available/${site}`],
  ] as const) {
    mkdirSync(join(folder, name))
    copyFileSync(join(EXAMPLES, file), join(folder, name, 'otpost'))
  }
  writeFileSync(join(folder, 'dictionary'), '')
  writeFileSync(join(folder, 'radiusd.conf'), radiusdConf(folder, site, port))

  const server = spawn('freeradius', ['-f', '-X', '-d', folder], {
    env: { ...process.env, OTPOST_URL: url, ...(key === undefined ? {} : { OTPOST_KEY: key }) },
  })
  let output = ''
  const ready = new Promise<void>((found, failed) => {
    const take = (chunk: Buffer) => {
      output += chunk
      if (output.includes('Ready to process requests')) found()
    }
    server.stdout.on('data', take)
    server.stderr.on('data', take)
    server.once('error', failed)
    server.once('exit', () => failed(new Error(`freeradius did not start:\n${output.slice(-3000)}`)))
  })
  await ready
  return { port, output: () => output, stop: () => stop(server, folder) }
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  server.removeAllListeners('exit')
  if (server.exitCode === null && server.kill('SIGTERM')) await once(server, 'exit')
  rmSync(folder, { recursive: true, force: true })
}

const radiusdConf = (folder: string, site: Site, port: number): string => `
prefix = ${folder}
logdir = ${folder}
run_dir = ${folder}
libdir = /usr/lib/freeradius
pidfile = ${folder}/freeradius.pid
log {
  destination = stdout
}
security {
  reject_delay = 0
  status_server = no
}
thread pool {
}
client test {
  ipaddr = 127.0.0.1
  secret = ${SECRET}
  require_message_authenticator = no
}
modules {
  $INCLUDE ${DEBIAN}/mods-available/always
  $INCLUDE ${DEBIAN}/mods-available/expr
  $INCLUDE mods/
}
$INCLUDE sites/
listen {
  type = auth
  ipaddr = 127.0.0.1
  port = ${port}
  virtual_server = ${site}
}
`

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

export type RadiusReply = {
  readonly code: 'Access-Accept' | 'Access-Reject' | 'Access-Challenge' | 'none'
  readonly message: string
  readonly state: string
}

/** Asks as a NAS does, by radclient. Values are bytes, so that a password may be in any character set. */
export async function ask(
  port: number,
  {
    user,
    password,
    state = '',
  }: { readonly user: string; readonly password: Buffer | string; readonly state?: string },
): Promise<RadiusReply> {
  const quoted = (value: Buffer | string) =>
    `"${Array.from(Buffer.from(value), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}"`
  const attributes = [
    `User-Name = ${quoted(user)}`,
    `User-Password = ${quoted(password)}`,
    ...(state === '' ? [] : [`State = ${state}`]),
  ]
  const run = promisify(execFile)('radclient', ['-x', '-r', '1', '-t', '20', `127.0.0.1:${port}`, 'auth', SECRET])
  run.child.stdin?.end(attributes.join('\n'))
  // radclient fails where the answer is no.
  const { stdout } = await run.catch((error: { stdout: string }) => error)
  const [, reply = ''] = stdout.split(/^Received /m)
  const [code = 'none'] = /^Access-\w+/.exec(reply) ?? []
  return {
    code: code as RadiusReply['code'], // those are all that there are
    message: /Reply-Message = "(.*)"/.exec(reply)?.[1] ?? '',
    state: /State = (0x[0-9a-f]+)/.exec(reply)?.[1] ?? '',
  }
}
