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

type AddOptions = PasswordOptions & { readonly json?: true }

function registerAdd(admin: Command, platform: Platform): void {
  const add = admin.command('add').description('add an administrator; asks for the password').argument('<name>')
  add.option('--password-stdin', 'read the password from standard input')
  add.option('--generate', 'make a password and show it this once')
  add.addHelpText('after', '\nThe password can also be given in OTPOST_PASSWORD.')
  withExamples(
    withJson(withTarget(add)),
    'otpost admin add ada',
    'otpost admin add ada --generate',
    'pass show otpost/ada | otpost admin add ada --password-stdin',
  )
  add.action(async (name: string, options: AddOptions) => {
    const password = await choosePassword(add, platform, options)
    await withAdmin(platform, add, (client) => client.addAdmin(name, password))
    if (options.json) return printJson({ username: name, ...(options.generate ? { password } : {}) })
    note(`Added administrator ${name}.${options.generate ? ' The password, which is not shown again:' : ''}`)
    if (options.generate) print(password)
  })
}

function registerTokens(admin: Command, platform: Platform): void {
  const tokens = withExamples(
    admin.command('token').description('API tokens, for scripts and for --server'),
    'otpost admin token list',
  )

  const add = tokens
    .command('add')
    .description('make an API token and show it this once')
    .argument('<admin>', 'the administrator it stands for')
  add.option('--name <text>', 'what it is for', '')
  withExamples(
    withJson(withTarget(add)),
    'otpost admin token add ada --name backup-script',
    'otpost admin token add admin --server https://otp.example.org   # without a token: asks for the password',
  )
  add.action(async (username: string, { name, json }: { name: string; json?: true }) => {
    const made = await withAdmin(platform, add, (client) => client.addApiToken(username, name), username)
    if (json) return printJson(made)
    note(`Made API token ${made.id} for ${username}. It is not shown again:`)
    print(made.token)
  })

  const list = withJson(withTarget(tokens.command('list').description('show the API tokens, without their secrets')))
  withExamples(list, 'otpost admin token list')
  list.action(async ({ json }: { json?: true }) => {
    const found = await withAdmin(platform, list, (client) => client.apiTokens())
    if (json) return printJson(found)
    const rows = found.map((token) => [token.id, token.admin, token.name, timeText(token.createdAt)])
    printTable(
      ['ID', 'ADMIN', 'NAME', 'CREATED'],
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
