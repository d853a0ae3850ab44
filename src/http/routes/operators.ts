/** /otpost: what LinOTP's API has no word for, for the command line: administrators and their API tokens, who rests. */
import { Hono } from 'hono'
import { ok } from '../../core/result.ts'
import type { Admins } from '../../flows/admins.ts'
import type { PolicyAdmin } from '../../flows/policy-admin.ts'
import type { ProviderAdmin } from '../../flows/provider-admin.ts'
import type { Restored } from '../../flows/restored.ts'
import type { ListedApiToken } from '../../ports/admins.ts'
import type { Json } from '../dialects/linotp/envelope.ts'
import type { Env } from '../env.ts'
import { param } from '../params.ts'
import { type Respond, required } from '../reply.ts'

export type OperatorFlows = {
  readonly admins: Admins
  readonly policies: PolicyAdmin
  readonly restored: Restored
  readonly providers: ProviderAdmin
}

export function operatorRoutes({ admins, policies, restored, providers }: OperatorFlows, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.get('/admins', async (c) => respond(c, ok(await admins.list()), (found) => ({ value: found })))
  routes.post('/admins', async (c) => {
    const [username, password] = [param(c.get('params'), 'username') ?? '', param(c.get('params'), 'password') ?? '']
    return respond(c, await admins.add(username, password, c.get('facts')), (done) => ({ value: done }))
  })
  routes.post('/admins/:username/password', async (c) => {
    const password = param(c.get('params'), 'password') ?? ''
    const done = await admins.setPassword(c.req.param('username'), password, c.get('facts'))
    return respond(c, done, (value) => ({ value }))
  })
  routes.delete('/admins/:username', async (c) =>
    respond(c, await admins.remove(c.req.param('username'), c.get('facts')), (done) => ({ value: done })),
  )

  routes.get('/api-tokens', async (c) =>
    respond(c, ok(await admins.listTokens()), (found) => ({ value: found.map(toJson) })),
  )
  routes.post('/api-tokens', async (c) => {
    const given = (name: string) => param(c.get('params'), name) ?? ''
    const bound = { scope: given('scope'), realm: given('realm'), expires: given('expires') }
    const wanted = { username: given('username'), name: given('name'), ...bound }
    return respond(c, await admins.addToken(wanted, c.get('facts')), (made) => ({ value: made }))
  })
  routes.delete('/api-tokens/:id', async (c) =>
    respond(c, await admins.revokeToken(c.req.param('id'), c.get('facts')), (done) => ({ value: done })),
  )

  routes.get('/policies/explain', async (c) => {
    const named = required(c.get('params'), 'user', 'realm', 'client')
    const result = named.ok ? ok(await policies.explain(named.value, c.get('facts'))) : named
    return respond(c, result, (explained) => ({ value: explained }))
  })

  routes.post('/restored', async (c) => respond(c, ok(await restored(c.get('facts'))), (value) => ({ value })))

  routes.get('/providers/rests', async (c) =>
    respond(c, ok(await providers.rests(c.get('facts'))), (resting) => ({ value: resting })),
  )

  return routes
}

const toJson = ({ grant, ...token }: ListedApiToken): Json => ({
  ...token,
  scope: grant?.rights ?? [],
  realms: grant?.realms ?? [],
})
