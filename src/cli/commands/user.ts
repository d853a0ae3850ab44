/** user: users of otpost's own resolvers, one by one and from tables, and lists of all users. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isAttributeName, USER_FIELDS } from '../../core/local-user.ts'
import { choosePassword, type PasswordOptions } from '../choose-password.ts'
import type { AdminClient } from '../client.ts'
import { note, print, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { withExamples, withJson } from './command.ts'
import { registerUserImport } from './user-import.ts'

type Where = { readonly realm: string; readonly resolver?: string }
type Attributes = Readonly<Record<string, string>>
type FieldOptions = Attributes & { readonly attribute?: Attributes }

const resolverOf = ({ realm, resolver = realm }: Where): string => resolver

/** The realm that the user is in, and the resolver where it has another name. */
const withPlace = (command: Command): Command =>
  command
    .option('--realm <name>', 'the realm, whose resolver has its name unless told', 'default')
    .option('--resolver <name>', 'the resolver in which the user is kept')

const OPTIONS: readonly (readonly [string, string])[] = [
  ['email', 'e-mail address'],
  ['givenname', 'first name'],
  ['surname', 'last name'],
  ['phone', 'telephone number'],
  ['mobile', 'mobile number, for SMS'],
  ['description', 'what an administrator wants to know'],
  ['language', 'language of the mails, such as de'],
]

const withFields = (command: Command): Command => {
  for (const [name, meaning] of OPTIONS) command.option(`--${name} <text>`, meaning)
  return command.option('--attribute <NAME=VALUE>', 'any other attribute; can be repeated', addAttribute)
}

function addAttribute(text: string, before: Attributes | undefined): Attributes {
  const equals = text.indexOf('=')
  const name = text.slice(0, Math.max(0, equals))
  if (!isAttributeName(name) || USER_FIELDS.some((field) => field === name))
    throw new InvalidArgumentError('It must be NAME=VALUE, and no attribute that has an option of its own.')
  return { ...before, [name]: text.slice(equals + 1) }
}

function fieldsOf(options: FieldOptions): Attributes {
  const given = OPTIONS.flatMap(([name]) => (options[name] === undefined ? [] : [[name, options[name]] as const]))
  const more = options.attribute ? { attributes: JSON.stringify(options.attribute) } : {}
  return { ...Object.fromEntries(given), ...more }
}

export function registerUser(program: Command, platform: Platform): void {
  const user = withExamples(
    program.command('user').description('users and their realms'),
    'otpost user add ada --email ada@example.org',
    'otpost user import users.csv --dry-run',
  )
  registerAdd(user, platform)
  registerEdit(user, platform)
  registerPassword(user, platform)
  registerRemove(user, platform)
  registerUserImport(user, platform)
  registerList(user, platform)
}

function registerAdd(user: Command, platform: Platform): void {
  const add = user.command('add').description('add a user; realm and resolver are made when they are not there')
  add.argument('<login>')
  withPlace(withFields(add))
  add.option('--userid <id>', 'under which the user is known whatever the login; made up unless told')
  add.option('--password-stdin', 'with a password, read from standard input')
  add.option('--generate', 'with a password, which is made up and shown this once')
  withExamples(
    withJson(withTarget(add)),
    'otpost user add ada --email ada@example.org --mobile "+49 170 1234567"',
    'otpost user add bob --realm staff --attribute department=physics --generate',
  )
  add.action(async (login: string, options: Where & FieldOptions & PasswordOptions & { json?: true }) => {
    const wanted = options.passwordStdin || options.generate
    const password = wanted ? await choosePassword(add, platform, options) : undefined
    const { realm, userid } = options
    const resolver = resolverOf(options)
    const id = await withAdmin(platform, add, async (client) => {
      await ensurePlace(client, realm, resolver)
      return client.users.add(resolver, {
        ...fieldsOf(options),
        ...{ username: login, ...(userid ? { userid } : {}), ...(password === undefined ? {} : { password }) },
      })
    })
    const shown = options.generate ? { password } : {}
    if (options.json) return printJson({ username: login, userid: id, realm, resolver, ...shown })
    note(`Added ${login} to realm ${realm}.${options.generate ? ' The password, which is not shown again:' : ''}`)
    if (options.generate) print(password ?? '')
  })
}

