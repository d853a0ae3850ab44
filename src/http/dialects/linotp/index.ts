/** LinOTP's dialect, which also carries the administration of otpost. */
import { ok } from '../../../core/result.ts'
import { defineDialect } from '../../dialect.ts'
import { json, page } from '../../reply.ts'
import { linotpRoutes, SEGMENTS } from '../../routes/linotp.ts'
import { refuseValidate } from '../../routes/validate.ts'
import { failure } from './envelope.ts'
import { INTERNAL } from './failures.ts'

export const linotp = defineDialect({
  name: 'linotp',
  segments: SEGMENTS,
  administers: true,
  configure: () =>
    ok({
      routes: linotpRoutes,
      notFound: (c) => page(c, 404),
      broken: (c) => (c.get('path').startsWith('/validate/') ? refuseValidate(c) : json(c, failure(INTERNAL), 500)),
    }),
})
