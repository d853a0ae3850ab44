/** Serving: the life of a server process, from the open database to the last answer. */
import { readConfig } from '../config.ts'
import type { Seconds } from '../core/time.ts'
import type { Housekeeping } from '../flows/housekeeping.ts'
import type { Log, Random } from '../ports/edges.ts'
import type { MetricsPage } from '../ports/metrics.ts'
import type { AdminClient } from './client.ts'
import { demoLines, makeDemoUser } from './demo-user.ts'
import { catcherExpected, type DevMail, realProvider, startDevMail } from './dev-mail.ts'
import { processEdges } from './edges.ts'
import { listenFailure } from './failure.ts'
import { openServer } from './open.ts'
import { note, warn } from './output.ts'
import { newPassword } from './password.ts'
import type { Address, Handler, Listening, Platform, TlsSource } from './platform.ts'
import { localClient } from './target.ts'
import { openTls } from './tls.ts'

export type ServeOptions = Address & {
  readonly data: string
  /** Catch mails, unless the operator has another default provider. */
  readonly devMail: boolean
  /** Make a demo user in an empty database; with `devMail` only. */
  readonly demo: boolean
  /** Where metrics are shown to whoever can reach it; null: only to administrators, at /metrics. */
  readonly metrics: Address | null
  /** Files; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null
}

export type Serving = {
  readonly url: string
  /** Where metrics are shown without a login; null: nowhere. */
  readonly metricsUrl: string | null
  readonly devMail: boolean
  /** The default provider because of which the catcher is off. */
  readonly provider: string | null
  /** Shell lines for the demo user; none without one. */
  readonly lines: readonly string[]
  /** Ends the server: no new connections; running requests have as long as a message may take, and never less than 10 seconds. */
  readonly close: () => Promise<void>
}

/** What a request may need beside its message, and the least that any has. */
const GRACE_BESIDE_MESSAGE_MS = 2000
const MIN_GRACE_MS = 10_000
const HOUSEKEEPING_MS = 3_600_000

/** @throws with one sentence for the operator; nothing is left open then */
export async function startServing(platform: Platform, options: ServeOptions): Promise<Serving> {
  const config = readConfig(process.env)
  if (!config.ok) throw new Error(config.error)
  // Loaded by servers alone: a command has nothing to count.
  const { prometheus } = await import('../adapters/metrics/prometheus.ts')
  const { metrics, page: metricsPage } = prometheus(platform.capabilities.runtime)
  const edges = { ...processEdges(platform, config.value.logLevel), metrics, metricsPage }
  const tls = options.tls === null ? undefined : await openTls(options.tls, edges.log)
  const { app, administration, housekeeping, close } = await openServer(config.value, edges, options.data, true)
  const grace = graceFor(config.value.sendDeadline)
  const open: Open = { devMail: null, listening: null, metrics: null, endHousekeeping: null, database: close }
  try {
    const client = localClient({ app, administration })
    const provider = options.devMail ? await realProvider(client) : null
    const devMail = options.devMail && provider === null ? await startDevMail(client, edges.clock) : null
    open.devMail = devMail
    const handler: Handler = devMail
      ? (request, connection) => devMail.answer(request) ?? app.fetch(request, connection)
      : (request, connection) => app.fetch(request, connection)
    // The address first: a second server that cannot have it must not have touched the provider of the first.
    const listening = await listen(platform, handler, options, tls)
    open.listening = listening
    if (options.metrics !== null) open.metrics = await listen(platform, metricsHandler(metricsPage), options.metrics)

    await firstAdmin(client, edges.random)
    if (devMail) await devMail.register()
    else if (provider === null && (await catcherExpected(client)))
      warn(
        'the default provider is a mail catcher that is not running: `otpost provider set NAME --default` makes another',
      )
    if (devMail && options.demo) await makeDemoUser(client)
    open.endHousekeeping = keepHouse(housekeeping, edges.log)
    const url = urlOf(listening, tls !== undefined)
    const lines = devMail ? await demoLines(client, `${url}${administration}`) : []
    const metricsUrl = open.metrics && `${urlOf(open.metrics, false)}/metrics`
    return { url, metricsUrl, devMail: devMail !== null, provider, lines, close: () => closeAll(open, grace) }
  } catch (error) {
    await closeAll(open, grace)
    throw error
  }
}

async function listen(
  platform: Platform,
  handler: Handler,
  { host, port }: Address,
  tls?: TlsSource,
): Promise<Listening> {
  try {
    return await platform.listen(handler, { host, port }, tls)
  } catch (error) {
    throw listenFailure(error, { host, port })
  }
}

/** A listener of its own for Prometheus, which needs no login there. */
const metricsHandler =
  (page: MetricsPage): Handler =>
  async (request) => {
    if (new URL(request.url).pathname !== '/metrics') return new Response('404 Not Found\n', { status: 404 })
    const { type, text } = await page()
    return new Response(text, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
  }

/** IPv6 addresses stand in brackets (RFC 3986 §3.2.2). */
const urlOf = ({ host, port }: Address, secure: boolean): string =>
  `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`

/** Somebody must be able to log in. With OTPOST_ADMIN_PASSWORD the app has seen to it with its first request. */
async function firstAdmin(client: AdminClient, random: Random): Promise<void> {
  if ((await client.admins()).length > 0) return
  const password = newPassword(random)
  await client.addAdmin('admin', password)
  note(`Administrator admin, password ${password}   (not shown again)`)
}

/** Begins at once, but nobody waits for it: an audit that was never sealed takes a while. @returns how to end it */
function keepHouse(housekeeping: Housekeeping, log: Log): () => Promise<void> {
  const keep = () =>
    housekeeping().then(
      () => undefined,
      (error: unknown) => log.error('housekeeping_failed', { error: String(error) }),
    )
  let running = keep()
  const timer = setInterval(() => {
    running = running.then(keep)
  }, HOUSEKEEPING_MS).unref()
  return () => {
    clearInterval(timer)
    return running
  }
}

type Open = {
  devMail: DevMail | null
  listening: Listening | null
  metrics: Listening | null
  endHousekeeping: (() => Promise<void>) | null
  database: () => Promise<void>
}

/** A message that is under way is neither lost nor left without its note. */
export const graceFor = (sendDeadline: Seconds): number =>
  Math.max(MIN_GRACE_MS, sendDeadline * 1000 + GRACE_BESIDE_MESSAGE_MS)

/** @param grace milliseconds for each of what is running */
async function closeAll(
  { devMail, listening, metrics, endHousekeeping, database }: Open,
  grace: number,
): Promise<void> {
  if (listening) await atMost(grace, listening.close())
  if (metrics) await atMost(grace, metrics.close())
  if (endHousekeeping) await atMost(grace, endHousekeeping())
  if (devMail) await devMail.close()
  await database()
}

function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    work
      .catch(() => undefined)
      .finally(() => {
        clearTimeout(timer)
        resolve()
      })
  })
}
