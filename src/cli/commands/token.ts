/** token: enrols tokens and shows them; token-change.ts and token-import.ts have the rest. */
import type { Command } from 'commander'
import type { AdminClient, TokenFilter, TokenRecord } from '../client.ts'
import { readStdinLine } from '../input.ts'
import { print, printFields, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { withExamples, withJson } from './command.ts'
import { registerTokenChanges, unknownToken } from './token-change.ts'
import { registerTokenImport } from './token-import.ts'

type InitOptions = {
  readonly user: string
  readonly realm?: string
  readonly email?: string
  readonly phone?: string
  readonly type?: string
  readonly serial?: string
  readonly description?: string
  readonly pin?: string
  readonly pinStdin?: true
  readonly json?: true
}

type ListOptions = {
  readonly user?: string
  readonly realm?: string
  readonly serial?: string
  readonly search?: string
  readonly state?: string
  readonly free?: true
  readonly json?: true
}

export function registerToken(program: Command, platform: Platform): void {
  const token = withExamples(
    program.command('token').description('tokens: what users are verified with'),
    'otpost token list',
  )
  registerInit(token, platform)
  registerTokenImport(token, platform)
  registerTokenChanges(token, platform)

  const list = withJson(withTarget(token.command('list').description('show the tokens')))
  list.option('--user <login>', 'only those of this user').option('--realm <name>', 'only those of this realm')
  list.option('--serial <pattern>', 'only those with this serial').option('--search <text>', 'only those that hold it')
  list.option('--state <state>', 'only those that are active, or disabled; with neither --search')
  list.option('--free', 'only those that nobody owns; with neither --user')
  list.addHelpText('after', '\nA * in user, realm and serial stands for any text.')
  withExamples(list, 'otpost token list --user ada', 'otpost token list --serial "LSSM*" --state disabled --json')
  list.action(async ({ user, realm, serial, json, ...more }: ListOptions) => {
    const { free, state, search } = more
    if (free && user !== undefined) return list.error('error: either --free or --user, not both')
    if (state !== undefined && search !== undefined) return list.error('error: either --state or --search, not both')
    if (state !== undefined && !['active', 'disabled'].includes(state))
      return list.error('error: --state is active or disabled')
    const filter = { user: free ? '/:no user:/' : user, realm, serial, filter: state ? `/:${state}:/` : search }
    const { tokens, lock } = await withAdmin(platform, list, (client) => tokensOf(client, filter))
    if (json) return printJson(tokens)
    const rows = tokens.map((one) => [
      one.serial,
      one.type,
      one.user,
      one.realms.join(' '),
      one.address ?? '',
      stateOf(one, lock),
      one.description,
    ])
    printTable(
      ['SERIAL', 'TYPE', 'USER', 'REALM', 'ADDRESS', 'STATE', 'DESCRIPTION'],
      rows,
      'There are no tokens; `otpost token init` makes one.',
    )
  })

  const show = withJson(withTarget(token.command('show').description('show one token').argument('<serial>')))
  withExamples(show, 'otpost token show LSEM00012F6B')
  show.action(async (serial: string, { json }: { json?: true }) => {
    const { tokens, lock } = await withAdmin(platform, show, (client) => tokensOf(client, { serial }))
    const one = tokens.find((candidate) => candidate.serial === serial)
    if (!one) throw unknownToken(serial)
    if (json) return printJson(one)
    printFields({
      ...{
        serial: one.serial,
        type: one.type,
        user: one.user,
        realms: one.realms.join(' '),
        address: one.address ?? '',
      },
      ...{ state: stateOf(one, lock), failures: `${one.failCount} of ${one.maxFailCount}`, digits: String(one.digits) },
      ...{ counter: String(one.counter), created: one.createdAt ?? '', description: one.description },
    })
  })
}

function registerInit(token: Command, platform: Platform): void {
  const init = token.command('init').description('enrol a token; prints its serial')
  init.requiredOption('--user <login>', 'whose token it is')
  init.option('--realm <name>', 'the user’s realm; the default realm unless told')
  init.option('--email <address>', 'where the OTPs go')
  init.option('--phone <number>', 'the same for a token whose OTPs go by SMS')
  init.option('--type <type>', 'kind of token: email, or sms with --phone')
  init.option('--serial <serial>', 'made up unless told; that of an existing token gives it a new secret')
  init.option('--description <text>')
  init.option('--pin <pin>', 'what the user types in front of the OTP; others on this machine can see it here')
  init.option('--pin-stdin', 'read the PIN from standard input')
  withExamples(
    withJson(withTarget(init)),
    'otpost token init --user ada --email ada@example.org --pin-stdin < pin.txt',
    'otpost token init --user bob --realm staff --email bob@example.org --pin 4711 --description "Bob’s mail"',
  )
  init.action(async ({ pinStdin, json, ...given }: InitOptions) => {
    if (pinStdin && given.pin !== undefined) return init.error('error: either --pin or --pin-stdin, not both')
    if ((given.email === undefined) === (given.phone === undefined))
      return init.error('error: give the address with --email or --phone')
    const pin = pinStdin ? await readStdinLine() : given.pin
    const {
      user,
      realm,
      email,
      phone,
      type = phone === undefined ? 'email' : 'sms',
      serial: wanted,
      description,
    } = given
    const serial = await withAdmin(platform, init, (client) =>
      client.enroll({ user, realm, email, phone, type, serial: wanted, description, pin }),
    )
    if (json) return printJson({ serial })
    print(serial)
  })
}

/** What is said of a lock that ends by itself: the API does not tell when it began, but none has longer left. */
async function tokensOf(client: AdminClient, filter: TokenFilter) {
  const tokens = await client.tokens(filter)
  const minutes = tokens.some(isLocked) ? await client.manage.lockMinutes() : null
  return { tokens, lock: minutes ? `locked for ${minutes} min at most` : 'locked' }
}

const isLocked = ({ active, failCount, maxFailCount }: TokenRecord): boolean => active && failCount >= maxFailCount

/** A maximum of 0 locks for ever. */
function stateOf(one: TokenRecord, lock: string): string {
  if (!one.active) return 'disabled'
  if (!isLocked(one)) return 'active'
  return one.maxFailCount === 0 ? 'locked' : lock
}
