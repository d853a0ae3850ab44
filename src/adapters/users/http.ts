/**
 * httpresolver: users behind a JSON service over HTTP, described by its configuration. A class of otpost's own.
 *
 * `USER_URL` and `ID_URL` are templates with `{login}` and `{userid}`, `LIST_URL` may have the names of attributes (a
 * pattern with `*`) and `{limit}`; what is filled in is percent-encoded. The reply is a user, or a list of users, at
 * `USERS_PATH`; `MAP` says at which path each attribute stands. 404 means nobody. With `CHECK_URL` passwords are checked
 * by a POST of `CHECK_BODY`. No redirect is followed: headers with secrets are for the URLs of the configuration.
 */
import * as v from 'valibot'
import { headerText } from '../../core/fields.ts'
import { basicCredentials, httpHeaders, secureUrl, texts } from '../../core/http-fields.ts'
import { readPattern } from '../../core/pattern.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import { exchange, type HttpReply, type HttpRequest } from '../../ports/http-exchange.ts'
import type { ConfigProblem, RawConfig, ReadConfig } from '../../ports/provider.ts'
import { type Directory, type DirectoryUser, defineResolver, type FromDirectory } from '../../ports/users.ts'
import { at, fillBody, fillUrl, placeholdersIn, textAt } from './json.ts'

/** Forms have JSON as text. */
const parsed = v.transform((value: unknown): unknown => {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value // the next schema says what it should be
  }
})
const jsonTexts = v.pipe(v.unknown(), parsed, texts)
const path = v.pipe(
  v.string('must be names with dots between'),
  v.regex(/^[^\s.]+(?:\.[^\s.]+)*$/, 'must be names with dots between'),
)
const STATUSES = 'must be HTTP statuses with commas between'
const statuses = v.pipe(
  v.string(STATUSES),
  v.regex(/^\s*[1-5]\d\d(?:\s*,\s*[1-5]\d\d)*\s*$/, STATUSES),
  v.transform((text) => text.split(',').map(Number)),
)
const SECONDS = 'must be a whole number of seconds from 1 to 60'

const Config = v.object({
  USER_URL: secureUrl,
  ID_URL: secureUrl,
  LIST_URL: v.optional(secureUrl),
  HEADERS: v.optional(v.pipe(v.unknown(), parsed, httpHeaders), {}),
  USERNAME: v.optional(headerText),
  PASSWORD: v.optional(headerText),
  USERS_PATH: v.optional(path),
  MAP: v.pipe(jsonTexts, v.record(v.string(), path)),
  CHECK_URL: v.optional(secureUrl),
  CHECK_BODY: v.optional(jsonTexts, { username: '{login}', password: '{password}' }),
  CHECK_FORMAT: v.optional(v.picklist(['json', 'form'], 'must be json or form'), 'json'),
  CHECK_STATUS: v.optional(statuses, '200,204'),
  CHECK_PATH: v.optional(path),
  CHECK_VALUE: v.optional(v.string(), 'true'),
  TIMEOUT: v.optional(
    v.pipe(v.string(SECONDS), v.regex(/^\s*(?:[1-9]|[1-5]\d|60)\s*$/, SECONDS), v.transform(Number)),
    '5',
  ),
})
type HttpConfig = v.InferOutput<typeof Config>

/** What each template may hold. */
const PLACEHOLDERS: readonly (readonly [keyof HttpConfig, readonly string[] | null, string | null])[] = [
  ['USER_URL', ['login'], 'login'],
  ['ID_URL', ['userid'], 'userid'],
  ['LIST_URL', null, null],
  ['CHECK_URL', ['login', 'userid'], null],
]

/** A list may be longer than the reply to one question. */
const MAX_LIST = 4 * 1024 * 1024

