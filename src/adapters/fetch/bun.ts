/** `fetch` on Bun by a proxy, with an authority or a client certificate of one's own: https://bun.com/docs/api/fetch. */
import type { FetchVia } from '../../ports/edges.ts'

type BunInit = RequestInit & {
  readonly proxy?: string
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

export const fetchVia: FetchVia = ({ proxy, authority, client }) => {
  const tls = { ...(authority && { ca: authority }), ...(client && { cert: client.certificate, key: client.key }) }
  return (input, init) => fetch(input, { ...init, ...(proxy && { proxy }), tls } as BunInit)
}
