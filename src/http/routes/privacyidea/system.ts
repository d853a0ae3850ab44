/** What privacyIDEA's clients read of system, realms and users (contract A.14). Nothing here changes anything. */
import { Hono } from 'hono'
import { ok } from '../../../core/result.ts'
import type { RealmAdmin } from '../../../flows/realm-admin.ts'
import { encodeConfig, encodeEntry, encodeRealms, encodeUser, filterUsers } from '../../dialects/privacyidea/users.ts'
import type { Env } from '../../env.ts'
import { param } from '../../params.ts'
import type { Respond } from './replies.ts'

export function systemRoutes({ realms }: { readonly realms: RealmAdmin }, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  for (const path of ['/system', '/system/'])
    routes.get(path, async (c) =>
      respond(c, ok(await realms.settings(c.get('facts'))), (settings) => ({ value: encodeConfig(settings) })),
    )
  routes.get('/system/:key', async (c) =>
    respond(c, ok(await realms.settings(c.get('facts'))), (settings) => ({
      value: encodeEntry(settings, c.req.param('key')),
    })),
  )

  for (const path of ['/realm', '/realm/'])
    routes.get(path, async (c) =>
      respond(c, ok(await realms.settings(c.get('facts'))), (settings) => ({ value: encodeRealms(settings) })),
    )

  for (const path of ['/user', '/user/'])
    routes.get(path, async (c) =>
      respond(c, await realms.listUsers(param(c.get('params'), 'realm') || null, c.get('facts')), (users) => ({
        value: filterUsers(users, c.get('params')).map(encodeUser),
      })),
    )
  return routes
}
