/** backup and restore: copies of a database in a file. */
import type { Command } from 'commander'
import { note, printJson } from '../output.ts'
import type { Platform } from '../platform.ts'
import { dataOption, withAdmin, withTarget } from '../target.ts'
import { withExamples, withJson } from './command.ts'

export function registerBackup(program: Command, platform: Platform): void {
  const backup = program.command('backup').argument('<file>', 'where the copy goes; must not exist')
  backup.description('copy the database of --data while it is served; its secrets cannot be read without the keys')
  withExamples(withJson(backup.addOption(dataOption())), 'otpost backup /var/backups/otpost-$(date +%F).db')
  backup.action(async (file: string, { data, json }: { data: string; json?: true }) => {
    const { backUp } = await import('../backup.ts')
    await backUp(await readEnvironment(), data, file)
    if (json) return printJson({ file })
    note(`Copied the database to ${file}. Keep a copy of the keys too, in another place.`)
  })

  const restore = program
    .command('restore')
    .argument('[file]', 'a copy made by `otpost backup`; none: the database was put back by other means')
    .description('put a copy in the place of the database of --data; no server may run on it')
    .option('--replace', 'a database that is there makes room, and is kept beside it')
  withJson(withTarget(restore))
  withExamples(
    restore,
    'otpost restore /var/backups/otpost-2026-11-01.db --replace',
    'OTPOST_TOKEN=… otpost restore --server https://otp.example.org   # after a restore of its database server, or of D1',
  )
  restore.addHelpText(
    'after',
    '\nA copy does not know what was sent and answered after it was made: open challenges end, and the counters of all\ntokens leap ahead, so that no OTP is good twice.',
  )
  restore.action(async (file: string | undefined, options: RestoreOptions) => {
    const { data, json, server, replace = false } = options
    let kept: string | null = null
    if (file !== undefined) {
      if (server !== undefined && restore.getOptionValueSource('data') !== 'cli')
        return restore.error('error: a file is put back on the machine of the database: name its folder with --data')
      const { putBack } = await import('../backup.ts')
      kept = (await putBack(await readEnvironment(), data, file, replace)).kept
      if (kept !== null) note(`The database that was there is kept as ${kept}.`)
    }
    const done = await withAdmin(platform, restore, (client) => client.restored()).catch((cause: unknown) => {
      if (file === undefined) throw cause
      const rest = 'the copy is in its place, but an OTP that was used after it was made would be good again'
      throw new Error(`${rest}: run \`otpost restore\` without a file once this is mended`, { cause })
    })
    if (json) return printJson({ ...done, kept })
    note(`Ended ${done.challenges} open challenges, moved the counters of ${done.tokens} tokens.`)
  })
}

type RestoreOptions = { readonly data: string; readonly server?: string; readonly json?: true; readonly replace?: true }

async function readEnvironment() {
  const { readConfig } = await import('../../config.ts')
  const config = readConfig(process.env)
  if (!config.ok) throw new Error(config.error)
  return config.value
}
