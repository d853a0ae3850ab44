/** Edges of a process on Node, Deno or Bun. */
import { readFile } from 'node:fs/promises'
import type { Capabilities, Edges } from '../../../src/ports/edges.ts'
import { plainEdges } from './plain.ts'

/** @param runtime as the test that starts the process says */
export const childEdges = (runtime: string | undefined): Edges => ({
  ...plainEdges,
  readFile: (path) => readFile(path, 'utf8'),
  capabilities: {
    runtime: runtime as Capabilities['runtime'],
    ...{ files: true, smtpPort25: true, tlsOptions: true, sharedConnections: true },
  },
})
