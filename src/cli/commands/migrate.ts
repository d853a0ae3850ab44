/** migrate: brings the local database, or the one of OTPOST_DATABASE_URL, to the schema of this version. */
import type { Command } from 'commander'
import { print, printJson } from '../output.ts'
import type { Platform } from '../platform.ts'
import { commandEdges, dataOption } from '../target.ts'
import { withExamples, withJson } from './command.ts'

export function registerMigrate(program: Command, platform: Platform): void {
  const migrate = program.command('migrate').description('bring the database up to date; `serve` does it by itself')
  withExamples(withJson(migrate.addOption(dataOption())), 'OTPOST_DATABASE_URL=libsql://otp.example.org otpost migrate')
  migrate.action(async ({ data, json }: { data: string; json?: true }) => {
    const [{ readConfig }, { migrateOnly }] = await Promise.all([import('../../config.ts'), import('../open.ts')])
    const config = readConfig(process.env)
    if (!config.ok) throw new Error(config.error)
    const status = await migrateOnly(config.value, commandEdges(platform, config.value.logLevel), data)
    if (json) printJson({ status })
    else print(status === 'migrated' ? 'The database was migrated.' : 'The database is up to date.')
  })
}
