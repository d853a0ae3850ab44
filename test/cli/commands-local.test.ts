/** Commands on the local database. On Bun: it loads the database five times as fast as Node, where serve.test.ts does it. */
import { describeCommands } from './commands.ts'
import { newDataDir } from './otpost.ts'
import { tableTests, userTests } from './user-commands.ts'

describeCommands(
  async () => ({ args: ['--data', newDataDir()], runtime: 'bun' }),
  (command) => {
    tableTests(command)
    userTests(command)
  },
)
