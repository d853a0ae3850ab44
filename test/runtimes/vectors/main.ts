/** Prints the outcome for what stands in the environment variable MADE, as one line. */
import { outcome } from './vectors.ts'

console.log(`outcome ${JSON.stringify(await outcome(JSON.parse(process.env.MADE ?? '')))}`)
