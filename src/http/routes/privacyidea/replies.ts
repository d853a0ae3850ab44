/** Replies of privacyIDEA's dialect: nonce and signature, and nothing that a cache may keep. */
import type { Context } from 'hono'
import type { AdminFailure } from '../../../core/failures.ts'
import type { Result } from '../../../core/result.ts'
import type { Audit } from '../../../flows/audit.ts'
import { type Answer, failure, type PiError, success, threadIdOf } from '../../dialects/privacyidea/envelope.ts'
import { toPiError } from '../../dialects/privacyidea/failures.ts'
import type { SignReply } from '../../dialects/privacyidea/signature.ts'
import { userOf } from '../../dialects/privacyidea/users.ts'
import type { Env } from '../../env.ts'
import type { JsonObject } from '../../json.ts'
import { param } from '../../params.ts'
import type { NamedUser } from '../../reply.ts'

type Ctx = Context<Env>

export type Replies = {
  readonly answer: (c: Ctx, answer: Answer) => Promise<Response>
  readonly refuse: (c: Ctx, error: PiError) => Promise<Response>
}

export function createReplies(signer: () => Promise<SignReply | null>): Replies {
  async function reply(c: Ctx, envelope: JsonObject, status: PiError['status'] | 200): Promise<Response> {
    // `params` are not there yet where the request could not be read.
    const nonce = param(c.get('params') ?? new Map(), 'nonce')
    const body = { ...envelope, time: c.get('facts').now, ...(nonce === null ? {} : { nonce }) }
    const sign = await signer()
    const signed = sign ? { ...body, signature: await sign(body) } : body
    return c.body(JSON.stringify(signed), status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  }
  return {
    answer: (c, answer) => reply(c, success(answer, threadIdOf(c.get('facts').requestId)), 200),
    refuse: (c, error) => reply(c, failure(error), error.status),
  }
}

/** For who looks at the status alone. */
export const emptyReply = (c: Ctx, status: 204 | 400 | 401 | 403): Response =>
  c.body(null, status, { 'cache-control': 'no-store' })

/** `id`: 1 unless told. */
type Encoded = Omit<Answer, 'id'> & Partial<Pick<Answer, 'id'>>

/** Turns what an admin flow returned into its reply; a refusal gets its audit row here, since nothing was committed. */
export type Respond = <T>(
  c: Ctx,
  result: Result<T, AdminFailure>,
  encode: (value: T) => Encoded | PiError,
) => Promise<Response>

export function createRespond({ answer, refuse }: Replies, audit: Audit, namedUser: NamedUser): Respond {
  return async (c, result, encode) => {
    if (!result.ok) {
      c.set('reason', result.error.code)
      const error = toPiError(result.error)
      const user = userOf(c.get('params'))
      const who = user ? await namedUser(user) : {}
      await audit.write(c.get('facts'), {
        ...who,
        success: false,
        actionDetail: result.error.code,
        info: error.message,
      })
      return refuse(c, error)
    }
    const encoded = encode(result.value)
    return 'code' in encoded ? refuse(c, encoded) : answer(c, { id: 1, ...encoded })
  }
}
