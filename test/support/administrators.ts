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

/** Calls with these headers; the fields go where the method has them. */
export const caller =
  (own: Node, headers: Fields): Call =>
  (method, path, fields = {}, node = own) =>
    method === 'POST'
      ? node.request(path, { method, headers, body: new URLSearchParams(fields) })
      : node.request(`${path}?${new URLSearchParams(fields)}`, { method, headers })

export const codeOf = ({ json }: Reply): number | undefined => json.result?.error?.code
