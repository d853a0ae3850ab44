/** Child of hrana-server.test.ts: one write and one read over HTTP. Arguments: URL and token of the server. */
import process from 'node:process'
import { createClient } from '@libsql/client/web'

const [url = '', authToken = ''] = process.argv.slice(2)
const client = createClient({ url, authToken })
const { rows } = await client.execute({ sql: 'UPDATE counters SET n = n + ? RETURNING n, label', args: [1] })
client.close()
console.log(`rows ${JSON.stringify(rows)}`)
