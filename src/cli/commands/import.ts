/** import: what another product has, taken over. */
import type { Command } from 'commander'
import { readLinotpFile } from '../../http/dialects/linotp/config-file.ts'
import { readInput } from '../input.ts'
import { type Left, planImport, runImport } from '../linotp-import.ts'
import { note, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { commandEdges, withAdmin, withTarget } from '../target.ts'
import { withExamples, withJson } from './command.ts'

type Options = { readonly dryRun?: true; readonly json?: true }

export function registerImport(program: Command, platform: Platform): void {
  const from = withExamples(
    program.command('import').description('take over what another product has'),
    'otpost import linotp-config config.json --dry-run',
  )

  const config = withTarget(
    from.command('linotp-config').description('read settings, providers and policies of LinOTP'),
  )
  config.argument('<file>', 'what LinOTP says of its configuration, or - for standard input')
  config.option('--dry-run', 'only say what would be taken, and ask no server')
  config.addHelpText(
    'after',
    [
      '',
      'FILE is the reply of one of LinOTP’s administration calls, saved as it is (several replies: as a JSON list):',
      '  /system/getConfig                 settings, and LinOTP’s old keys such as EmailProviderConfig',
      '  /system/getProvider?type=email    providers with their passwords, which getConfig shows encrypted',
      '  /system/getPolicy                 policies; or policy.cfg of its export',
      'or lines like `linotp.EmailBlockingTimeout = 60`, as they stand in its database.',
      '',
      'What is taken replaces what has the same name. What is left out is told with the reason; the exit code is 1 when',
      'the server refused something. Users, realms and tokens are not part of this.',
    ].join('\n'),
  )
  withExamples(
    withJson(config),
    'otpost import linotp-config config.json --dry-run',
    'otpost import linotp-config email-providers.json --server https://otp.example.org',
  )
  config.action(async (file: string, { dryRun, json }: Options) => {
    const label = file === '-' ? 'standard input' : file
    const found = readLinotpFile(await readInput(file))
    if (!found) throw new Error(`${label} holds nothing that LinOTP says of its configuration; --help shows what does`)
    // Loaded only where it is needed: the classes of providers are much code.
    const { findProvider } = await import('../../compose.ts')
    const { steps, left } = await planImport(found, { findProvider, edges: commandEdges(platform) })
    const refused = dryRun
      ? []
      : await withAdmin(platform, config, async (client) => {
          // Whether there is a server at all is said once, and not for everything that is saved.
          await client.providers()
          return runImport(steps, client)
        })
    const taken = steps
      .filter(({ kind, name }) => !refused.some((one) => one.kind === kind && one.name === name))
      .map(({ kind, name }) => ({ kind, name }))
    report({ dryRun: dryRun === true, taken, left, refused }, json === true)
    if (refused.length > 0) throw new Error(`the server refused ${refused.length} of ${steps.length}`)
  })
}

type Report = {
  readonly dryRun: boolean
  readonly taken: readonly Pick<Left, 'kind' | 'name'>[]
  readonly left: readonly Left[]
  readonly refused: readonly Left[]
}

function report({ dryRun, taken, left, refused }: Report, json: boolean): void {
  if (json) {
    printJson({ dryRun, taken, left, refused })
    return
  }
  const rows = [
    ...taken.map(({ kind, name }) => [dryRun ? 'would be taken' : 'taken', kind, name, '']),
    ...refused.map(({ kind, name, reason }) => ['refused', kind, name, reason]),
    ...left.map(({ kind, name, reason }) => ['left out', kind, name, reason]),
  ]
  printTable(['', 'KIND', 'NAME', 'WHY'], rows, 'There is nothing in it.')
  note(`${dryRun ? 'Would take' : 'Took'} ${taken.length}, left out ${left.length}, refused ${refused.length}.`)
}
