/**
 * `fetch` on Node by a proxy, with an authority or a client certificate of one's own: undici, the library that Node's
 * own `fetch` is made of. Its own `fetch` goes with its agents, since those of another version are none for Node's.
 * Loaded with the first message that needs it.
 */
import type { FetchVia } from '../../ports/edges.ts'

export const fetchVia: FetchVia = ({ proxy, authority, client }) => {
  const tls = { ...(authority && { ca: authority }), ...(client && { cert: client.certificate, key: client.key }) }
  const loading = import('undici').then(({ Agent, fetch, ProxyAgent }) => ({
    fetch,
    dispatcher: proxy ? new ProxyAgent({ uri: proxy, requestTls: tls }) : new Agent({ connect: tls }),
  }))
  const viaUndici = async (...[input, init]: Parameters<typeof fetch>): Promise<Response> => {
    const { fetch, dispatcher } = await loading
    // The types of undici and of the platform name the same things; what is passed in is text, numbers and streams.
    const request = [input, { ...init, dispatcher }] as unknown as Parameters<typeof fetch>
    return (await fetch(...request)) as unknown as Response
  }
  return viaUndici
}
