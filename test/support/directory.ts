/** Directories of SQL resolvers, as a process has them. */

import { resolver } from '../../src/adapters/users/sql.ts'
import { processEdges } from '../../src/cli/edges.ts'
import { nodeCapabilities } from '../../src/cli/platform.ts'
import type { RawConfig } from '../../src/ports/provider.ts'
import type { Directory } from '../../src/ports/users.ts'

export const sqlEdges = processEdges({ capabilities: nodeCapabilities })

/** @throws the problem of a configuration that is refused */
export async function openDirectory(raw: RawConfig): Promise<Directory> {
  const read = await resolver.read(raw, sqlEdges)
  if (!read.ok) throw new Error(`${read.error.key} ${read.error.rule}`)
  return resolver.create(read.value.config, sqlEdges)
}

/** Longer than any answer takes. */
export const patience = () => AbortSignal.timeout(20_000)