export const resolver = defineResolver<HttpConfig>({
  name: 'httpresolver',
  secretKeys: ['PASSWORD'],
  boundKeys: ['USER_URL', 'ID_URL', 'LIST_URL', 'CHECK_URL', 'USERNAME'],
  sample: {
    USER_URL: 'https://people.example.org/api/users?login={login}',
    ID_URL: 'https://people.example.org/api/users/{userid}',
    LIST_URL: 'https://people.example.org/api/users?login={username}&limit={limit}',
    HEADERS: '{"Authorization": "Bearer change-me"}',
    USERS_PATH: 'users',
    MAP: '{"userid": "id", "username": "login", "email": "mail", "mobile": "phones.mobile"}',
    CHECK_URL: 'https://people.example.org/api/check',
  },
  read: async (raw) => readConfig(raw),
  create: (config, edges) => createDirectory(config, edges),
})

function readConfig(raw: RawConfig): Result<ReadConfig<HttpConfig>, ConfigProblem> {
  const given = Object.entries(raw).filter(([, value]) => value !== '' && value !== null && value !== undefined)
  const entries = given.map(([key, value]) => [key, typeof value === 'number' ? String(value) : value])
  const read = v.safeParse(Config, Object.fromEntries(entries))
  if (!read.success) {
    const [issue] = read.issues
    const missing = issue.received === 'undefined' && issue.path?.length === 1
    return err({ key: v.getDotPath(issue) ?? 'config', rule: missing ? 'is required' : issue.message })
  }
  const problem = contradiction(read.output)
  if (problem) return err(problem)
  return ok({ config: read.output, warnings: given.map(([key]) => key).filter((key) => !(key in Config.entries)) })
}

function contradiction(config: HttpConfig): ConfigProblem | undefined {
  for (const name of ['userid', 'username'])
    if (config.MAP[name] === undefined) return { key: `MAP.${name}`, rule: 'is required' }
  for (const [key, allowed, needed] of PLACEHOLDERS) {
    const url = config[key]
    if (typeof url !== 'string') continue
    const found = placeholdersIn(url)
    if (/[{}]/.test(url.split(/(?<=\w|\])[/?]/)[0] ?? '')) return { key, rule: 'must name its host without {…}' }
    if (needed !== null && !found.includes(needed)) return { key, rule: `must hold {${needed}}` }
    const strange = found.find((name) => (allowed ?? [...Object.keys(config.MAP), 'limit']).includes(name) === false)
    if (strange !== undefined) return { key, rule: `must not hold {${strange}}, which nothing fills in` }
  }
  if (config.CHECK_URL !== undefined && !Object.values(config.CHECK_BODY).some((text) => text.includes('{password}')))
    return { key: 'CHECK_BODY', rule: 'must hold {password}' }
  return undefined
}

