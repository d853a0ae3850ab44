/** Injection: hostile texts through every parameter of every call, into mails, directories, gateways, files and the log. */
import type { Attack, Outcome, Start } from './attack.ts'
import { CANARY, foreignRows, furnish, samplesOf, selfSession, settle } from './grounds.ts'
import { auditIsWhole } from './injection-audit.ts'
import { mailAttacks } from './injection-mail.ts'
import { placeAttacks } from './injection-places.ts'
import { CALLS, type Call, EVE, FORGED, OUTSIDE, PAYLOADS, POLYGLOTS, RAW_PAYLOADS } from './payloads.ts'
import { type Answer, changed, FORM, fingerprint, formOf, openSite, type Sent, type Site } from './site.ts'

type Fields = Readonly<Record<string, string>>

/** Tables that a call may change; what has no line here changes nothing. */
const MAY_CHANGE: readonly (readonly [RegExp, string])[] = [
  [/^\w+ (\/pi)?\/validate\//, 'tokens challenges deliveries buckets provider_rests'],
  [/^\w+ \/userservice\//, 'user_sessions tokens challenges deliveries buckets provider_rests'],
  [/^\w+ \/admin\/logout/, 'revoked_sessions'],
  [/^POST \/(pi\/token|admin)\//, 'tokens challenges'],
  [/^DELETE \/pi\/token\//, 'tokens challenges'],
  [/^POST \/system\/(set|del)(Config|Default)$/, 'config meta'],
  [/^POST \/system\/\w+Provider/, 'providers provider_rests config meta deliveries'],
  [/^POST \/system\/(set|del)Resolver/, 'resolvers users meta'],
  [/^POST \/system\/(set|del|setDefault)Realm/, 'realms meta tokens'],
  [/^POST \/system\/\w+Policy/, 'policies meta'],
  [/^\w+ \/otpost\/admins/, 'admins api_tokens meta'],
  [/^\w+ \/otpost\/api-tokens/, 'api_tokens'],
  [/^\w+ \/otpost\/users/, 'users resolvers meta'],
  [/^POST \/otpost\/tokens/, 'tokens'],
  [/^\w+ \/otpost\/templates/, 'templates meta'],
  [/^POST \/otpost\/audit/, 'audit_cuts audit_checkpoints'],
]
/** Calls that change every row, on purpose. */
const WHOLE = /^POST \/otpost\/(keys\/|restored)/

const HEADERS =
  /^(cache-control|content-(security-policy|type|length|disposition|encoding|language)|cross-origin-resource-policy|referrer-policy|x-content-type-options|x-frame-options|x-request-id|date|connection|keep-alive|transfer-encoding|set-cookie|retry-after|allow|www-authenticate|vary|link|location|otpost-warning)$/

type Try = {
  readonly name: string
  readonly payload: string
  readonly method: string
  readonly path: string
  readonly sent: Sent
}

/** A form, JSON, a form whose refusal is to be a page of HTML, a form with bytes as they are. */
const SHAPES = ['form', 'json', 'page'] as const
type Shape = (typeof SHAPES)[number] | 'raw'

/** The call with one parameter hostile, in one of the shapes that a request can have. */
function tryOf(call: Call, name: string, payload: string, shape: Shape): Try {
  const fields: Fields = {
    ...samplesOf(call.path, call.names),
    ...(shape === 'page' && call.names.includes('httperror') ? { httperror: '400' } : {}),
    ...(call.pathNames.includes(name) ? {} : { [name]: payload }),
  }
  const inPath = samplesOf(call.path, call.pathNames)
  const path = call.path.replace(/\{(\w+)\}/g, (_, one: string) =>
    encode(one === name ? payload : (inPath[one] ?? 'x')),
  )
  const { method } = call
  if (method !== 'POST') return { name, payload, method, path: `${path}?${new URLSearchParams(fields)}`, sent: {} }
  if (shape === 'form' || shape === 'page') return { name, payload, method, path, sent: formOf(fields) }
  if (shape === 'json') {
    const body = JSON.stringify(fields)
    return { name, payload, method, path, sent: { headers: { 'content-type': 'application/json' }, body } }
  }
  const form = new URLSearchParams(Object.entries(fields).filter(([one]) => one !== name))
  return { name, payload, method, path, sent: { headers: FORM, body: `${form}&${encode(name)}=${payload}` } }
}

/** A lone surrogate has no encoding in a path. */
const encode = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(/^\.+$/, (dots) => '%2e'.repeat(dots.length))

/** Where texts reach the most: each of their parameters gets every payload. */
const THOROUGH =
  /^POST \/(validate\/check|pi\/validate\/check|admin\/(init|show|userlist)|audit\/search|system\/setPolicy|userservice\/enroll)$/
/** A password is hashed, which takes a while, and reaches nothing else. */
const SLOW = /admin\/login|pi\/auth|userservice\/(login|auth)|otpost\/(admins|users)/

/** Every payload comes to its turn, parameter by parameter, call by call. */
function dealer(seed: number): (count: number) => readonly string[] {
  let next = seed % PAYLOADS.length
  // Neighbours are much alike, and this has no divisor in common with their number.
  const stride = [37, 41, 43].find((prime) => PAYLOADS.length % prime !== 0) ?? 1
  return (count) =>
    Array.from({ length: count }, () => {
      next = (next + stride) % PAYLOADS.length
      return PAYLOADS[next] ?? ''
    })
}

function triesOf(call: Call, { profile }: Start, deal: (count: number) => readonly string[]): readonly Try[] {
  const names = [...call.names, ...call.pathNames]
  const key = `${call.method} ${call.path}`
  const full = profile === 'full'
  const count = SLOW.test(call.path) ? 1 : 2
  const payloads = () =>
    full ? [...POLYGLOTS, ...(THOROUGH.test(key) ? PAYLOADS : deal(3 * count))] : [POLYGLOTS[0], ...deal(count - 1)]
  let turn = 0
  const tries = names.flatMap((name) =>
    payloads().map((payload) => tryOf(call, name, payload, SHAPES[turn++ % SHAPES.length] ?? 'form')),
  )
  if (call.method !== 'POST') return tries
  const raw = names.flatMap((name, n) =>
    (full ? RAW_PAYLOADS : RAW_PAYLOADS.slice(n % RAW_PAYLOADS.length).slice(0, 1)).map((one) =>
      tryOf(call, name, one, 'raw'),
    ),
  )
  // Names that every object has are no parameters.
  const odd = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) =>
    tryOf(call, name, '{"a":1}', 'json'),
  )
  return [...tries, ...raw, ...odd]
}

/** What is wrong with a reply, whatever was asked. */
export function faultOf({ status, headers, text }: Answer, call: Pick<Call, 'by'>): string | null {
  const type = headers.find(([name]) => name === 'content-type')?.[1] ?? ''
  const foreign = headers.find(
    ([name, value]) => !HEADERS.test(name) || (name !== 'otpost-warning' && value.toLowerCase().includes(FORGED)),
  )
  if (status >= 500) return `${status} ${text.slice(0, 200)}`
  if (foreign) return `the reply has a header ${foreign.join(': ')}`
  if (text.includes(OUTSIDE) || /root:[^:\n]*:0:0/.test(text)) return 'the reply holds a file from outside'
  if (call.by !== 'administrator' && text.includes(CANARY)) return 'the reply shows what is not the client’s'
  if (/html|svg|xml/.test(type) && /<(script|img|svg|h1>x)/i.test(text)) return `markup in ${type}`
  if (type.startsWith('application/json') && text !== '') {
    try {
      JSON.parse(text)
    } catch {
      return 'the reply is no JSON'
    }
  }
  return null
}

/** Lines of the log that came since the last look, each of which must be one event. */
export function logReader({ log }: Pick<Site, 'log'>): () => readonly string[] {
  let from = 0
  return () => {
    const fresh = log().slice(from)
    const end = fresh.lastIndexOf('\n') + 1
    from += end
    return fresh
      .slice(0, end)
      .split('\n')
      .filter(Boolean)
      .filter((line) => !isEvent(line))
  }
}

function isEvent(line: string): boolean {
  if (line.startsWith('otpost listening on ')) return true
  try {
    const { time, level, event } = JSON.parse(line)
    const named = /^(debug|info|warn|error)$/.test(level) && /^[a-z_]+$/.test(event) && event !== 'request_failed'
    return named && new Date(time).getFullYear() > 2000
  } catch {
    return false
  }
}

const CROWD = 8

async function attackCalls(start: Start): Promise<Outcome> {
  const site = await openSite({ OTPOST_ADMIN_REALM: 'nobody' })
  const through: string[] = []
  let tries = 0
  try {
    const { own } = await settle(site)
    const strayLines = logReader(site)
    const deal = dealer(start.seed)
    // Reads of the audit look through all of it: first, while it is short.
    const calls = CALLS.toSorted((a, b) => Number(/audit/.test(b.path)) - Number(/audit/.test(a.path)))
    for (const call of calls) {
      const key = `${call.method} ${call.path}`
      await furnish(site)
      const session = call.by === 'user' ? await selfSession(site) : ''
      const before = { foreign: await foreignRows(site), tables: await fingerprint(site) }
      const queue = [...triesOf(call, start, deal)]
      tries += queue.length
      const worker = async () => {
        for (let one = queue.pop(); one && through.length < 20; one = queue.pop()) {
          const fault = await carryOut(site, call, one, { own, session })
          if (fault !== null)
            through.push(
              `${key} ${one.name}=${JSON.stringify(one.payload.slice(0, 100))} (${one.sent.headers?.['content-type'] ?? 'query'}): ${fault}`,
            )
        }
      }
      await Promise.all(Array.from({ length: CROWD }, worker))
      const allowed = MAY_CHANGE.find(([pattern]) => pattern.test(key))?.[1].split(' ') ?? []
      if (!WHOLE.test(key)) {
        for (const table of changed(before.tables, await fingerprint(site)))
          if (!allowed.includes(table)) through.push(`${key} changed the table ${table}`)
        const after = await foreignRows(site)
        for (const [n, rows] of before.foreign.entries())
          if (rows !== after[n])
            through.push(`${key} changed a foreign row: ${rows.slice(0, 200)} → ${after[n]?.slice(0, 200)}`)
      }
      for (const line of strayLines()) through.push(`${key} wrote a line that is no event: ${line.slice(0, 200)}`)
      start.say(`${tries} requests, ${key}`)
      if (through.length >= 20) break
    }
    through.push(...(await auditIsWhole(site, own)))
    for (const { to } of site.catcher.mails())
      if (to.some((one) => one.includes(EVE))) through.push(`a mail went to ${to}`)
    return { tries, through, note: `${CALLS.length} calls` }
  } finally {
    await site.close()
  }
}

async function carryOut(
  site: Site,
  call: Call,
  { name, method, path, sent }: Try,
  { own, session }: { own: string; session: string },
): Promise<string | null> {
  const headers: Fields =
    call.by === 'administrator'
      ? { authorization: `Bearer ${own}` }
      : call.by === 'user'
        ? { cookie: `user_selfservice=${session}` }
        : {}
  const query = call.by === 'user' ? `${path.includes('?') ? '&' : '?'}session=${session}` : ''
  const began = performance.now()
  const answer = await site
    .send(method, `${path}${query}`, { ...sent, headers: { ...sent.headers, ...headers } })
    .catch(String)
  if (typeof answer === 'string') return answer
  const took = performance.now() - began
  if (took > 10_000) return `${Math.round(took)} ms`
  // The status of a refusal is whatever this parameter says, 500 unless it says a number; the log tells what really broke.
  return faultOf(name === 'httperror' ? { ...answer, status: 200 } : answer, call)
}

export const injections: readonly Attack[] = [
  { name: 'hostile texts in every parameter of every call', on: 'file', run: attackCalls },
  ...mailAttacks,
  ...placeAttacks,
]
