/** admin: administrators, and API tokens that stand for them. */
import type { Command } from 'commander'
import { choosePassword, type PasswordOptions } from '../choose-password.ts'
import { note, print, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { timeText, withExamples, withJson } from './command.ts'

export function registerAdmin(program: Command, platform: Platform): void {
  const admin = withExamples(
    program.command('admin').description('administrators and their API tokens'),
    'otpost admin list',
  )
  registerAdd(admin, platform)
  registerPassword(admin, platform)

  const list = withJson(withTarget(admin.command('list').description('show the administrators')))
  withExamples(list, 'otpost admin list --json')
  list.action(async ({ json }: { json?: true }) => {
    const admins = await withAdmin(platform, list, (client) => client.admins())
    if (json) return printJson(admins)
    const rows = admins.map(({ username, createdAt }) => [username, timeText(createdAt)])
    printTable(['NAME', 'CREATED'], rows, 'There is no administrator; `otpost admin add NAME` makes one.')
  })

  const remove = withTarget(
    admin.command('remove').description('remove an administrator and the API tokens').argument('<name>'),
  )
  withExamples(remove, 'otpost admin remove ada')
  remove.action(async (name: string) => {
    await withAdmin(platform, remove, (client) => client.removeAdmin(name))
    note(`Removed administrator ${name}.`)
  })

  registerTokens(admin, platform)
}

type SetOptions = PasswordOptions & { readonly json?: true }

const withPassword = (command: Command): Command =>
  withJson(withTarget(command))
    .option('--password-stdin', 'read the password from standard input')
    .option('--generate', 'make a password and show it this once')
    .addHelpText('after', '\nThe password can also be given in OTPOST_PASSWORD.')

function registerAdd(admin: Command, platform: Platform): void {
  const add = withPassword(
    admin.command('add').description('add an administrator; asks for the password').argument('<name>'),
  )
  withExamples(
    add,
    'otpost admin add ada',
    'otpost admin add ada --generate',
    'pass show otpost/ada | otpost admin add ada --password-stdin',
  )
  add.action(async (name: string, options: SetOptions) => {
    const password = await choosePassword(add, platform, options)
    await withAdmin(platform, add, (client) => client.addAdmin(name, password))
    tell(`Added administrator ${name}.`, name, password, options)
  })
}

function registerPassword(admin: Command, platform: Platform): void {
  const set = withPassword(
    admin
      .command('password')
      .description('set the password of an administrator, whose sessions end')
      .argument('<name>'),
  )
  withExamples(set, 'otpost admin password ada', 'otpost admin password ada --generate')
  set.action(async (name: string, options: SetOptions) => {
    const password = await choosePassword(set, platform, options)
    await withAdmin(platform, set, (client) => client.setAdminPassword(name, password))
    tell(`Set the password of administrator ${name}.`, name, password, options)
  })
}

function tell(done: string, username: string, password: string, { json, generate }: SetOptions): void {
  if (json) {
    printJson({ username, ...(generate ? { password } : {}) })
  } else {
    note(`${done}${generate ? ' The password, which is not shown again:' : ''}`)
    if (generate) print(password)
  }
}

type TokenOptions = {
  readonly name: string
  readonly scope?: string
  readonly realm?: string
  readonly expires?: string
  readonly json?: true
}

function registerTokens(admin: Command, platform: Platform): void {
  const tokens = withExamples(
    admin.command('token').description('API tokens, for scripts, for --server and for clients of /validate'),
    'otpost admin token list',
  )

  const add = tokens
    .command('add')
    .description('make an API token and show it this once')
    .argument('<admin>', 'the administrator it stands for')
  add.option('--name <text>', 'what it is for', '')
  add.option(
    '--scope <rights>',
    'bind it to rights: read-only, a scope (admin), single ones (admin/disable,audit/view); validate: a key for /validate',
  )
  add.option('--realm <names>', 'bind it to tokens and users of these realms, a key for /validate too')
  add.option('--expires <when>', 'until when it is good: 90d, 12h, 2027-01-31; without it, until it is revoked')
  withExamples(
    withJson(withTarget(add)),
    'otpost admin token add ada --name backup-script --scope read-only --expires 365d',
    'otpost admin token add ada --name helpdesk --scope admin/reset,admin/enable --realm staff',
    'otpost admin token add ada --name radius1 --scope validate --realm staff --expires 365d   # for a client of /validate',
    'otpost admin token add admin --server https://otp.example.org   # without a token: asks for the password',
  )
  add.action(async (username: string, { name, scope, realm, expires, json }: TokenOptions) => {
    const wanted = { username, name, scope, realm, expires }
    const made = await withAdmin(platform, add, (client) => client.addApiToken(wanted), username)
    if (json) return printJson(made)
    note(`Made API token ${made.id} for ${username}. It is not shown again:`)
    print(made.token)
  })

  const list = withJson(withTarget(tokens.command('list').description('show the API tokens, without their secrets')))
  withExamples(list, 'otpost admin token list')
  list.action(async ({ json }: { json?: true }) => {
    const found = await withAdmin(platform, list, (client) => client.apiTokens())
    if (json) return printJson(found)
    const rows = found.map(({ id, admin: of, name, scope, realms, createdAt, expiresAt, lastUsedAt }) => [
      ...[id, of, name, [...scope, ...realms.map((realm) => `@${realm}`)].join(' ') || 'all', timeText(createdAt)],
      ...[expiresAt === null ? 'never' : timeText(expiresAt), lastUsedAt === null ? 'never' : timeText(lastUsedAt)],
    ])
    printTable(
      ['ID', 'ADMIN', 'NAME', 'SCOPE', 'CREATED', 'EXPIRES', 'LAST USED'],
      rows,
      'There is no API token; `otpost admin token add ADMIN` makes one.',
    )
  })

  const revoke = withTarget(
    tokens.command('revoke').description('revoke an API token').argument('<id>', 'as in the list'),
  )
  withExamples(revoke, 'otpost admin token revoke 3f9a0c1e77b2')
  revoke.action(async (id: string) => {
    await withAdmin(platform, revoke, (client) => client.revokeApiToken(id))
    note(`Revoked API token ${id}.`)
  })
}
