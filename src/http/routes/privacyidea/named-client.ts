/** Named client: a RADIUS server may say for whom it asks, with `client`; others may not (contract A.1). */
import type { MiddlewareHandler } from 'hono'
import ipaddr from 'ipaddr.js'
import type { Options } from '../../dialects/privacyidea/options.ts'
import type { Env } from '../../env.ts'
import { canonical, isTrusted } from '../../middleware/facts.ts'
import { param } from '../../params.ts'

export function namedClient({ mayNameClient }: Pick<Options, 'mayNameClient'>): MiddlewareHandler<Env> {
  return async (c, next) => {
    const named = param(c.get('params'), 'client') ?? ''
    const facts = c.get('facts')
    if (ipaddr.isValid(named) && isTrusted(facts.client, mayNameClient))
      c.set('facts', { ...facts, client: canonical(named) })
    await next()
  }
}
