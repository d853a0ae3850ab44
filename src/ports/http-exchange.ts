/**
 * One HTTP request of a provider, through `Edges.fetch`: bounded in time and in what is read of the reply. Whatever
 * goes wrong on the way is a reason, never an exception; the text of an error may name the URL with its secrets, so
 * only its kind is told.
 */
import { err, ok, type Result } from '../core/result.ts'
import type { Seconds } from '../core/time.ts'
import version from '../version.ts'
import type { Edges } from './edges.ts'

export type HttpRequest = {
  readonly url: string | URL
  readonly method: string
  readonly headers: Headers | Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams | FormData
  /** For the whole exchange; rounded up to whole seconds. */
  readonly timeout: Seconds
  /** More of the reply is not looked at, in characters; `MAX_REPLY` unless told. */
  readonly maxReply?: number
}

/** `body` is at most `maxReply` characters, and a little more, of the reply. */
export type HttpReply = { readonly status: number; readonly headers: Headers; readonly body: string }

const MAX_REPLY = 64 * 1024

/** @returns the reply, whatever its status; else `deadline`, `timeout` or a word for what happened to the connection */
export async function exchange(
  edges: Edges,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<Result<HttpReply, string>> {
  if (signal.aborted) return err('deadline')
  const stop = AbortSignal.any([signal, edges.deadline(Math.ceil(request.timeout))])
  const { promise: stopped, resolve } = Promise.withResolvers<Result<HttpReply, string>>()
  const onAbort = () => resolve(err(signal.aborted ? 'deadline' : 'timeout'))
  stop.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([stopped, attempt(edges, request, stop)])
  } finally {
    stop.removeEventListener('abort', onAbort)
  }
}

/** Never rejects; what it says after `signal` has aborted no longer counts. */
async function attempt(edges: Edges, request: HttpRequest, signal: AbortSignal): Promise<Result<HttpReply, string>> {
  try {
    const headers = new Headers(request.headers)
    // Workers sends none of its own, and there are APIs that want one.
    if (!headers.has('user-agent')) headers.set('user-agent', `otpost/${version}`)
    const response = await edges.fetch(request.url, {
      method: request.method,
      headers,
      signal,
      // A POST would become a GET that says 200 and sends nothing, or go to whomever the reply names.
      redirect: 'manual',
      ...(request.body === undefined ? {} : { body: request.body }),
    })
    return ok({
      status: response.status,
      headers: response.headers,
      body: await readSome(response, request.maxReply ?? MAX_REPLY),
    })
  } catch (error) {
    return err(reasonOf(error))
  }
}

async function readSome(response: Response, most: number): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let body = ''
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    body += decoder.decode(read.value, { stream: true })
    if (body.length > most) {
      await reader?.cancel()
      break
    }
  }
  return body
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection_refused',
  ConnectionRefused: 'connection_refused', // Bun
  ENOTFOUND: 'name_unknown',
  EAI_AGAIN: 'name_unknown',
  ECONNRESET: 'connection_closed',
  EPIPE: 'connection_closed',
  UND_ERR_SOCKET: 'connection_closed',
}

/** Node puts the code into `cause`, Bun on the error itself, Deno and Workers nowhere. */
function reasonOf(error: unknown): string {
  const code = codeOf(error) ?? codeOf(error instanceof Error ? error.cause : undefined) ?? ''
  if (/CERT|TLS|SSL|SIGNATURE/.test(code)) return 'tls_failed'
  return Object.hasOwn(REASONS, code) ? (REASONS[code] ?? '') : 'connection_failed'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
