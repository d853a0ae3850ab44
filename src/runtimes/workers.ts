/**
 * otpost on Cloudflare Workers. D1 by the binding `DB`, or a libSQL server where OTPOST_DATABASE_URL is set; the other
 * settings are variables and secrets of the Worker. There is no start: the first request puts the parts together, and
 * what is missing is answered with 503 and a log line, over and over until it is there.
 */
import { createClient } from '@libsql/client/web'
import enroll2user from '../../templates/enroll2user.eml'
import otpGerman from '../../templates/otp.de.eml'
import otp from '../../templates/otp.eml'
import { jsonLog } from '../adapters/log/json.ts'
import { type AnalyticsBinding, analytics } from '../adapters/metrics/analytics.ts'
import { openSocket } from '../adapters/sockets/workers.ts'
import { type D1Database, d1Batch } from '../adapters/store/d1.ts'
import { explained, placeOf } from '../adapters/store/failures.ts'
import { libsqlBatch } from '../adapters/store/libsql.ts'
import { readKeys } from '../adapters/vault/keys.ts'
import { compose, type Otpost } from '../compose.ts'
import { type Config, readConfig } from '../config.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Connection } from '../http/env.ts'
import type { Edges, Log, LogLevel, MailBinding } from '../ports/edges.ts'
import type { Batch } from '../ports/store.ts'

type Bindings = Readonly<Record<string, unknown>> & { readonly DB?: D1Database }
/** The part of a request's context that is used. */
type Lifetime = { readonly waitUntil: (work: Promise<unknown>) => void }

/** All of `templates/`: a test compares. */
const SHIPPED: ReadonlyMap<string, string> = new Map([
  ['enroll2user.eml', enroll2user],
  ['otp.de.eml', otpGerman],
  ['otp.eml', otp],
])

const edges: Edges = {
  clock: () => Math.floor(Date.now() / 1000),
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  fetch: (input, init) => fetch(input, init),
  deadline: (after) => AbortSignal.timeout(after * 1000),
  openSocket,
  templates: [
    { place: 'shipped', read: async (name) => SHIPPED.get(name) ?? null, names: async () => [...SHIPPED.keys()] },
  ],
  capabilities: { runtime: 'workers', files: false, smtpPort25: false, tlsOptions: false, sharedConnections: false },
  log: logFrom('info'),
}

function logFrom(level: LogLevel): Log {
  return jsonLog((line) => console.log(line), level)
}

/** Variables are text or, from `[vars]`, numbers and booleans; everything else is no setting of otpost. */
function open(bindings: Bindings): Result<Opened, string> {
  const given = Object.entries(bindings).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
  const config = readConfig(Object.fromEntries(given.map(([name, value]) => [name, String(value)])))
  if (!config.ok) return config
  if (config.value.templates !== null)
    return err('OTPOST_TEMPLATES must be absent: a Worker reads no folders; `otpost template put` saves a template')
  if (config.value.keys === null) return err('OTPOST_KEYS is missing: `wrangler secret put OTPOST_KEYS`')
  const keys = readKeys(config.value.keys)
  if (!keys.ok) return keys
  const batch = openDatabase(config.value, bindings.DB)
  if (!batch.ok) return batch
  const log = logFrom(config.value.logLevel)
  const own = { ...edges, ...metrics(bindings), mailBinding: mailBinding(bindings), log }
  return ok({ ...compose(batch.value, keys.value, own, config.value), log })
}

type Opened = Otpost & { readonly log: Log }

/** An Analytics Engine data set, bound as METRICS. */
function metrics({ METRICS: binding }: Bindings): Pick<Edges, 'metrics'> {
  const bound = typeof binding === 'object' && binding !== null && 'writeDataPoint' in binding
  return bound ? { metrics: analytics(binding as AnalyticsBinding) } : {} // nothing else has this function
}

/** Which kind it is a binding does not tell; most others have no `send`. */
const mailBinding =
  (bindings: Bindings) =>
  (name: string): MailBinding | undefined => {
    const binding = Object.hasOwn(bindings, name) ? bindings[name] : undefined
    return typeof binding === 'object' && binding !== null && 'send' in binding ? (binding as MailBinding) : undefined
  }

function openDatabase({ databaseUrl: url, databaseToken }: Config, d1: D1Database | undefined): Result<Batch, string> {
  if (url === null)
    return d1 ? ok(d1Batch(d1)) : err('there is no database: bind a D1 database as DB, or set OTPOST_DATABASE_URL')
  if (url.startsWith('file:')) return err('OTPOST_DATABASE_URL must begin with libsql:, https: or http: on Workers')
  try {
    // Never a queue: a task that waits there would be run by the request before it, and workerd forbids that.
    const options = { url, concurrency: Number.MAX_SAFE_INTEGER }
    const client = createClient(databaseToken === null ? options : { ...options, authToken: databaseToken })
    return ok(explained(libsqlBatch(client), placeOf(url)))
  } catch {
    return err('OTPOST_DATABASE_URL is not the address of a libSQL server') // the error repeats it, token included
  }
}

function createWorker() {
  // Once per isolate, which has one set of bindings for its whole life. A failure is not kept.
  let opened: Opened | undefined
  const otpostFor = (bindings: Bindings): Opened | null => {
    if (opened) return opened
    const result = open(bindings)
    if (result.ok) opened = result.value
    else edges.log.error('not_ready', { reason: result.error })
    return opened ?? null
  }

  return {
    fetch(request: Request, bindings: Bindings, lifetime: Lifetime): Response | Promise<Response> {
      const otpost = otpostFor(bindings)
      if (!otpost)
        return new Response('503 Service Unavailable\n', {
          status: 503,
          headers: { 'retry-after': '5', 'cache-control': 'no-store' },
        })
      // Set by the platform, whatever the client sent.
      const peer = request.headers.get('cf-connecting-ip') ?? ''
      const connection: Connection = { peer, secure: new URL(request.url).protocol === 'https:' }
      const response = Promise.resolve(otpost.app.fetch(request, connection))
      // A client that hangs up must not stop a message half-way, nor a read that other requests wait for.
      lifetime.waitUntil(response.catch(() => {}))
      return response
    },

    async scheduled(_controller: unknown, bindings: Bindings): Promise<void> {
      const otpost = otpostFor(bindings)
      // What fails here the platform logs, and counts the run as failed.
      if (otpost) otpost.log.info('housekeeping', await otpost.housekeeping())
    },
  }
}

export default createWorker()
