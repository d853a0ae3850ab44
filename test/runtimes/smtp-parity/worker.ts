/** A Worker that makes the attempt in the body of a request and answers with what became of it. */
import { workerEdges } from '../../support/edges/worker.ts'
import { type Attempt, attempt } from './attempt.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const one = (await request.json()) as Attempt // written by the test
    return Response.json(await attempt(one, workerEdges))
  },
}
