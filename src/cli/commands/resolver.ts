/** resolver: where users come from. */
import { type Command, InvalidArgumentError } from 'commander'
import { readInput } from '../input.ts'
import { note, print, printFields, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { withExamples, withJson } from './command.ts'

type Entries = Readonly<Record<string, string>>
type SetOptions = { readonly type: string; readonly config?: string; readonly set?: Entries; readonly realm?: string }

export function registerResolver(program: Command, platform: Platform): void {
  const resolver = withExamples(
    program.command('resolver').description('where users come from: own ones, files, directories'),
    'otpost resolver list',
  )
  registerSet(resolver, platform)

  const list = withJson(withTarget(resolver.command('list').description('show the resolvers and their realms')))
  withExamples(list, 'otpost resolver list --json')
  list.action(async ({ json }: { json?: true }) => {
    const found = await withAdmin(platform, list, async (client) => {
      const realms = await client.realms()
      return (await client.users.resolvers()).map((one) => ({
        ...one,
        realms: realms.filter(({ resolvers }) => resolvers.includes(one.name)).map(({ name }) => name),
      }))
    })
    if (json) return printJson(found)
    const rows = found.map(({ name, type, realms }) => [name, type, realms.join(', ')])
    printTable(['NAME', 'TYPE', 'REALMS'], rows, 'There is no resolver; `otpost resolver set NAME` makes one.')
  })

  const show = withJson(withTarget(resolver.command('show').description('show a configuration, secrets masked')))
  show.argument('<name>')
  withExamples(show, 'otpost resolver show staff')
  show.action(async (name: string, { json }: { json?: true }) => {
    const { type, data } = await withAdmin(platform, show, (client) => client.users.resolver(name))
    if (type === null) throw new Error(`there is no resolver ${name}; \`otpost resolver list\` shows those that are`)
    if (json) return printJson({ name, type, config: data })
    printFields({ type, ...data })
  })

  const test = withJson(withTarget(resolver.command('test').description('ask a resolver for its users')))
  test.argument('<name>').option('--user <login>', 'ask for this one')
  withExamples(test, 'otpost resolver test staff', 'otpost resolver test staff --user ada')
  test.action(async (name: string, { user: login, json }: { user?: string; json?: true }) => {
    const { works, description, user } = await withAdmin(platform, test, (client) =>
      client.users.testResolver(name, login),
    )
    if (json) printJson({ works, description, user })
    else if (works) print(`${name} ${description}.`)
    if (works && user && login !== undefined && !json) printFields(user)
    if (!works) throw new Error(`${name}: ${description}; \`otpost resolver show ${name}\` shows its configuration`)
  })

  const remove = withTarget(resolver.command('remove').description('remove a resolver that no realm uses'))
  remove.argument('<name>')
  withExamples(remove, 'otpost resolver remove staff')
  remove.action(async (name: string) => {
    if (!(await withAdmin(platform, remove, (client) => client.users.removeResolver(name))))
      throw new Error(`there is no resolver ${name}; \`otpost resolver list\` shows those that are`)
    note(`Removed resolver ${name}.`)
  })
}

function registerSet(resolver: Command, platform: Platform): void {
  const set = resolver.command('set').description('make or change a resolver').argument('<name>')
  set.requiredOption('--type <type>', 'ldapresolver, sqlresolver, httpresolver, localresolver')
  set.option('--config <file>', 'JSON object with the configuration, or - for standard input')
  set.option('--set <KEY=VALUE>', 'one entry of the configuration; can be repeated, and wins over --config', addEntry)
  set.option('--realm <name>', 'put it into this realm as well, which is made when it is not there')
  set.addHelpText(
    'after',
    '\nPasswords belong in --config: others on this machine can see a command line. A secret that is left out or masked\n(***) stays as it was. Users of passwd files come with `otpost user import`.',
  )
  withExamples(
    withTarget(set),
    'otpost resolver set staff --type httpresolver --config people.json --realm staff',
    'otpost resolver set guests --type localresolver --realm guests',
  )
  set.action(async (name: string, { type, config: file, set: entries, realm }: SetOptions) => {
    const config = { ...(file === undefined ? {} : readConfig(file, await readInput(file))), ...entries }
    await withAdmin(platform, set, async (client) => {
      const replaces = (await client.users.resolvers()).some((one) => one.name === name)
      await client.users.saveResolver(name, type, config, replaces)
      if (realm === undefined) return
      const known = (await client.realms()).find((one) => one.name === realm.toLowerCase())
      // Only what is missing: saving a realm replaces the list of its resolvers.
      if (!known?.resolvers.includes(name)) await client.saveRealm(realm, [...(known?.resolvers ?? []), name])
    })
    note(`Saved resolver ${name}. \`otpost resolver test ${name}\` tries it.`)
  })
}

function addEntry(text: string, before: Entries | undefined): Entries {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('It must be KEY=VALUE.')
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}

/** Values that are no text are sent as JSON, as forms have them. */
function readConfig(file: string, text: string): Entries {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, which may be a password.
    throw new Error(`${file} holds no valid JSON`)
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new Error(`${file} must hold one JSON object`)
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}
