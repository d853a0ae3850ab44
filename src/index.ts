/**
 * otpost as a library: the HTTP service as a Hono app, for a Worker or a server of your own.
 *
 * ```ts
 * const config = readConfig({ OTPOST_PUBLIC_URL: 'https://otp.example.org' })
 * const keys = readKeys(env.OTPOST_KEYS)
 * if (config.ok && keys.ok) {
 *   const { app } = compose(d1Batch(env.DB), keys.value, edges, config.value)
 *   return app.fetch(request, { peer, secure: true })
 * }
 * ```
 *
 * Migrate the database first: `otpost migrate`, or `wrangler d1 migrations apply` with the folder `migrations` of this
 * package. `compose` keeps caches, so call it once per process or isolate. What it is handed as second argument of
 * `fetch`, the `Connection`, must come from the platform and never from the wire.
 */
export { jsonLog } from './adapters/log/json.ts'
/** For `Edges.openSocket` on Cloudflare Workers; Node, Deno and Bun need none. */
export { openSocket as openWorkersSocket } from './adapters/sockets/workers.ts'
export { type D1Database, d1Batch } from './adapters/store/d1.ts'
export { fileBatch, libsqlBatch, prepareFile } from './adapters/store/libsql.ts'
export { type MasterKey, newKey, readKeys } from './adapters/vault/keys.ts'
export { compose, type Otpost } from './compose.ts'
export { type Config, readConfig, type Variables } from './config.ts'
export type { Result } from './core/result.ts'
export type { Connection, Env } from './http/env.ts'
export type { Capabilities, Clock, Edges, Log, LogFields, OpenSocket, Random, TemplatePlace } from './ports/edges.ts'
export type { Batch, Row, Statement, Store } from './ports/store.ts'
