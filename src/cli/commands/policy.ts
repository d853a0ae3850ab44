/** policy: what decides, and why. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readPolicyFile, writePolicyFile } from '../../http/dialects/linotp/policies.ts'
import type { ExplainedPolicies } from '../client.ts'
import { note, print, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { ipAddress, withExamples, withJson } from './command.ts'

type SetOptions = {
  readonly scope: string
  readonly action: string
  readonly realm: string
  readonly user: string
  readonly client: string
  readonly time?: string
  readonly inactive?: true
  readonly force?: true
}
type ExplainOptions = { readonly user: string; readonly realm: string; readonly client: string; readonly json?: true }

const FORCE = 'also when it takes rights of scope system from yourself or from everybody'

export function registerPolicy(program: Command, platform: Platform): void {
  const policy = withExamples(
    program.command('policy').description('policies: who gets which provider, text and rule'),
    'otpost policy list',
  )

  const list = withJson(withTarget(policy.command('list').description('show the policies, inactive ones too')))
  withExamples(list, 'otpost policy list')
  list.action(async ({ json }: { json?: true }) => {
    const policies = await withAdmin(platform, list, (client) => client.policies())
    if (json) return printJson(policies)
    printTable(
      ['NAME', 'SCOPE', 'ACTION', 'REALM', 'USER', 'CLIENT', 'TIME', 'ACTIVE'],
      policies.map((one) => [one.name, one.scope, one.action, one.realm, one.user, one.client, one.time, one.active]),
      'There are no policies; `otpost policy set` makes one.',
    )
  })

  const set = withTarget(policy.command('set').description('make or replace a policy').argument('<name>'))
  set.requiredOption(
    '--scope <scope>',
    'authentication, authorization, enrollment, selfservice, admin, system, audit or tools',
  )
  set.requiredOption('--action <actions>', 'name, !name or name=value, separated by commas')
  set.option('--realm <list>', 'realms it is for', '*').option('--user <list>', 'users it is for', '*')
  set.option('--client <list>', 'addresses and networks it is for', '*')
  set
    .option('--time <cron>', 'six cron fields: minute hour day month weekday year')
    .option('--inactive', 'store it without effect')
    .option('--force', FORCE)
  withExamples(
    set,
    'otpost policy set staff_mail --scope authentication --realm staff --action "email_provider=fast slow"',
  )
  set.action(async (name: string, options: SetOptions) => {
    const { scope, action, realm, user, client: from, inactive, force } = options
    const given = { name, scope, action, realm, user, client: from, active: inactive ? 'False' : 'True' }
    const time = options.time === undefined ? {} : { time: options.time }
    await withAdmin(platform, set, (client) => client.savePolicy({ ...given, ...time }, force))
    note(`Saved policy ${name}.`)
  })

  const remove = withTarget(policy.command('remove').description('remove a policy').argument('<name>'))
  remove.option('--force', FORCE)
  withExamples(remove, 'otpost policy remove staff_mail')
  remove.action(async (name: string, { force }: { force?: true }) => {
    const removed = await withAdmin(platform, remove, (client) => client.removePolicy(name, force))
    if (!removed) throw new Error(`there is no policy ${name}; see \`otpost policy list\``)
    note(`Removed policy ${name}.`)
  })

  const write = withTarget(
    policy.command('export').description('write all policies in the format of LinOTP’s policy.cfg'),
  )
  withExamples(write, 'otpost policy export > policy.cfg')
  write.action(async () => {
    const policies = await withAdmin(platform, write, (client) => client.policies())
    print(writePolicyFile(policies.map((one) => ({ ...one, active: one.active === 'True' }))).trimEnd())
  })

  const read = withTarget(
    policy.command('import').description('read policies from a file of that format').argument('<file>'),
  )
  withExamples(read, 'otpost policy import policy.cfg')
  read.action(async (file: string) => {
    const policies = readPolicyFile(await readFile(file, 'utf8'))
    if (policies.length === 0) throw new Error(`there is no policy in ${file}: each begins with its name in brackets`)
    await withAdmin(platform, read, async (client) => {
      // One by one, so that the one that is refused can be named; those before it are saved.
      for (const one of policies) {
        await client.savePolicy({ ...one, active: one.active ? 'True' : 'False' }, true)
        note(`Saved policy ${one.name}.`)
      }
    })
  })

  const explain = withJson(
    withTarget(policy.command('explain').description('show which policies speak for a user, and why')),
  )
  explain.requiredOption('--user <login>', 'the login, without realm')
  explain
    .requiredOption('--realm <name>', 'the user’s realm')
    .option('--client <address>', 'where the request comes from', ipAddress, '127.0.0.1')
  withExamples(explain, 'otpost policy explain --user ada --realm staff --client 192.0.2.7')
  explain.action(async ({ user, realm, client: address, json }: ExplainOptions) => {
    const explained = await withAdmin(platform, explain, (client) =>
      client.explainPolicies({ user, realm, client: address }),
    )
    if (json) return printJson(explained)
    print(`For ${user} in realm ${realm}, asking from ${address}:`)
    if (!explained.userFound)
      note(`There is no user ${user} in realm ${realm}; this is what would hold if there were one without attributes.`)
    for (const line of describe(explained)) print(line)
  })
}

/** What is in force, by scope and action; under each what else is said of it; then who has nothing to say. */
function describe({ decided, silent, remarks }: ExplainedPolicies): readonly string[] {
  if (decided.length + silent.length === 0)
    return ['There are no policies about users, so every action has its default.', ...remarks]
  const width = Math.max(0, ...decided.map(({ written }) => written.length))
  const scopes = [...new Set(decided.map(({ scope }) => scope))].flatMap((scope) => [
    ...['', `In force, scope ${scope}:`],
    ...decided
      .filter((one) => one.scope === scope)
      .flatMap(({ written, policy, passedOver, idle }) => [
        `  ${written.padEnd(width)}  by ${policy}`,
        ...(idle === null ? [] : [`      without effect: ${idle}`]),
        ...passedOver.map((other) =>
          other.written === written
            ? `      ${other.policy} says the same`
            : `      not ${other.written} by ${other.policy}: ${other.because}`,
        ),
      ]),
  ])
  const names = Math.max(0, ...silent.map(({ policy }) => policy.length))
  return [
    ...(decided.length === 0 ? ['No policy speaks, so every action has its default.'] : scopes),
    ...(silent.length === 0 ? [] : ['', 'Not in force here:']),
    ...silent.map(({ policy, because }) => `  ${policy.padEnd(names)}  ${because}`),
    ...(decided.length === 0 ? [] : ['', 'Everything else has its default.']),
    ...(remarks.length === 0 ? [] : ['', ...remarks]),
  ]
}
