/** Asks a SQL resolver once under whatever runs it, as the runtimes do: `find-once.ts CONFIG LOGIN`. */
import { resolver } from '../../src/adapters/users/sql.ts'
import { processEdges } from '../../src/cli/edges.ts'
import { nodeCapabilities } from '../../src/cli/platform.ts'

const [config = '', login = ''] = process.argv.slice(2)
const edges = processEdges({ capabilities: nodeCapabilities })
const read = await resolver.read(JSON.parse(config), edges)
if (!read.ok) throw new Error(`${read.error.key} ${read.error.rule}`)
const directory = resolver.create(read.value.config, edges)
console.log('FOUND', JSON.stringify(await directory.findByLogin(login, AbortSignal.timeout(10_000))))
