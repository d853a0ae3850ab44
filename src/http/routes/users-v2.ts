/** /api/v2: realms, resolvers and their users (contract 7.7). */
import { type Context, Hono } from 'hono'
import { ok } from '../../core/result.ts'
import { pageSize } from '../../core/setting-keys.ts'
import { settingOf } from '../../core/settings.ts'
import type { RealmAdmin } from '../../flows/realm-admin.ts'
import type { UserList, UserListQuestion } from '../../flows/user-list.ts'
import {
  decodeUsersV2,
  encodeRealmsV2,
  encodeResolversV2,
  encodeUsersV2,
  encodeUserV2,
} from '../dialects/linotp/users.ts'
import type { Env } from '../env.ts'
import { page, type Respond } from '../reply.ts'

export type UsersV2Flows = { readonly realms: RealmAdmin; readonly users: UserList }

export function usersV2Routes({ realms, users }: UsersV2Flows, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.on('GET', ['/realms', '/realms/'], async (c) =>
    respond(c, ok(await realms.settings(c.get('facts'))), (settings) => ({
      value: encodeRealmsV2(settings, realms.adminRealm, c.get('facts')),
    })),
  )
  routes.get('/realms/:realm/users', (c) => list(c, { realm: c.req.param('realm'), resolver: null }))
  routes.on('GET', ['/resolvers', '/resolvers/'], async (c) =>
    respond(c, ok(await realms.settings(c.get('facts'))), (settings) => ({
      value: encodeResolversV2(settings, realms.adminRealm, c.get('facts')),
    })),
  )
  routes.get('/resolvers/:resolver/users', (c) => list(c, { realm: null, resolver: c.req.param('resolver') }))
  routes.get('/resolvers/:resolver/users/:id', async (c) => {
    const found = await users.find(c.req.param('resolver'), c.req.param('id'), c.get('facts'))
    return respond(c, found, ({ user, settings }) => ({ value: user ? encodeUserV2(user, settings) : {} }))
  })
  for (const path of [
    '/realms',
    '/realms/',
    '/realms/:realm/users',
    '/resolvers',
    '/resolvers/',
    '/resolvers/:r/users',
    '/resolvers/:r/users/:id',
  ])
    routes.all(path, (c) => page(c, 405))
  return routes

  async function list(c: Context<Env>, where: Pick<UserListQuestion, 'realm' | 'resolver'>): Promise<Response> {
    const size = settingOf(await realms.known(), pageSize)
    const question = decodeUsersV2(c.get('params'), where, size)
    return respond(c, await users.list(question, c.get('facts')), async (listing) => ({
      value: await encodeUsersV2(listing, question.page),
    }))
  }
}
