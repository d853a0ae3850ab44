/**
 * `fetch` on Deno by a proxy, with an authority or a client certificate of one's own:
 * https://docs.deno.com/api/deno/~/Deno.createHttpClient. An authority is trusted beside the public ones here.
 */
import type { FetchVia } from '../../ports/edges.ts'

declare const Deno: {
  readonly createHttpClient: (options: {
    readonly caCerts?: readonly string[]
    readonly cert?: string
    readonly key?: string
    readonly proxy?: {
      readonly url: string
      readonly basicAuth?: { readonly username: string; readonly password: string }
    }
  }) => object
}

export const fetchVia: FetchVia = ({ proxy, authority, client }) => {
  const made = Deno.createHttpClient({
    ...(authority && { caCerts: [authority] }),
    ...(client && { cert: client.certificate, key: client.key }),
    ...(proxy && { proxy: proxyOf(proxy) }),
  })
  return (input, init) => fetch(input, { ...init, client: made } as RequestInit)
}

function proxyOf(text: string) {
  const url = new URL(text)
  const { username, password } = url
  if (username === '' && password === '') return { url: text }
  url.username = ''
  url.password = ''
  return {
    url: url.href,
    basicAuth: { username: decodeURIComponent(username), password: decodeURIComponent(password) },
  }
}
