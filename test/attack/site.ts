/** A site: one server over its own file, and whatever an attacker wants to look at afterwards: bytes of replies, rows, lines of the log, mails. */
import { createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClient, type Row } from '@libsql/client'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import type { MailCatcher } from '../../src/ports/catcher.ts'
import { scratchFolder } from '../support/scratch.ts'
import type { Body } from '../support/served.ts'
import { OUTSIDE } from './payloads.ts'
import { PASSWORD, serve } from './target.ts'

type Fields = Readonly<Record<string, string>>
export type Answer = {
  readonly status: number
  /** Names in lower case, in the order they came. */
  readonly headers: readonly (readonly [string, string])[]
  readonly text: string
}
export type Sent = { readonly headers?: Fields; readonly body?: string | Buffer }
export type Send = (method: string, path: string, sent?: Sent) => Promise<Answer>

/** What a login gave. */
export type Login = { readonly cookie: string; readonly csrf: string; readonly answer: Answer }

export type Site = {
  readonly url: string
  readonly folder: string
  readonly pid: number
  /** The path as it is given: nobody tidies it up. */
  readonly send: Send
  readonly logIn: (username?: string, password?: string) => Promise<Login>
  /** POST of a form in the name of `admin`. @throws when it is refused */
  readonly admin: (path: string, fields: Fields) => Promise<Body>
  readonly query: (sql: string, args?: readonly (string | number)[]) => Promise<readonly Row[]>
  /** What nobody can do from outside: the clock's work, for one. */
  readonly write: (sql: string, args: readonly (string | number)[]) => Promise<void>
  readonly log: () => string
  readonly catcher: MailCatcher
  readonly close: () => Promise<void>
}

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
export const formOf = (fields: Fields): Sent => ({ headers: FORM, body: new URLSearchParams(fields).toString() })

/** One more connection for each that is busy, as many as it takes. */
export function sender(url: string): { readonly send: Send; readonly close: () => void } {
  const agent = new Agent({ keepAlive: true })
  const { hostname, port } = new URL(url)
  const send: Send = (method, path, { headers = {}, body = '' } = {}) =>
    new Promise((resolve, reject) => {
      const length = method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const options = { agent, hostname, port, method, path, headers: { ...headers, ...length } }
      const request = httpRequest(options, (response) => void read(response).then(resolve, reject))
      request.on('error', reject).setTimeout(30_000, () => request.destroy(new Error(`no answer to ${method} ${path}`)))
      request.end('content-length' in length ? body : undefined)
    })
  return { send, close: () => agent.destroy() }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const { rawHeaders: raw } = response
  const headers = raw.flatMap((name, n) => (n % 2 === 0 ? [[name.toLowerCase(), raw[n + 1] ?? ''] as const] : []))
  return { status: response.statusCode ?? 0, headers, text: Buffer.concat(chunks).toString() }
}

export const cookieOf = ({ headers }: Answer, name: string): string =>
  headers.find(([key, value]) => key === 'set-cookie' && value.startsWith(`${name}=`))?.[1].split(/[=;]/)[1] ?? ''

/** undefined: it is no JSON. */
export function jsonOf({ text }: Answer): Body | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether what was asked for was done: LinOTP says no with 200, too. */
export function isDone(answer: Answer): boolean {
  if (answer.status >= 300) return false
  const json = jsonOf(answer) as { result?: { status?: boolean } } | undefined // the envelope, or something else
  return json?.result?.status ?? answer.text.length > 0
}

export async function openSite(env: Fields = {}): Promise<Site> {
  const { path: folder, remove } = scratchFolder('otpost-site')
  const catcher = await startMailCatcher({ clock: () => Math.floor(Date.now() / 1000), keep: 20_000 })
  // Beside the folder of templates lies a file that no name and no link leads to.
  const templates = join(folder, 'templates')
  mkdirSync(templates)
  writeFileSync(join(folder, 'outside.eml'), `Subject: ${OUTSIDE}\n\n${OUTSIDE} \${otp}\n`)
  symlinkSync(join(folder, 'outside.eml'), join(templates, 'link.eml'))
  const child = await serve(['--data', folder], { OTPOST_LOG_LEVEL: 'debug', OTPOST_TEMPLATES: templates, ...env })
  const { send, close } = sender(child.url)
  const logIn: Site['logIn'] = async (username = 'admin', password = PASSWORD) => {
    const answer = await send('POST', '/admin/login', formOf({ username, password }))
    const csrf = cookieOf(answer, 'csrf_access_token')
    return { cookie: `access_token_cookie=${cookieOf(answer, 'access_token_cookie')}`, csrf, answer }
  }
  const { cookie, csrf } = await logIn()
  const client = createClient({ url: pathToFileURL(join(folder, 'otpost.db')).href, concurrency: 1, timeout: 5000 })
  const site: Site = {
    ...{ url: child.url, folder, pid: child.pid, send, logIn, catcher, log: child.output },
    admin: async (path, fields) => {
      const headers = { ...FORM, cookie, 'x-csrf-token': csrf }
      const answer = await send('POST', path, { ...formOf(fields), headers })
      const body = jsonOf(answer)
      if (!isDone(answer) || !body) throw new Error(`${path} was refused: ${answer.text}`)
      return body
    },
    query: async (sql, args = []) => (await client.execute({ sql, args: [...args] })).rows,
    write: async (sql, args) => void (await client.execute({ sql, args: [...args] })),
    close: async () => {
      close()
      client.close()
      await child.stop()
      await catcher.close()
      remove()
    },
  }
  const config = JSON.stringify({ SMTP_SERVER: catcher.host, SMTP_PORT: catcher.port, EMAIL_FROM: 'otp@example.org' })
  const provider = { name: 'catcher', type: 'email', class: 'SMTPEmailProvider', timeout: '60' }
  await site.admin('/system/setProvider', { ...provider, config })
  await site.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
  return site
}

/** What changes by itself, or with every request that is answered at all. */
const RESTLESS = ['audit', 'login_attempts', 'audit_checkpoints', 'sqlite_sequence', 'claims']

export type Fingerprint = Readonly<Record<string, string>>

/** A checksum of every table, but for those in which a refusal may leave something. */
export async function fingerprint({ query }: Site, leaveOut: readonly string[] = RESTLESS): Promise<Fingerprint> {
  const tables = await query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
  const found: Record<string, string> = {}
  for (const { name } of tables) {
    if (leaveOut.includes(String(name)) || String(name).startsWith('__')) continue
    const rows = (await query(`SELECT * FROM "${name}" ORDER BY 1, 2`)).map((row) => ({ ...row, last_used_at: null }))
    found[String(name)] = createHash('sha256').update(JSON.stringify(rows)).digest('hex')
  }
  return found
}

export const changed = (before: Fingerprint, after: Fingerprint): readonly string[] =>
  Object.keys({ ...before, ...after }).filter((table) => before[table] !== after[table])
