/**
 * A libSQL server for tests: Hrana over HTTP, version 2, in front of the embedded @libsql/client, on loopback.
 *
 * Source: https://github.com/tursodatabase/libsql/blob/main/docs/HTTP_V2_SPEC.md and HRANA_3_SPEC.md (shared structures).
 * What differs from a real server: all streams share one connection (PRAGMA and TEMP leak between them), reads wait
 * for writers, a transaction can be opened by BEGIN as a statement of its own only (not by SAVEPOINT, nor left open by
 * a sequence), `describe` names columns of queries only, errors carry SQLite's codes only.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { type Client, createClient } from '@libsql/client'
import { answer, failure, openTransaction, type Pipeline, type Stream, toFailure } from './hrana-statements.ts'
import { SCRATCH } from './scratch.ts'

export type HranaServer = { readonly url: string; readonly token: string; readonly close: () => Promise<void> }
export type HranaOptions = {
  /** Path of the database; without it a temporary one that `close` removes. */
  readonly file?: string
  /** Bearer token that is asked for; a random one unless told. */
  readonly token?: string
  /** Milliseconds after which a stream without a request is closed and its transaction rolled back; 5000 unless told. */
  readonly streamTimeoutMs?: number
}

export async function startHranaServer(options: HranaOptions = {}): Promise<HranaServer> {
  const token = options.token ?? randomBytes(16).toString('hex')
  const folder = options.file === undefined ? await mkdtemp(join(SCRATCH, 'otpost-hrana-')) : undefined
  const url = `file:${options.file ?? join(folder ?? '', 'server.db')}`
  const client = createClient({ url, concurrency: 1, timeout: 5000, intMode: 'bigint' })
  await client.execute('PRAGMA journal_mode = WAL')
  const streams = createStreams(client, options.streamTimeoutMs ?? 5000)

  const server = createServer(async (request, response) => {
    const { status, body } = await reply(request, token, streams.run)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()

  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : ''}`,
    token,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      streams.close()
      client.close()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function reply(request: IncomingMessage, token: string, run: (pipeline: Pipeline) => Promise<unknown>) {
  const route = `${request.method} ${request.url}`
  if (route === 'GET /v2') return { status: 200, body: { version: 2 } }
  // Also `/v3-protobuf`, which makes the client fall back to version 2.
  if (route !== 'POST /v2/pipeline') return { status: 404, body: { error: 'not found' } }
  // Without `message`, so that the client sees the status; a real server answers like this.
  if (request.headers.authorization !== `Bearer ${token}`) return { status: 401, body: { error: 'Unauthorized' } }
  try {
    // Not checked: the clients are ours, and what is malformed ends below.
    const pipeline: Pipeline = JSON.parse(Buffer.concat(await request.toArray()).toString())
    return { status: 200, body: await run(pipeline) }
  } catch (error) {
    return { status: 400, body: toFailure(error) }
  }
}

/** The streams, and the lock that lets one pipeline or one transaction at a time have the connection. */
function createStreams(client: Client, timeoutMs: number) {
  const parked = new Map<string, Stream>()
  const lock = createLock()

  function take(baton: string): Stream {
    const stream = parked.get(baton)
    if (stream === undefined) throw failure('STREAM_EXPIRED', 'The stream has expired due to inactivity')
    parked.delete(baton)
    clearTimeout(stream.expiry)
    return stream
  }

  function park(stream: Stream): string {
    const baton = randomBytes(16).toString('hex')
    stream.expiry = setTimeout(() => end(take(baton)), timeoutMs)
    parked.set(baton, stream)
    return baton
  }

  function end(stream: Stream): void {
    stream.transaction?.close()
    stream.transaction = undefined
    releaseUnlessOpen(stream)
  }

  async function run({ baton, requests }: Pipeline) {
    const stream: Stream = baton ? take(baton) : { texts: new Map() }
    stream.release ??= await lock()
    let closed = false
    const results: unknown[] = []
    try {
      for (const request of requests) {
        closed ||= request.type === 'close'
        const answered = answer(client, stream, request)
        results.push(await answered.then((response) => ({ type: 'ok', response }), toErrorResult))
      }
    } catch (error) {
      // Malformed: nobody gets a baton, so nobody could end the transaction.
      end(stream)
      throw error
    }
    if (closed) end(stream)
    else releaseUnlessOpen(stream)
    return { baton: closed ? null : park(stream), base_url: null, results }
  }

  return { run, close: () => [...parked.keys()].forEach((baton) => void end(take(baton))) }
}

function releaseUnlessOpen(stream: Stream): void {
  if (openTransaction(stream) !== undefined) return
  stream.release?.()
  stream.release = undefined
}

/** First come, first served. */
function createLock() {
  let last: Promise<void> = Promise.resolve()
  return async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const turn = last
    last = promise
    await turn
    return resolve
  }
}

const toErrorResult = (error: unknown) => ({ type: 'error', error: toFailure(error) })
