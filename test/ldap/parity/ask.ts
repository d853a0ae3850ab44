/**
 * Makes the attempts of its second argument, a JSON list, one after the other, and prints what became of them.
 * Runs on Node, Deno and Bun; the first argument says which.
 */
import process from 'node:process'
import { childEdges } from '../../support/edges/child.ts'
import { type Attempt, attempt, type Findings } from './attempt.ts'

const [, , runtime, attempts = '[]'] = process.argv
const edges = childEdges(runtime)

const findings: Findings[] = []
for (const one of JSON.parse(attempts) as readonly Attempt[]) findings.push(await attempt(one, edges)) // likewise
console.log(`findings ${JSON.stringify(findings)}`)
