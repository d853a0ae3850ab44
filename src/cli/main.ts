/** The command line: the same on every runtime, which brings what it does in its own way. */
import { Command } from 'commander'
import version from '../version.ts'
import { registerAdmin } from './commands/admin.ts'
import { registerAudit } from './commands/audit.ts'
import { registerBackup } from './commands/backup.ts'
import { registerImport } from './commands/import.ts'
import { registerKeys } from './commands/keys.ts'
import { registerMigrate } from './commands/migrate.ts'
import { registerPolicy } from './commands/policy.ts'
import { registerProvider } from './commands/provider.ts'
import { registerResolver } from './commands/resolver.ts'
import { registerServe } from './commands/serve.ts'
import { registerTemplate } from './commands/template.ts'
import { registerToken } from './commands/token.ts'
import { registerUser } from './commands/user.ts'
import { report } from './failure.ts'
import { ignoreBrokenPipe } from './output.ts'
import type { Platform } from './platform.ts'

/** @param args without the runtime and the script. Sets the exit code; never throws. */
export async function runCli(platform: Platform, args: readonly string[]): Promise<void> {
  ignoreBrokenPipe()
  try {
    await createProgram(platform).parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
  }
}

export function createProgram(platform: Platform): Command {
  const program = new Command('otpost')
    .description('One-time passwords by e-mail and SMS, for clients of LinOTP and privacyIDEA.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('Add --help to the command to see how it is used.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ otpost start            # have a look: a server with a demo user, mails are caught\n  $ otpost token init --help',
    )
  registerServe(program, platform)
  registerMigrate(program, platform)
  registerAdmin(program, platform)
  registerUser(program, platform)
  registerResolver(program, platform)
  registerToken(program, platform)
  registerProvider(program, platform)
  registerTemplate(program, platform)
  registerPolicy(program, platform)
  registerImport(program, platform)
  registerAudit(program, platform)
  registerKeys(program, platform)
  registerBackup(program, platform)
  return program
}
