/**
 * `npm run test:providers`: providers against real servers, Postfix with Dovecot, Kannel, and an SMS centre in Perl, each on
 * 127.0.0.1 and a free port, with its files in a scratch folder. What cannot be had is skipped, aloud.
 */
import { fileURLToPath } from 'node:url'
import { startVitest } from 'vitest/node'
import { install, missing, SERVERS, type ServerName } from './servers.ts'

install()
for (const name of Object.keys(SERVERS) as ServerName[]) {
  // its own keys
  const why = missing(name)
  if (why !== null) console.log(`SKIPPED: ${name} ${why}`)
}

const config = fileURLToPath(new URL('./vitest.config.ts', import.meta.url))
const vitest = await startVitest('test', process.argv.slice(2), { config, watch: false })
const count = { passed: 0, failed: 0, skipped: 0 }
let broken = vitest.state.getUnhandledErrors().length
for (const file of vitest.state.getTestModules()) {
  broken += file.errors().length
  for (const test of file.children.allTests()) {
    const { state } = test.result()
    count[state === 'pending' ? 'skipped' : state] += 1
  }
}
await vitest.close()
console.log(`${count.passed} passed, ${count.failed + broken} failed, ${count.skipped} skipped`)
process.exit(count.failed + broken > 0 ? 1 : 0)
