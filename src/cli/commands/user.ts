/** user: users of the built-in store, which come as a text in the format of /etc/passwd. */
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { AdminClient } from '../client.ts'
import { readInput } from '../input.ts'
import { note, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { withExamples, withJson } from './command.ts'

type ImportOptions = { readonly realm: string; readonly resolver?: string; readonly json?: true }

export function registerUser(program: Command, platform: Platform): void {
  const user = withExamples(
    program.command('user').description('users and their realms'),
    'otpost user import users.passwd',
  )

  const take = user.command('import').description('read users from a passwd file; they replace those that were there')
  take.argument('<file>', 'lines like ada:x:1001:1001:Ada Lovelace,,,,ada@example.org::, or - for standard input')
  take.option('--realm <name>', 'made when it is not there', 'default')
  take.option('--resolver <name>', 'under which the users are kept; that of the realm unless told')
  withExamples(
    withJson(withTarget(take)),
    'otpost user import users.passwd',
    'ssh mail getent passwd | otpost user import - --realm staff',
  )
  take.action(async (file: string, options: ImportOptions) => {
    const { realm, resolver = realm } = options
    const content = await readInput(file)
    const label = file === '-' ? 'stdin' : basename(file)
    const users = await withAdmin(platform, take, (client) => importUsers(client, { realm, resolver, content, label }))
    if (options.json) return printJson({ realm, resolver, users })
    note(`Realm ${realm} has ${users} ${users === 1 ? 'user' : 'users'} from ${label}.`)
  })

  const list = withJson(withTarget(user.command('list').description('show the users')))
  list.option('--realm <name>', 'only those of this realm')
  withExamples(list, 'otpost user list --realm staff')
  list.action(async ({ realm, json }: { realm?: string; json?: true }) => {
    const users = await withAdmin(platform, list, (client) => client.users(realm))
    if (json) return printJson(users)
    const rows = users.map(({ username, email, givenname, surname, resolver }) => [
      username,
      email,
      `${givenname} ${surname}`.trim(),
      resolver,
    ])
    printTable(['USER', 'EMAIL', 'NAME', 'RESOLVER'], rows, 'There are no users; `otpost user import FILE` reads them.')
  })
}

type Import = { readonly realm: string; readonly resolver: string; readonly content: string; readonly label: string }

/** @returns how many users the resolver has then */
export async function importUsers(client: AdminClient, { realm, resolver, content, label }: Import): Promise<number> {
  const replaces = (await client.resolvers()).includes(resolver)
  await client.saveResolver({ name: resolver, label, content, replaces })
  const known = (await client.realms()).find(({ name }) => name === realm.toLowerCase())
  // Only what is missing: saving a realm replaces the list of its resolvers.
  if (!known?.resolvers.includes(resolver)) await client.saveRealm(realm, [...(known?.resolvers ?? []), resolver])
  return (await client.users(realm)).filter((user) => user.resolver === resolver).length
}