/** Makes what is not there; saving a realm replaces the list of its resolvers, so only what is missing is added. */
async function ensurePlace(client: AdminClient, realm: string, resolver: string): Promise<void> {
  if (!(await client.users.resolvers()).some(({ name }) => name === resolver))
    await client.users.saveResolver(resolver, 'localresolver', {}, false)
  const known = (await client.realms()).find(({ name }) => name === realm.toLowerCase())
  if (!known?.resolvers.includes(resolver)) await client.saveRealm(realm, [...(known?.resolvers ?? []), resolver])
}

function registerEdit(user: Command, platform: Platform): void {
  const edit = user
    .command('edit')
    .description('change what is given of a user, and leave the rest')
    .argument('<login>')
  withPlace(withFields(edit))
  edit.option('--rename <login>', 'another login; tokens stay with the user')
  withExamples(
    withTarget(edit),
    'otpost user edit ada --email ada@new.example.org --phone ""',
    'otpost user edit ada --rename ada.lovelace',
  )
  edit.action(async (login: string, options: Where & FieldOptions) => {
    const fields = { ...fieldsOf(options), ...(options.rename === undefined ? {} : { username: options.rename }) }
    if (Object.keys(fields).length === 0) return edit.error('error: say what to change, such as --email')
    await withAdmin(platform, edit, (client) => client.users.change(resolverOf(options), login, fields))
    note(`Changed ${login}.`)
  })
}

function registerPassword(user: Command, platform: Platform): void {
  const set = user.command('password').description('set the password of a user; asks for it').argument('<login>')
  withPlace(set)
  set.option('--password-stdin', 'read it from standard input').option('--generate', 'make one and show it this once')
  set.addOption(new Option('--clear', 'take the password away').conflicts(['passwordStdin', 'generate']))
  set.addHelpText(
    'after',
    '\nPolicies such as otppin=1 and passthru ask for it. It can also be given in OTPOST_PASSWORD.',
  )
  withExamples(
    withTarget(set),
    'otpost user password ada',
    'pass show staff/ada | otpost user password ada --password-stdin',
  )
  set.action(async (login: string, options: Where & PasswordOptions & { clear?: true }) => {
    const password = options.clear ? '' : await choosePassword(set, platform, options)
    if (password === '' && !options.clear) return set.error('error: the password is empty; --clear takes it away')
    await withAdmin(platform, set, (client) => client.users.change(resolverOf(options), login, { password }))
    note(options.clear ? `${login} has no password now.` : `Set the password of ${login}.`)
    if (options.generate) print(password)
  })
}

function registerRemove(user: Command, platform: Platform): void {
  const remove = user.command('remove').description('remove a user; tokens stay, without an owner').argument('<login>')
  withExamples(withJson(withTarget(withPlace(remove))), 'otpost user remove ada')
  remove.action(async (login: string, options: Where & { json?: true }) => {
    const tokens = await withAdmin(platform, remove, (client) => client.users.remove(resolverOf(options), login))
    if (options.json) return printJson({ username: login, tokens })
    const left = `${tokens} ${tokens === 1 ? 'token has' : 'tokens have'} no owner now; \`otpost token list\` shows them.`
    note(`Removed ${login}.${tokens > 0 ? ` ${left}` : ''}`)
  })
}

function registerList(user: Command, platform: Platform): void {
  const list = withJson(withTarget(user.command('list').description('show the users')))
  list.option('--realm <name>', 'only those of this realm').option('--resolver <name>', 'only those of this resolver')
  list.option('--login <pattern>', 'only these logins; * stands for any text')
  withExamples(list, 'otpost user list --realm staff', 'otpost user list --login "a*" --json')
  list.action(async ({ realm, resolver, login, json }: Partial<Where> & { login?: string; json?: true }) => {
    const users = await withAdmin(platform, list, (client) =>
      client.listUsers({ realm, resConf: resolver, username: login }),
    )
    if (json) return printJson(users)
    const rows = users.map(({ username, email, givenname, surname, resolver: from }) => [
      ...[username, email, `${givenname} ${surname}`.trim(), from],
    ])
    printTable(['USER', 'EMAIL', 'NAME', 'RESOLVER'], rows, 'There are no users; `otpost user add LOGIN` adds one.')
  })
}
