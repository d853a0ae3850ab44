/** What every runtime has, for what tests run outside of their own process; the log tells nobody anything. */
export const plainEdges = {
  clock: (): number => Math.floor(Date.now() / 1000),
  random: (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count)),
  fetch: (...request: Parameters<typeof fetch>): Promise<Response> => fetch(...request),
  deadline: (after: number): AbortSignal => AbortSignal.timeout(after * 1000),
  log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
}
