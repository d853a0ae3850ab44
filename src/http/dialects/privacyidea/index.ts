/** privacyIDEA's dialect: what its clients, and its plugins of other products, ask for (docs/privacyidea.md). */
import { ok } from '../../../core/result.ts'
import { defineDialect } from '../../dialect.ts'
import { privacyideaRoutes, SEGMENTS } from '../../routes/privacyidea/index.ts'
import { createReplies } from '../../routes/privacyidea/replies.ts'
import { INTERNAL, NO_SUCH_PAGE } from './failures.ts'
import { readOptions } from './options.ts'
import { createSignReply, type SignReply } from './signature.ts'

export const privacyidea = defineDialect({
  name: 'privacyidea',
  segments: SEGMENTS,
  administers: false,
  configure: (variables) => {
    const read = readOptions(variables)
    if (!read.ok) return read
    const options = read.value
    let sign: SignReply | null = null
    // The function is kept and not its promise: on Workers no request may wait for what another one has begun.
    const signer = async (): Promise<SignReply | null> => {
      if (options.signingKey !== null) sign ??= await createSignReply(options.signingKey)
      return sign
    }
    const replies = createReplies(signer)
    return ok({
      routes: (parts) => privacyideaRoutes(parts, options, replies),
      notFound: (c) => replies.refuse(c, NO_SUCH_PAGE),
      broken: (c) => replies.refuse(c, INTERNAL),
      problem: () =>
        signer().then(
          () => null,
          () => 'OTPOST_PI_SIGNING_KEY is no RSA key that this runtime can read',
        ),
    })
  },
})
