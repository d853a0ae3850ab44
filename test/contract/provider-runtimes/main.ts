/** Performs tasks over HTTP on Node, Deno and Bun; the first argument says which. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { processEdges } from '../../../src/cli/edges.ts'
import type { Capabilities, FetchVia } from '../../../src/ports/edges.ts'
import { performBy, type Task } from './tasks.ts'

const runtime = process.argv[2] as Capabilities['runtime'] // written by the test that starts this
const { fetchVia } = (await import(`../../../src/adapters/fetch/${runtime}.ts`)) as { fetchVia: FetchVia }
const abilities = { files: true, smtpPort25: true, tlsOptions: true, sharedConnections: true }
const perform = performBy(processEdges({ capabilities: { runtime, ...abilities }, fetchVia }))

const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (text: string) => {
    body += text
  })
  request.on('end', () => {
    const task = JSON.parse(body) as Task // written by the test
    perform(task)
      .then((answer) => response.writeHead(200).end(JSON.stringify(answer)))
      .catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
})
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/`) // on TCP
})
