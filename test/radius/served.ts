/** otpost over a socket, with the clock and the mails in the test's hands. */
import { createAdaptorServer } from '@hono/node-server'
import type { Variables } from '../../src/config.ts'
import { type Harness, startHarness } from '../support/harness.ts'

export type Served = Harness & { readonly url: string }

export async function serve(variables: Variables = {}): Promise<Served> {
  const h = await startHarness(variables)
  const server = createAdaptorServer({
    overrideGlobalObjects: false,
    fetch: (request, { incoming }) =>
      h.app.fetch(request, { peer: incoming.socket.remoteAddress ?? '', secure: false }),
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    ...h,
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
      await h.close()
    },
  }
}
