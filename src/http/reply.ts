/** Replies of routes: JSON with LinOTP's indent, its HTML error pages, and nothing that a cache may keep. */
import type { Context } from 'hono'
import type { ContentfulStatusCode, StatusCode } from 'hono/utils/http-status'
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Audit } from '../flows/audit.ts'
import { whoIs } from '../flows/self-user.ts'
import type { UserSelection } from '../flows/users.ts'
import {
  errorPage,
  failure,
  httpErrorStatus,
  JSON_TYPE,
  type Json,
  type JsonObject,
  success,
  toText,
} from './dialects/linotp/envelope.ts'
import { type LinotpError, NOT_AUTHENTICATED, toLinotpError } from './dialects/linotp/failures.ts'
import type { Env } from './env.ts'
import { type Params, param } from './params.ts'

type Ctx = Context<Env>

export function json(c: Ctx, body: JsonObject, status: ContentfulStatusCode = 200): Response {
  return c.body(toText(body), status, { 'content-type': JSON_TYPE, 'cache-control': 'no-store' })
}

export function page(c: Ctx, status: number, text = ''): Response {
  // These have no body (RFC 9110 §15.3.5, §15.3.6, §15.4.5), and Response refuses one.
  if ([204, 205, 304].includes(status))
    return c.newResponse(null, status as StatusCode, { 'cache-control': 'no-store' })
  // Any status from 200 to 599 may be asked for with `httperror`.
  return c.html(errorPage(status, text), status as ContentfulStatusCode, { 'cache-control': 'no-store' })
}

/** An error of administration: JSON under 200, or an HTML page where `httperror` asks for it. `only`: setting `errors`. */
export function refuse(c: Ctx, error: LinotpError, only = ''): Response {
  const status = httpErrorStatus(param(c.get('params') ?? new Map(), 'httperror'))
  const listed = only
    .split(',')
    .map((code) => code.trim())
    .filter(Boolean)
  if (status === null || (listed.length > 0 && !listed.includes(String(error.code)))) return json(c, failure(error))
  return page(c, status, `${error.code}: ${error.message}`)
}

/** Not logged in: always 401, as JSON or, with `httperror`, as a page. */
export function unauthorized(c: Ctx, error = NOT_AUTHENTICATED): Response {
  if (param(c.get('params') ?? new Map(), 'httperror') !== null) return page(c, 401, error.message)
  return json(c, failure(error), 401)
}

/** `id`: the member of that name, 1 unless told. */
export type Answer = { readonly value: Json; readonly detail?: JsonObject | null; readonly id?: number }

/** Turns what an admin flow returned into its reply; a refusal gets its audit row here, since nothing was committed. */
export type Respond = <T>(
  c: Ctx,
  result: Result<T, AdminFailure>,
  encode: (value: T) => Answer | Promise<Answer>,
) => Promise<Response>

/** Which user a request names, in the words of the audit. */
export type NamedUser = (selection: UserSelection) => Promise<{ readonly user: string; readonly realm: string }>

export function createRespond(audit: Audit, errorsSetting: () => Promise<string>, namedUser: NamedUser): Respond {
  return async (c, result, encode) => {
    if (result.ok) {
      const { value, detail, id = 1 } = await encode(result.value)
      return json(c, success(value, id, detail))
    }
    c.set('reason', result.error.code)
    const error = toLinotpError(result.error)
    const who = await whoWasMeant(c)
    await audit.write(c.get('facts'), { ...who, success: false, actionDetail: result.error.code, info: error.message })
    const refused = ['right_missing', 'right_elsewhere'].includes(result.error.code)
    if (refused && c.get('path').startsWith('/api/')) return json(c, failure(error), 403)
    return refuse(c, error, await errorsSetting())
  }

  /** `user` is a person under /admin only; in a policy it is a condition. In self-service it is who asks. */
  async function whoWasMeant(c: Ctx) {
    const self = c.get('self')
    if (self) return { ...whoIs(self), serial: param(c.get('params'), 'serial') ?? '' }
    const user = c.get('path').startsWith('/admin/') ? param(c.get('params'), 'user') : null
    return user ? namedUser({ user, realm: param(c.get('params'), 'realm') ?? undefined }) : {}
  }
}

/** The parameters, or the first one that is missing. */
export function required<N extends string>(
  params: Params,
  ...names: readonly N[]
): Result<Readonly<Record<N, string>>, AdminFailure> {
  const missing = names.find((name) => param(params, name) === null)
  if (missing !== undefined) return err({ code: 'parameter_missing', field: missing })
  // Every name has just been found.
  return ok(Object.fromEntries(names.map((name) => [name, param(params, name) ?? ''])) as Record<N, string>)
}
