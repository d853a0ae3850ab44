/**
 * `npm run dev:workers`: otpost in workerd on this machine, with a local D1 database, a mail catcher and a demo user.
 * For a look at it and for development; nothing leaves the machine. Arguments go to `wrangler dev` (`--port 9000`).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createAdaptorServer } from '@hono/node-server'
import { newKey } from '../src/adapters/vault/keys.ts'
import { type AdminClient, createAdminClient } from '../src/cli/client.ts'
import { demoLines, makeDemoUser } from '../src/cli/demo-user.ts'
import { type DevMail, realProvider, startDevMail } from '../src/cli/dev-mail.ts'
import { logIn } from '../src/cli/login.ts'
import { newPassword } from '../src/cli/password.ts'
import { createCall, network } from '../src/cli/request.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const SECRETS = join(ROOT, '.dev.vars')
const CLI = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js')
const QUIET = { CI: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' }
const START_MS = 60_000

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes))
const clock = () => Math.floor(Date.now() / 1000)

/** Secrets of the local Worker, made at the first start. @returns the administrator's password */
async function devSecrets(): Promise<string> {
  const password = newPassword(random)
  const text = `OTPOST_KEYS="${newKey('k1', random)}"\nOTPOST_ADMIN_PASSWORD="${password}"\n`
  try {
    await writeFile(SECRETS, text, { mode: 0o600, flag: 'wx' })
    console.log(`Administrator admin, password ${password}   (kept with the keys in .dev.vars)`)
    return password
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const found = /^OTPOST_ADMIN_PASSWORD\s*=\s*"?([^"\n]*)"?\s*$/m.exec(await readFile(SECRETS, 'utf8'))
  return found?.[1] ?? ''
}

function wrangler(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...QUIET },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function migrate(args: readonly string[]): Promise<void> {
  const persistence = args.flatMap((arg, n) => (arg === '--persist-to' ? [arg, args[n + 1] ?? ''] : []))
  const child = wrangler(['d1', 'migrations', 'apply', 'DB', '--local', ...persistence])
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`the migrations failed:\n${output}`)
}

/** Starts `wrangler dev`, whose output goes on to the terminal. @returns its address */
async function startWorker(args: readonly string[]): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const child = wrangler(['dev', '--show-interactive-dev-session=false', ...args])
  process.once('exit', () => child.kill())
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('wrangler dev did not start')), START_MS)
    child.once('exit', (code) => reject(new Error(`wrangler dev ended with code ${code}`)))
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
      console.log(line)
      const ready = /Ready on (https?:\/\/\S+)/.exec(line)?.[1]
      if (ready === undefined) return
      clearTimeout(timer)
      resolve(new URL(ready).origin)
    })
  })
  return { url, child }
}

/** @throws when the password is not that of the local database */
async function adminOf(url: string, password: string): Promise<AdminClient> {
  const send = await logIn(url, network(url), { username: 'admin', password }).catch((cause: unknown) => {
    throw new Error('admin could not log in: is the database older than .dev.vars? Remove .wrangler/state', { cause })
  })
  return createAdminClient(createCall({ base: url, token: null, warn: console.warn, send }))
}

/** The page with the caught mails, which the Worker itself knows nothing of. @returns its address */
async function showMails({ answer }: DevMail): Promise<string> {
  const server = createAdaptorServer({ fetch: (request) => answer(request) ?? new Response(null, { status: 404 }) })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : ''}`
}

async function prepare(client: AdminClient, url: string): Promise<void> {
  const provider = await realProvider(client)
  if (provider !== null) return console.log(`Mails go out through provider ${provider}; the mail catcher is off.`)
  const devMail = await startDevMail(client, clock)
  await devMail.register()
  await makeDemoUser(client)
  const mails = await showMails(devMail)
  const lines = (await demoLines(client, url)).map((line) => `  ${line.replaceAll(`${url}/dev/`, `${mails}/dev/`)}`)
  console.log(`\nMails are not sent, but shown at ${mails}/dev/mail`)
  if (lines.length > 0)
    console.log(`\nPaste these lines into another terminal, one after the other:\n\n${lines.join('\n')}\n`)
}

const args = process.argv.slice(2)
const password = await devSecrets()
await migrate(args)
const { url, child } = await startWorker(args)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 0))
await prepare(await adminOf(url, password), url).catch((error: unknown) => {
  // The Worker itself runs; only what makes a first look easy is missing.
  console.error(error instanceof Error ? error.message : error)
})
console.log('Ctrl-C ends it.')
