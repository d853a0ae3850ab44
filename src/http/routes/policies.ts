/** /system, the part about policies (contract 6.1). What changes something is POST only. */
import { type Context, Hono } from 'hono'
import { ok } from '../../core/result.ts'
import type { PolicyAdmin } from '../../flows/policy-admin.ts'
import {
  decodeFilter,
  decodePolicy,
  encodeDefinitions,
  encodePolicies,
  encodeRemoved,
  encodeSaved,
  readPolicyFile,
  writePolicyFile,
} from '../dialects/linotp/policies.ts'
import type { Env } from '../env.ts'
import { lowerCased, param } from '../params.ts'
import { page, type Respond, required } from '../reply.ts'

type Ctx = Context<Env>

export function policyRoutes({ policies }: { readonly policies: PolicyAdmin }, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()
  const enforced = (c: Ctx) => param(c.get('params'), 'enforce')?.toLowerCase() === 'true'
  const warn = (c: Ctx, warnings: readonly string[]) => {
    if (warnings.length > 0) c.header('otpost-warning', encodeURI(warnings.join('; ')))
  }

  routes.post('/setPolicy', async (c) => {
    const named = required(c.get('params'), 'name', 'action', 'scope', 'realm')
    const result = named.ok ? await policies.save([decodePolicy(c.get('params'))], enforced(c), c.get('facts')) : named
    return respond(c, result, (warnings) => {
      warn(c, Array.isArray(warnings) ? warnings : [])
      return { value: encodeSaved(param(c.get('params'), 'name') ?? '') }
    })
  })

  routes.post('/delPolicy', async (c) => {
    const names = (param(c.get('params'), 'name') ?? '').split(',').map((name) => name.trim())
    const wrong = names.find((name) => !/^\w*$/.test(name))
    if (wrong !== undefined)
      return respond(c, { ok: false, error: { code: 'policy_name_illegal', name: wrong } }, () => ({ value: null }))
    if (param(c.get('params'), 'name') === null)
      return respond(c, { ok: false, error: { code: 'policy_name_missing' } }, () => ({ value: null }))
    return respond(c, await policies.remove(names, enforced(c), c.get('facts')), (gone) => ({
      value: encodeRemoved(gone),
    }))
  })

  // A file is text; LinOTP's reply is XML, of which clients read the number.
  routes.post('/importPolicy', async (c) => {
    const named = required(c.get('params'), 'file')
    const read = named.ok ? readPolicyFile(named.value.file) : []
    const result = named.ok ? await policies.save(read, true, c.get('facts')) : named
    if (!result.ok) return respond(c, result, () => ({ value: null }))
    warn(c, Array.isArray(result.value) ? result.value : [])
    const xml = `<?xml version="1.0" encoding="utf-8"?><jsonrpc version="2.0"><result><status>True</status><value>${read.length}</value></result><id>1</id></jsonrpc>`
    return c.body(xml, 200, { 'content-type': 'text/xml', 'cache-control': 'no-store' })
  })

  const list = async (c: Ctx) => {
    const given = lowerCased(c.get('params'))
    const found = await policies.list(decodeFilter(given), c.get('facts'))
    if (param(given, 'export')?.toLowerCase() !== 'true')
      return respond(c, ok(found), (records) => ({ value: encodePolicies(records) }))
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="policy.cfg"',
      'cache-control': 'no-store',
    }
    return c.body(writePolicyFile(found), 200, headers)
  }
  routes.on(['GET', 'POST'], ['/getPolicy', '/getPolicy/*'], list)

  routes.on(['GET', 'POST'], '/checkPolicy', async (c) => {
    const named = required(lowerCased(c.get('params')), 'user', 'realm', 'scope', 'action', 'client')
    if (!named.ok) return respond(c, named, () => ({ value: null }))
    return respond(c, await policies.ask(named.value, c.get('facts')), (found) => ({
      value:
        found === 'unrestricted'
          ? { allowed: true, policy: 'No policies in this scope' }
          : { allowed: found.allowed, policy: encodePolicies(found.policies) },
    }))
  })

  routes.on(['GET', 'POST'], ['/getPolicyDef', '/getPolicyDef/*'], async (c) =>
    respond(c, ok(param(lowerCased(c.get('params')), 'scope')), (scope) => ({ value: encodeDefinitions(scope) })),
  )

  for (const path of ['/setPolicy', '/delPolicy', '/importPolicy', '/getPolicy', '/checkPolicy', '/getPolicyDef'])
    routes.all(path, (c) => page(c, 405))
  return routes
}
