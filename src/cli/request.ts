/**
 * Requests of the admin client: LinOTP's envelope (contract 1.1) over something like `fetch`. What went wrong becomes an
 * error whose text says what to do next.
 */
import * as v from 'valibot'

/** Sends one request; a server in this process or one behind the network. */
export type Send = (request: Request) => Promise<Response>

export type Server = {
  readonly send: Send
  /** Base address; paths of the API are appended. */
  readonly base: string
  /** API token of an administrator; null where no login is needed, or `send` has seen to it. */
  readonly token: string | null
  readonly warn: (text: string) => void
}

export type Fields = Readonly<Record<string, string | undefined>>
export type Answer = { readonly value: unknown; readonly detail: unknown }

/** Both throw an Error for the operator: the server's own message, or why there was none. */
export type Call = {
  (method: 'GET' | 'POST' | 'DELETE', path: string, fields?: Fields): Promise<Answer>
  /** POST of a JSON object. */
  readonly json: (path: string, body: object) => Promise<Answer>
  /** JSON Lines, one value after the other as they come. */
  readonly lines: (path: string, fields?: Fields, method?: 'GET' | 'POST') => AsyncGenerator<unknown>
}

const Envelope = v.object({
  result: v.variant('status', [
    v.object({ status: v.literal(true), value: v.unknown() }),
    v.object({ status: v.literal(false), error: v.object({ code: v.number(), message: v.string() }) }),
  ]),
  detail: v.optional(v.unknown()),
})

const NOT_ALLOWED = 410

/** What to do about errors that have a number of their own (contract 1.2). */
const NEXT: Readonly<Record<number, string>> = {
  1102: 'see `otpost token list`',
  1112: 'see `otpost user list`; --realm names another realm than the default one',
  1610: 'leave out --type for an e-mail token',
}

export function createCall(server: Server): Call {
  const call = async (method: string, path: string, fields: Fields = {}): Promise<Answer> =>
    answerOf(server, path, await ask(server, method, path, fields))
  const json = async (path: string, body: object): Promise<Answer> =>
    answerOf(server, path, await ask(server, 'POST', path, {}, body))
  return Object.assign(call, { json, lines })

  async function* lines(path: string, fields: Fields = {}, method: 'GET' | 'POST' = 'GET'): AsyncGenerator<unknown> {
    const response = await ask(server, method, path, fields)
    // What is refused comes in the envelope.
    if (!response.body || !response.headers.get('content-type')?.includes('ndjson')) {
      await answerOf(server, path, response)
      return
    }
    let rest = ''
    try {
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        const parts = (rest + text).split('\n')
        rest = parts.pop() ?? ''
        for (const part of parts) yield JSON.parse(part)
      }
    } catch (cause) {
      throw new Error(`${server.base} broke off its answer: its log says why`, { cause })
    }
    if (rest !== '') throw new Error(`${server.base} broke off its answer: its log says why`)
  }
}

async function ask(
  server: Server,
  method: string,
  path: string,
  fields: Fields,
  json: object | null = null,
): Promise<Response> {
  const { base, token } = server
  const given = new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const query = method === 'POST' || given.size === 0 ? '' : `?${given}`
  const request = new Request(`${base.replace(/\/+$/, '')}${path}${query}`, {
    method,
    ...(method === 'POST' ? { body: json ? JSON.stringify(json) : given } : {}),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(json ? { 'content-type': 'application/json' } : {}),
    },
    // The token is for this server, not for one that it names.
    redirect: 'manual',
  })
  return server.send(request)
}

async function answerOf({ base, warn }: Server, path: string, response: Response): Promise<Answer> {
  const body: unknown = await response.json().catch(() => null)
  const read = v.safeParse(Envelope, body)
  if (response.status === 401)
    throw new Error(`${base} does not accept this token: \`otpost admin token add NAME\` on the server makes one`)
  if (response.status === 503)
    throw new Error(
      `${base} is not ready: the log says why, mostly keys that are missing or wrong, or a database that wants \`otpost migrate\``,
    )
  if (!read.success)
    throw new Error(`${base} did not answer ${path} as otpost does (status ${response.status}): is the URL right?`)
  const warning = response.headers.get('otpost-warning')
  if (warning !== null) warn(decodeURI(warning))
  const { result, detail } = read.output
  if (result.status) return { value: result.value, detail }
  const next = NEXT[result.error.code]
  const message = `${result.error.message}${next === undefined ? '' : `; ${next}`}`
  throw Object.assign(new Error(message), { code: result.error.code })
}

/** The server refused a call for want of a right. */
export const isNotAllowed = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === NOT_ALLOWED

/** Sends to a server behind the network. */
export const network =
  (base: string): Send =>
  (request) =>
    fetch(request).catch((cause: unknown) => {
      throw new Error(`cannot reach ${base}: is otpost running there?`, { cause })
    })
