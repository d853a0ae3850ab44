/**
 * /validate: the API that RADIUS, PAM and web clients call. Public, so it says as little as it can.
 *
 * A route takes the parsed parameters, decodes, runs one flow, encodes. It decides nothing.
 */
import { Hono } from 'hono'
import type { Check } from '../../flows/check.ts'
import { decodeCheck, encodeCheck, refusal } from '../dialects/linotp/validate.ts'
import type { Env } from '../env.ts'
import { params } from '../middleware/params.ts'
import { json, page } from '../reply.ts'

export const MAX_VALIDATE_BYTES = 64 * 1024

export function validateRoutes(flows: { readonly check: Check }): Hono<Env> {
  const routes = new Hono<Env>()
  // Never an error: a body that cannot be read is a "no".
  routes.use(params(MAX_VALIDATE_BYTES, (c) => json(c, refusal())))

  // Old RADIUS and PAM clients still send GET.
  routes.on(['GET', 'POST'], '/check', async (c) => {
    const outcome = await flows.check(decodeCheck(c.get('params')), c.get('facts'))
    return json(c, encodeCheck(outcome))
  })
  routes.all('/check', (c) => page(c, 405))

  return routes
}
