/** Commands on the local database. On Bun: it loads the database five times as fast as Node, where serve.test.ts does it. */
import { afterAll } from 'vitest'
import { describeCommands } from './commands.ts'
import { cleanUp, newDataDir } from './otpost.ts'
import { tableTests, userTests } from './user-commands.ts'

afterAll(cleanUp)

describeCommands(
  async () => ({ args: ['--data', newDataDir()], runtime: 'bun' }),
  (command) => {
    tableTests(command)
    userTests(command)
  },
)
