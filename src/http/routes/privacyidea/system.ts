/** What privacyIDEA's clients read of system, realms and users (contract A.14). Nothing here changes anything. */
import { Hono } from 'hono'
import { ok } from '../../../core/result.ts'
import type { RealmAdmin } from '../../../flows/realm-admin.ts'
import type { UserList } from '../../../flows/user-list.ts'
import { encodeConfig, encodeEntry, encodeRealms, encodeUser, userFilter } from '../../dialects/privacyidea/users.ts'
import type { Env } from '../../env.ts'
import type { JsonObject } from '../../json.ts'
import { param } from '../../params.ts'
import type { Respond } from './replies.ts'

type SystemFlows = { readonly realms: RealmAdmin; readonly users: UserList }

export function systemRoutes({ realms, users }: SystemFlows, respond: Respond): Hono<Env> {
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
      respond(c, ok(await realms.settings(c.get('facts'))), (settings) => ({
        value: encodeRealms(settings, c.get('facts')),
      })),
    )

  for (const path of ['/user', '/user/'])
    routes.get(path, async (c) => {
      const realm = param(c.get('params'), 'realm') || null
      const question = { realm, resolver: null, filter: userFilter(c.get('params')), page: null }
      const found = await users.list(question, c.get('facts'))
      const listed: JsonObject[] = []
      if (found.ok) for await (const user of found.value.users) listed.push(encodeUser(user))
      return respond(c, found, () => ({ value: listed }))
    })
  return routes
}
