/**
 * Makes the attempts of its second argument, a JSON list, one after the other, and prints what became of them.
 * Runs on Node, Deno and Bun; the first argument says which.
 */
import process from 'node:process'
import type { Delivery } from '../../../src/ports/provider.ts'
import { childEdges } from '../../support/edges/child.ts'
import { type Attempt, attempt } from './attempt.ts'

const [, , runtime, attempts = '[]'] = process.argv
const edges = childEdges(runtime)

const deliveries: Delivery[] = []
for (const one of JSON.parse(attempts) as readonly Attempt[]) deliveries.push(await attempt(one, edges)) // likewise
console.log(`deliveries ${JSON.stringify(deliveries)}`)
