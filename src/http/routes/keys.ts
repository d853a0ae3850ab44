/** /otpost/keys: master keys, for the command line. A rotation is asked for slice by slice. */
import { Hono } from 'hono'
import type { AdminFailure } from '../../core/failures.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { isSealedKind, type KeyAdmin, type RotationPoint } from '../../flows/keys.ts'
import type { Env } from '../env.ts'
import { type Params, param } from '../params.ts'
import type { Respond } from '../reply.ts'

export function keyRoutes({ keys }: { readonly keys: KeyAdmin }, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.get('/', async (c) => respond(c, ok(await keys.list(c.get('facts'))), (value) => ({ value })))
  routes.post('/rotate', async (c) => {
    const from = rotationPoint(c.get('params'))
    const slice = from.ok ? ok(await keys.rotate(from.value, c.get('facts'))) : from
    return respond(c, slice, (value) => ({ value }))
  })
  routes.post('/finish', async (c) => respond(c, ok(await keys.finish(c.get('facts'))), (value) => ({ value })))

  return routes
}

/** `kind` and `after` of the slice before; without `kind` it begins at the beginning. */
function rotationPoint(params: Params): Result<RotationPoint | null, AdminFailure> {
  const kind = param(params, 'kind')
  if (kind === null) return ok(null)
  if (!isSealedKind(kind)) return err({ code: 'parameter_invalid', field: 'kind', rule: 'must be that of an answer' })
  return ok({ kind, after: param(params, 'after') ?? '' })
}
