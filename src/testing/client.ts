/** The server as a test talks to it: over HTTP, like every other client. */
import { passwdText } from './passwd-text.ts'
import type { AdminClient, AdminReply, CheckReply, Params } from './types.ts'

/** Posts a form. @throws when the answer is no JSON: the service is not ready, or there is no such path */
async function post(url: string, params: Params, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const body = new URLSearchParams(
    Object.entries(params).flatMap(([name, value]) =>
      Array.isArray(value) ? value.map((one) => [`${name}[]`, String(one)]) : [[name, String(value)]],
    ),
  )
  const response = await fetch(url, { method: 'POST', body, headers })
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${url} answered ${response.status}: ${text.slice(0, 200).trim()}`, { cause })
  }
}

export const checkClient = (url: string) => async (params: Params) =>
  (await post(`${url}/validate/check`, params)) as CheckReply // the server's own reply, whose type that is

/** Logs in and takes an API token, which does not run out. */
export async function adminClient(url: string, login: { username: string; password: string }): Promise<AdminClient> {
  const session = await fetch(`${url}/admin/login`, { method: 'POST', body: new URLSearchParams(login) })
  if (!session.ok) throw new Error(`${url}/admin/login answered ${session.status}: ${(await session.text()).trim()}`)
  const cookies = Object.fromEntries(
    session.headers.getSetCookie().map((cookie) => cookie.split(';')[0]?.split('=') ?? []),
  )
  const made = await post(
    `${url}/otpost/api-tokens`,
    { username: login.username, name: 'otpost/testing' },
    {
      cookie: `access_token_cookie=${cookies.access_token_cookie}`,
      'x-csrf-token': cookies.csrf_access_token ?? '',
    },
  )
  const { token } = answerOf<{ token: string }>('/otpost/api-tokens', made as AdminReply) // as above
  return createAdminClient(url, { authorization: `Bearer ${token}` })
}

function createAdminClient(url: string, headers: Readonly<Record<string, string>>): AdminClient {
  const call: AdminClient['call'] = async (path, params = {}) =>
    (await post(`${url}/${path.replace(/^\//, '')}`, params, headers)) as AdminReply // as above
  const done = async <T>(path: string, params: Params): Promise<T> => answerOf<T>(path, await call(path, params))

  return {
    call,

    setProvider: async (name, config, options = {}) => {
      const { default: isDefault = false, timeout = 120, class: className = 'SMTPEmailProvider' } = options
      const provider = { type: 'email', name, class: className, timeout, config: JSON.stringify(config) }
      await done('/system/setProvider', { ...provider, default: isDefault })
    },

    setConfig: (entries) => done('/system/setConfig', entries),

    setRealm: (realm, resolvers) => done('/system/setRealm', { realm, resolvers: resolvers.join(',') }),

    importUsers: async (name, users) => {
      const known = await done<Readonly<Record<string, unknown>>>('/system/getResolvers', {})
      const before = Object.hasOwn(known, name) ? { previous_name: name } : {}
      const content = { 'passwdresolver.content': passwdText(users) }
      await done('/system/setResolver', { name, type: 'passwdresolver', fileName: 'users', ...content, ...before })
    },

    init: async ({ email, digits, ...token }) => {
      const params = {
        type: 'email',
        email_address: email,
        ...token,
        ...(digits === undefined ? {} : { otplen: digits }),
      }
      const reply = await call('/admin/init', params)
      answerOf('/admin/init', reply)
      return String(reply.detail?.serial)
    },

    remove: (serial) => done('/admin/remove', { serial }),
    reset: (serial) => done('/admin/reset', { serial }),

    show: async (serial) => {
      const { data } = await done<{ data: readonly Readonly<Record<string, unknown>>[] }>('/admin/show', { serial })
      const [token] = data
      if (!token) throw new Error(`there is no token ${serial}`)
      return token
    },
  }
}

function answerOf<T>(path: string, { result }: AdminReply): T {
  if (!result.status) throw new Error(`${path}: ${result.error?.message ?? 'refused'}`)
  return result.value as T // the caller knows what its path answers
}
