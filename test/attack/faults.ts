/** Faults: a database that is slow, fails and comes back, a full disk, a provider that hangs. Others go on, and nothing is accepted by mistake. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { scratchFolder } from '../support/scratch.ts'
import { checkAt, logInAt } from '../support/served.ts'
import { SILENCE, startScriptedServer } from '../support/smtp-server.ts'
import { type Attack, atOnce, type Outcome, type Start } from './attack.ts'
import { fileTarget, libsqlTarget, PASSWORD, serve } from './target.ts'

type Proxy = Awaited<ReturnType<typeof startProxy>>

/** What stands between the servers and their database. */
type Mode = 'through' | 'refuse' | 'hang' | 'slow' | 'garbage'

async function startProxy(port: number) {
  let mode: Mode = 'through'
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    sockets.add(client)
    client.on('close', () => sockets.delete(client)).on('error', () => {})
    if (mode === 'refuse') return client.destroy()
    if (mode === 'hang') return
    if (mode === 'garbage') return client.end('HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops')
    const upstream = connect(port, '127.0.0.1')
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
    client.on('data', async (chunk) => {
      if (mode === 'slow') await wait(300)
      upstream.write(chunk)
    })
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    become: (next: Mode) => {
      mode = next
      // Connections that are open behave as new ones would.
      for (const socket of sockets) socket.destroy()
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function databaseFault(mode: Mode, users: number): Promise<Outcome> {
  const through: string[] = []
  let proxy: Proxy | undefined
  const target = await libsqlTarget(async (url) => {
    proxy = await startProxy(Number(new URL(url).port))
    return `http://127.0.0.1:${proxy.port}`
  })
  const become = (next: Mode) => proxy?.become(next)
  try {
    const { user, challenge, pin } = await target.enrol(1_000_000)
    const answer = await challenge()
    become(mode)
    const during = await atOnce(users, () =>
      Promise.race([target.check({ user, pass: `${pin}000000` }).catch(() => null), wait(3000).then(() => null)]),
    )
    if (during.some((body) => body?.result.value === true)) through.push('a wrong answer was accepted')
    become('through')
    const deadline = Date.now() + 30_000
    let right = await target.check({ user, ...answer }).catch(() => null)
    while (right === null && Date.now() < deadline) {
      await wait(300)
      right = await target.check({ user, ...answer }).catch(() => null)
    }
    const again = await target.check({ user, ...answer })
    if (again.result.value === true) through.push('the OTP was accepted twice')
    const next = await target.enrol()
    if ((await next.challenge()).pass === '') through.push('no message after the database had come back')
    return { tries: users, through }
  } finally {
    await target.close()
    await proxy?.close()
  }
}

/** One user's provider says nothing; meanwhile all others log in. */
async function hangingProvider(users: number): Promise<Outcome> {
  const target = await fileTarget(1)
  const silent = await startScriptedServer({ greeting: SILENCE })
  const through: string[] = []
  try {
    const config = JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: silent.port, EMAIL_FROM: 'otp@example.org' })
    await target.admin('/system/setProvider', {
      name: 'silent',
      type: 'email',
      class: 'SMTPEmailProvider',
      config,
      timeout: '60',
    })
    const stuck = await target.enrol()
    const policy = {
      name: 'stuck',
      scope: 'authentication',
      action: 'email_provider=silent',
      realm: '*',
      user: stuck.user,
      client: '*',
      time: '',
      active: 'True',
    }
    await target.admin('/system/setPolicy', policy)
    const others: Awaited<ReturnType<typeof target.enrol>>[] = []
    for (let n = 0; n < users; n++) others.push(await target.enrol())
    const pid = target.children[0]?.pid ?? 0
    const before = residentMiB(pid)

    const hanging = atOnce(50, () => target.check({ user: stuck.user, pass: stuck.pin }))
    let settled = false
    void hanging.then(() => {
      settled = true
    })
    const logins = await Promise.all(
      others.map(
        async (one) => (await target.check({ user: one.user, ...(await one.challenge()) })).result.value === true,
      ),
    )
    if (!logins.every(Boolean))
      through.push(`${logins.filter((ok) => !ok).length} of ${users} other users were not let in`)
    if (settled) through.push('the silent provider was given up before the others were in: nothing was shown')
    if ((await hanging).some(({ result }) => result.value === true)) through.push('a trigger was taken for an answer')
    const grown = residentMiB(pid) - before
    if (grown > 200) through.push(`the server grew by ${grown} MiB`)
    return { tries: users, through, note: `${grown} MiB more` }
  } finally {
    await target.close()
    await silent.close()
  }
}

const residentMiB = (pid: number): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)

/** A small file system of its own, which takes root. */
async function fullDisk(most: number): Promise<Outcome> {
  const { path: folder, remove } = scratchFolder('otpost-full')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    remove()
    return { tries: 0, through: [], note: 'skipped: it takes root to mount a small file system' }
  }
  // Detached, so that it goes even while somebody writes to it.
  const unmount = () => void execFileSync('umount', ['-l', folder])
  process.prependOnceListener('exit', unmount)
  const through: string[] = []
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  const server = await serve(['--data', data], {})
  try {
    const admin = await logInAt(server.url, PASSWORD)
    await admin('/system/setResolver', { name: 'r', type: 'passwdresolver', 'passwdresolver.content': 'ada:x:1:1:::' })
    await admin('/system/setRealm', { realm: 'r', resolvers: 'r' })
    await admin('/admin/init', {
      type: 'email',
      user: 'ada',
      serial: 'FULL',
      pin: 'pin-',
      email_address: 'ada@mail.test',
    })
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(fillSize(folder)))
    let tries = 0
    for (; tries < most; tries++) {
      const body = await checkAt(server.url, { user: 'ada', pass: 'pin-000000' }).catch(() => null)
      if (body?.result.value === true) through.push('a wrong answer was accepted')
    }
    if (!/request_failed|audit_failed/.test(server.output()))
      through.push('the disk never became full: nothing was shown')
    rmSync(join(folder, 'ballast'))
    execFileSync('mount', ['-o', 'remount,size=64m', folder])
    const after = await checkAt(server.url, { user: 'ada', pass: 'x' }).catch(() => null)
    if (after?.result.value !== false) through.push('the server does not answer once there is room again')
    const { stop } = await serve(['--data', data], {})
    await stop()
    return { tries, through }
  } finally {
    await server.stop()
    process.off('exit', unmount)
    unmount()
    remove()
  }
}

const fillSize = (folder: string): number =>
  Number(execFileSync('df', ['--output=avail', '-B1', folder], { encoding: 'utf8' }).split('\n')[1]) - 64 * 1024

export const faults: readonly Attack[] = [
  ...(['refuse', 'hang', 'slow', 'garbage'] as const).map((mode) => ({
    name: `a database that is ${({ refuse: 'gone', hang: 'silent', slow: 'slow', garbage: 'broken' } as const)[mode]}, and comes back`,
    on: 'libSQL over HTTP, 2 processes',
    run: ({ profile }: Start) => databaseFault(mode, profile === 'full' ? 50 : 10),
  })),
  {
    name: 'a provider that says nothing, while others log in',
    on: 'file',
    run: ({ profile }) => hangingProvider(profile === 'full' ? 50 : 20),
  },
  { name: 'a full disk', on: 'file', run: ({ profile }) => fullDisk(profile === 'full' ? 3000 : 1200) },
]
