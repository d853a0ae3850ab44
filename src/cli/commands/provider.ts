/** provider: where mails are handed over. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ProviderType } from '../client.ts'
import { readInput } from '../input.ts'
import { note, print, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { timeText, wholeNumber, withExamples, withJson } from './command.ts'

type Entries = Readonly<Record<string, string>>
type SetOptions = {
  readonly type: ProviderType
  readonly class?: string
  readonly config?: string
  readonly set?: Entries
  readonly timeout: number
  readonly default?: true
  readonly managed?: string
}

const CLASSES: Readonly<Record<ProviderType, string>> = { email: 'SMTPEmailProvider', sms: 'HttpSMSProvider' }

const typeOption = () => new Option('--type <type>', 'what it carries').choices(Object.keys(CLASSES)).default('email')

export function registerProvider(program: Command, platform: Platform): void {
  const provider = withExamples(
    program.command('provider').description('mail servers and SMS gateways that OTPs are sent through'),
    'otpost provider list',
  )
  registerSet(provider, platform)
  registerRemove(provider, platform)

  const list = withJson(
    withTarget(
      provider.command('list').description('show the providers, and which of them rest; passwords are masked'),
    ),
  )
  withExamples(list, 'otpost provider list --json')
  list.action(async ({ json }: { json?: true }) => {
    const providers = await withAdmin(platform, list, (client) => client.providers())
    if (json) return printJson(providers)
    const rows = providers.map((one) => [
      one.type,
      one.name,
      one.isDefault ? 'default' : '',
      one.class,
      String(one.timeout),
      one.rest ? `until ${timeText(one.rest.until)}: ${one.rest.reason || 'did not take a message'}` : '',
      one.managed ? 'managed' : JSON.stringify(one.config),
    ])
    printTable(
      ['TYPE', 'NAME', '', 'CLASS', 'TIMEOUT', 'RESTS', 'CONFIG'],
      rows,
      'There is no provider; `otpost provider set NAME` makes one.',
    )
  })

  const test = withJson(
    withTarget(
      provider
        .command('test')
        .description('send the message that users get, with 123456 for an OTP')
        .argument('<name>'),
    ),
  )
  test.requiredOption('--to <address>', 'who gets it: an e-mail address or a phone number').addOption(typeOption())
  withExamples(test, 'otpost provider test relay --to me@example.org')
  test.action(async (name: string, { to, type, json }: { to: string; type: ProviderType; json?: true }) => {
    const { delivered, tries } = await withAdmin(platform, test, (client) => client.testProvider(type, name, to))
    if (json) printJson({ delivered, tries })
    else if (delivered) print(`${name} took the message to ${to}.`)
    if (delivered) return
    const reasons = tries.map(({ reason, status }) => reason || status).join(', ')
    throw new Error(`${name} did not take the message: ${reasons}; \`otpost provider list\` shows its configuration`)
  })
}

function registerRemove(provider: Command, platform: Platform): void {
  const remove = withTarget(provider.command('remove').description('remove a provider').argument('<name>'))
  remove.addOption(typeOption())
  remove.option('--managed <file>', 'its password, if it has one; - for standard input')
  withExamples(remove, 'otpost provider remove relay')
  remove.action(async (name: string, { type, managed: file }: { type: ProviderType; managed?: string }) => {
    const managed = await readPassword(file)
    const problem = await withAdmin(platform, remove, (client) => client.removeProvider(type, name, managed))
    if (problem !== null) throw new Error(`${problem}; see \`otpost provider list\` and \`otpost policy list\``)
    note(`Removed provider ${name}.`)
  })
}

const readPassword = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : (await readInput(file)).replace(/\r?\n$/, '')

function registerSet(provider: Command, platform: Platform): void {
  const set = provider.command('set').description('make or replace a provider').argument('<name>')
  set.option('--config <file>', 'JSON object with the whole configuration, or - for standard input')
  set.option('--set <KEY=VALUE>', 'one entry of the configuration; can be repeated, and wins over --config', addEntry)
  set.addOption(typeOption())
  set.option('--class <name>', 'kind of provider; SMTPEmailProvider or HttpSMSProvider unless told')
  set.option('--timeout <seconds>', 'longest validity of an OTP, 0 for no bound', wholeNumber(0, 86_400), 120)
  set.option('--default', 'use it where no policy names another one; the first provider is the default anyway')
  set.option('--managed <file>', 'password that changing it asks for from now on, or already; - for standard input')
  set.addHelpText(
    'after',
    '\nPasswords belong in --config: others on this machine can see a command line.\nA masked password (***) stands for the one before.',
  )
  withExamples(
    withTarget(set),
    'otpost provider set relay --set SMTP_SERVER=mail.example.org --set START_TLS=true --set EMAIL_FROM=otp@example.org',
    'otpost provider set relay --config relay.json --default',
  )
  set.action(async (name: string, options: SetOptions) => {
    if (options.config === undefined && !options.set)
      return set.error('error: give the configuration with --config FILE or --set KEY=VALUE')
    const config = {
      ...(options.config === undefined ? {} : readConfig(options.config, await readInput(options.config))),
      ...options.set,
    }
    if (options.config === '-' && options.managed === '-')
      return set.error('error: only one of --config and --managed can come from standard input')
    const managed = await readPassword(options.managed)
    if (managed === '') return set.error('error: the password of --managed is empty')
    const { type, class: className = CLASSES[type], timeout } = options
    await withAdmin(platform, set, (client) =>
      client.saveProvider({
        ...{ type, name, class: className, config, timeout, managed },
        isDefault: options.default === true,
      }),
    )
    note(`Saved provider ${name}. \`otpost provider test ${name} --to ADDRESS\` tries it.`)
  })
}

function addEntry(text: string, before: Entries | undefined): Entries {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('It must be KEY=VALUE.')
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}

function readConfig(file: string, text: string): Readonly<Record<string, unknown>> {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, which may be a password.
    throw new Error(`${file} holds no valid JSON`)
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new Error(`${file} must hold one JSON object`)
  return { ...config }
}
