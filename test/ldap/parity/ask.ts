/**
 * Makes the attempts of its second argument, a JSON list, one after the other, and prints what became of them.
 * Runs on Node, Deno and Bun; the first argument says which.
 */
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import type { Capabilities, Edges } from '../../../src/ports/edges.ts'
import { type Attempt, attempt, epochSeconds, type Findings, randomBytes, silent } from './attempt.ts'

const [, , runtime, attempts = '[]'] = process.argv

const edges: Edges = {
  clock: epochSeconds,
  random: randomBytes,
  fetch,
  deadline: (after) => AbortSignal.timeout(after * 1000),
  readFile: (path) => readFile(path, 'utf8'),
  capabilities: {
    runtime: runtime as Capabilities['runtime'], // written by the test that starts this
    files: true,
    smtpPort25: true,
    tlsOptions: true,
    sharedConnections: true,
  },
  log: silent,
}

const findings: Findings[] = []
for (const one of JSON.parse(attempts) as readonly Attempt[]) findings.push(await attempt(one, edges)) // likewise
console.log(`findings ${JSON.stringify(findings)}`)
