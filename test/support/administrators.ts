/** Administrators as tests have them: sessions with their cookies, API tokens, and a call of each kind. */
import type { Fields, Harness, Reply } from './harness.ts'

/** A node of otpost, the first or another one. */
export type Node = Pick<Harness, 'request' | 'post'>

export type Call = (method: string, path: string, fields?: Fields, node?: Node) => Promise<Reply>
export type Session = { readonly reply: Reply; readonly cookie: string; readonly csrf: string; readonly call: Call }

const PASSWORD = 'correct horse'

/** Makes a local administrator with the password of `logIn`. */
export async function addAdministrator(h: Harness, username: string): Promise<void> {
  const { json, text } = await h.admin('/otpost/admins', { username, password: PASSWORD })
  if (json.result?.status !== true) throw new Error(text)
}

export async function logIn(node: Node, username: string, password = PASSWORD): Promise<Session> {
  const reply = await node.post('/admin/login', { username, password })
  const cookies = reply.headers.getSetCookie()
  const value = (name: string) => cookies.find((c) => c.startsWith(`${name}=`))?.split(/[=;]/)[1] ?? ''
  const [cookie, csrf] = [`access_token_cookie=${value('access_token_cookie')}`, value('csrf_access_token')]
  return { reply, cookie, csrf, call: caller(node, { cookie, 'x-csrf-token': csrf }) }
}

/** Makes an API token of an administrator. */
export async function apiToken(h: Harness, username: string, bound: Fields = {}): Promise<Call> {
  const { json, text } = await h.admin('/otpost/api-tokens', { username, ...bound })
  const { token } = (json.result?.value ?? {}) as { readonly token?: string } // undefined where it was refused
  if (token === undefined) throw new Error(text)
  return caller(h, { authorization: `Bearer ${token}` })
}

/** The password is "alice-pw". */
const STAFF = 'alice:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:2001:100:Alice A,room,+49 170 1111111,,alice@corp.test'

/** Two realms more beside `home`, with one user, and an administrator "homely", whom a policy may bind to one. */
export async function moreRealms(h: Harness): Promise<Call> {
  await h.admin('/system/setResolver', { name: 'staff', type: 'passwdresolver', 'passwdresolver.content': STAFF })
  await h.admin('/system/setRealm', { realm: 'corp', resolvers: 'staff' })
  await h.admin('/system/setRealm', { realm: 'guests', resolvers: 'staff' })
  await addAdministrator(h, 'homely')
  return apiToken(h, 'homely')
}
/** Binds "homely" to realm `home`. */
export const HOMELY = { name: 'rights', scope: 'admin', action: '*', realm: 'home', user: 'homely', client: '*' }

/** Calls with these headers; the fields go where the method has them. */
export const caller =
  (own: Node, headers: Fields): Call =>
  (method, path, fields = {}, node = own) =>
    method === 'POST'
      ? node.request(path, { method, headers, body: new URLSearchParams(fields) })
      : node.request(`${path}?${new URLSearchParams(fields)}`, { method, headers })

export const codeOf = ({ json }: Reply): number | undefined => json.result?.error?.code