function createDirectory(config: HttpConfig, edges: Edges): Directory {
  return {
    findByLogin: async (login, signal) => {
      if (login === '') return ok([])
      const found = await usersAt(config.USER_URL, { login }, signal)
      // What the service takes for alike (a prefix, an alias) is not the login that was asked for.
      return found.ok ? ok(found.value.filter((user) => fold(user.login) === fold(login))) : found
    },

    findById: async (userid, signal) => {
      if (userid === '') return ok(null)
      const found = await usersAt(config.ID_URL, { userid }, signal)
      return found.ok ? ok(found.value.find((user) => user.userId === userid) ?? null) : found
    },

    list: async (filter, limit, signal) => {
      if (config.LIST_URL === undefined) return failed('LIST_URL is not configured')
      const empty = Object.fromEntries(placeholdersIn(config.LIST_URL).map((name) => [name, '']))
      const found = await usersAt(config.LIST_URL, { ...empty, ...filter, limit: String(limit) }, signal, MAX_LIST)
      if (!found.ok) return found
      // The service may have made nothing, or something else, of the filter.
      const patterns = Object.entries(filter).map(
        ([name, written]) => [name, readPattern(written, { any: '*', one: null })] as const,
      )
      const matching = found.value.filter((user) =>
        patterns.every(([name, pattern]) => pattern.matches(user.attributes[name] ?? '')),
      )
      return ok(matching.slice(0, limit))
    },

    passwordMatches: async (user, password, signal) => {
      if (config.CHECK_URL === undefined || password === '') return ok(false)
      const values = { login: user?.login ?? '(nobody)', userid: user?.userId ?? '(nobody)', password }
      const url = fillUrl(config.CHECK_URL, values)
      if (url === null) return ok(false)
      const body = fillBody(config.CHECK_BODY, values)
      const isJson = config.CHECK_FORMAT === 'json'
      const reply = await ask(
        { url, method: 'POST', body: isJson ? JSON.stringify(body) : new URLSearchParams(body) },
        signal,
        isJson ? { 'content-type': 'application/json' } : {},
      )
      if (!reply.ok) return reply
      const answer = verdict(reply.value, config)
      return answer.ok ? ok(answer.value && user !== null) : answer
    },

    close: async () => {}, // each request has its own connection
  }

  async function usersAt(
    template: string,
    values: Readonly<Record<string, string>>,
    signal: AbortSignal,
    maxReply?: number,
  ): FromDirectory<readonly DirectoryUser[]> {
    const url = fillUrl(template, values)
    if (url === null) return ok([])
    const reply = await ask({ url, method: 'GET', ...(maxReply === undefined ? {} : { maxReply }) }, signal)
    if (!reply.ok) return reply
    const { status, body } = reply.value
    if (status === 404 || status === 204) return ok([])
    if (status !== 200) return failed(`http_${status}`)
    return readUsers(body, config)
  }

  async function ask(
    request: Omit<HttpRequest, 'headers' | 'timeout'>,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): FromDirectory<HttpReply> {
    const headers = new Headers({ accept: 'application/json', ...more })
    for (const [name, value] of Object.entries(config.HEADERS)) headers.set(name, value)
    if (config.USERNAME !== undefined || config.PASSWORD !== undefined)
      headers.set('authorization', basicCredentials(config.USERNAME ?? '', config.PASSWORD ?? ''))
    const reply = await exchange(edges, { ...request, headers, timeout: config.TIMEOUT }, signal)
    return reply.ok ? ok(reply.value) : failed(reply.error)
  }
}

const failed = (reason: string) => err({ code: 'directory_unavailable', reason } as const)
const fold = (text: string): string => text.toLowerCase()

function readUsers(body: string, config: HttpConfig): Awaited<FromDirectory<readonly DirectoryUser[]>> {
  let reply: unknown
  try {
    reply = JSON.parse(body)
  } catch {
    return failed('reply_unreadable') // no JSON, or more than is read of a reply
  }
  const found = config.USERS_PATH === undefined ? reply : at(reply, config.USERS_PATH)
  if (found === undefined || found === null) return ok([])
  const records = Array.isArray(found) ? found : [found]
  const users = records.map((record) => readUser(record, config.MAP))
  const whole = users.filter((user) => user !== null)
  // A user without the mapped id is a wrong MAP, not nobody.
  return whole.length === users.length ? ok(whole) : failed('MAP finds no userid or no username in the reply')
}

function readUser(record: unknown, map: HttpConfig['MAP']): DirectoryUser | null {
  const attributes = Object.fromEntries(Object.entries(map).map(([name, where]) => [name, textAt(record, where)]))
  const { userid = '', username = '' } = attributes
  return userid === '' || username === '' ? null : { userId: userid, login: username, attributes }
}

/** A status that is no success is a "no" when it says so of the request, and a failure when it is the server's own. */
function verdict({ status, body }: HttpReply, config: HttpConfig): Awaited<FromDirectory<boolean>> {
  if (!config.CHECK_STATUS.includes(status))
    return [400, 401, 403, 404, 422].includes(status) ? ok(false) : failed(`http_${status}`)
  if (config.CHECK_PATH === undefined) return ok(true)
  try {
    return ok(textAt(JSON.parse(body), config.CHECK_PATH) === config.CHECK_VALUE)
  } catch {
    return failed('reply_unreadable')
  }
}
