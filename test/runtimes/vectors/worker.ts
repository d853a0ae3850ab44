/** Answers with the outcome for what stands in the body. */
import { type Made, outcome } from './vectors.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    return Response.json(await outcome((await request.json()) as Made)) // written by the test
  },
}
