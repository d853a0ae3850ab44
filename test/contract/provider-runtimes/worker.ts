/** Performs tasks on workerd, with the edges of Cloudflare Workers. */
import { workerEdges } from '../../support/edges/worker.ts'
import { performBy, type Task } from './tasks.ts'

const perform = performBy(workerEdges)

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      return Response.json(await perform((await request.json()) as Task)) // written by the test
    } catch (error) {
      return new Response(String(error), { status: 500 })
    }
  },
}
