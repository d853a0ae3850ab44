/** Streams: texts that are made piece by piece, as fast as the client takes them. */

import type { Context } from 'hono'
import type { Log } from '../ports/edges.ts'
import type { Env } from './env.ts'
import { shownPath } from './middleware/logged.ts'

export type Kind = { readonly type: string; readonly log: Log }

/** Pieces are handed on in lumps of this size at least: thousands of little ones would cost more than what is in them. */
const LUMP = 16 * 1024

/** When making a piece fails the connection is broken off, so that nobody takes a part for the whole. */
export function streamText(c: Context<Env>, pieces: AsyncIterator<string>, { type, log }: Kind): Response {
  const utf8 = new TextEncoder()
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { lump, done } = await gather(pieces)
          if (lump !== '') controller.enqueue(utf8.encode(lump))
          if (done) controller.close()
        } catch (error) {
          log.error('stream_failed', {
            request: c.get('facts').requestId,
            path: shownPath(c.req.path),
            error: String(error),
          })
          controller.error(error)
        }
      },
      cancel: async () => void (await pieces.return?.()),
    },
    { highWaterMark: 0 },
  )
  return c.body(body, 200, { 'content-type': type, 'cache-control': 'no-store' })
}

async function gather(pieces: AsyncIterator<string>): Promise<{ readonly lump: string; readonly done: boolean }> {
  for (let lump = ''; ; ) {
    const step = await pieces.next()
    if (step.done) return { lump, done: true }
    lump += step.value
    if (lump.length >= LUMP) return { lump, done: false }
  }
}
