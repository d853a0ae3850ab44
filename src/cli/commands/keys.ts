/** keys: makes, lists, rotates and removes master keys. A new key is printed and kept nowhere, unless it goes to the key file. */
import type { Command } from 'commander'
import { newKey } from '../../adapters/vault/keys.ts'
import { processEdges } from '../edges.ts'
import type { KeyRecord } from '../key-client.ts'
import { note, print, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { withExamples, withJson } from './command.ts'

const KEY_ID = /^[\w-]{1,32}$/
const ID_RULE = 'must be 1 to 32 letters, digits, _ and -'

export function registerKeys(program: Command, platform: Platform): void {
  const keys = withExamples(
    program.command('keys').description('master keys: new, list, rotate, remove'),
    'otpost keys new',
    'otpost keys rotate --new',
  )
  registerNew(keys, platform)
  registerList(keys, platform)
  registerRotate(keys, platform)
  registerRemove(keys, platform)
}

function registerNew(keys: Command, platform: Platform): void {
  const make = keys.command('new').description('print a new entry for OTPOST_KEYS; nothing is changed')
  make.option('--id <id>', 'name of the key, 1 to 32 letters, digits, _ and -; today’s date unless told')
  withExamples(withJson(make), 'otpost keys new --id k2')
  make.action(({ id, json }: { id?: string; json?: true }) => {
    const edges = processEdges(platform)
    const name = id ?? idOfDay(edges.clock())
    if (!KEY_ID.test(name)) return make.error(`error: --id ${ID_RULE}, not ${name}`)
    const key = newKey(name, edges.random)
    if (json) return printJson({ id: name, key })
    print(key)
    note('Put it in front of the other keys in OTPOST_KEYS and keep a copy: what it seals cannot be read without it.')
  })
}

function registerList(keys: Command, platform: Platform): void {
  const list = withJson(withTarget(keys.command('list').description('what each key seals')))
  withExamples(list, 'otpost keys list')
  list.action(async ({ json }: { json?: true }) => {
    const found = await withAdmin(platform, list, (client) => client.keys.list())
    if (json) return printJson(found)
    printTable(['KEY', 'ROLE', 'SEALS'], found.map(rowOf), 'There are no keys.')
  })
}

function registerRotate(keys: Command, platform: Platform): void {
  const rotate = keys
    .command('rotate')
    .description('seal everything anew with the first key; may be stopped, and goes on when it is run again')
    .option('--new', 'first put a new key in front of the key file of --data; a running server takes it up')
  withJson(withTarget(rotate))
  withExamples(rotate, 'otpost keys rotate --new', 'OTPOST_TOKEN=… otpost keys rotate --server https://otp.example.org')
  rotate.action(async ({ new: fresh, data, json }: { new?: true; data: string; json?: true }) => {
    if (fresh) await bringIn(rotate, platform, data)
    const done = await withAdmin(platform, rotate, (client) => client.keys.rotate(progress))
    if (json) printJson(done)
    else tell(done)
    if (done.unreadable > 0) process.exitCode = 1
  })
}

function registerRemove(keys: Command, platform: Platform): void {
  const remove = keys.command('remove').argument('<id>', 'name of the key')
  remove.description('take a key that seals nothing any more out of the key file of --data')
  withExamples(withTarget(remove), 'otpost keys remove k1')
  remove.action(async (id: string, { data }: { data: string }) => {
    const { hasKeyFile, removeKey } = await import('../key-file.ts')
    await mustHaveFile(remove, hasKeyFile, data)
    const found = (await withAdmin(platform, remove, (client) => client.keys.finish())).find((key) => key.id === id)
    if (!found?.known) return remove.error(`error: there is no key ${id} in the key file`)
    if (found.current)
      return remove.error(`error: key ${id} seals what is new; \`otpost keys rotate --new\` makes another`)
    const left = usesText(found)
    if (left !== '') return remove.error(`error: key ${id} still seals ${left}; \`otpost keys rotate\` seals it anew`)
    await removeKey(data, id)
    note(`Removed key ${id} from the key file. Backups made before the rotation still need it.`)
  })
}

async function bringIn(command: Command, platform: Platform, data: string): Promise<void> {
  const { addKeyInFront, hasKeyFile, WATCH_MS } = await import('../key-file.ts')
  await mustHaveFile(command, hasKeyFile, data)
  const edges = processEdges(platform)
  const id = await addKeyInFront(
    data,
    `${idOfDay(edges.clock())}-${Buffer.from(edges.random(2)).toString('hex')}`,
    edges,
  )
  note(`Key ${id} stands in front of the key file now: copy the file before it is needed.`)
  // By then each server that runs on this folder seals with it.
  await new Promise((resolve) => setTimeout(resolve, 2 * WATCH_MS))
}

/** Keys that are given in the environment, or that another server has, are not ours to change. */
async function mustHaveFile(
  command: Command,
  hasKeyFile: (data: string) => Promise<boolean>,
  data: string,
): Promise<void> {
  const elsewhere = process.env.OTPOST_KEYS
    ? 'OTPOST_KEYS is set'
    : command.getOptionValueSource('data') !== 'cli' && process.env.OTPOST_SERVER
      ? 'OTPOST_SERVER is set'
      : command.getOptionValueSource('server') === 'cli'
        ? '--server is given'
        : null
  if (elsewhere !== null)
    return command.error(
      `error: ${elsewhere}, so the keys are changed where OTPOST_KEYS is kept: \`otpost keys new\` makes one`,
    )
  if (!(await hasKeyFile(data))) return command.error(`error: there is no key file in ${data}`)
}

function progress(resealed: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${resealed.toLocaleString('en')} values sealed anew`)
}

function tell({
  resealed,
  unreadable,
  keys,
}: {
  resealed: number
  unreadable: number
  keys: readonly KeyRecord[]
}): void {
  if (process.stderr.isTTY) process.stderr.write('\r')
  const current = keys.find((key) => key.current)?.id ?? ''
  note(`Sealed ${resealed} ${resealed === 1 ? 'value' : 'values'} anew with key ${current}.`)
  if (unreadable > 0) note(`${unreadable} cannot be opened with any key of this server; its log names them.`)
  for (const key of keys.filter(({ id }) => id !== current)) {
    const left = usesText(key)
    note(
      left === ''
        ? `Key ${key.id} seals nothing any more: \`otpost keys remove ${key.id}\`, or take it out of OTPOST_KEYS.`
        : `Key ${key.id} still seals ${left}: once all servers seal with ${current}, run this again.`,
    )
  }
}

const NAMES: Readonly<Record<string, string>> = {
  secret: 'secrets of tokens',
  pin: 'PINs',
  config: 'settings',
  provider: 'providers',
  resolver: 'resolvers',
  audit: 'parts of the audit',
}
const usesText = ({ uses }: KeyRecord): string =>
  Object.entries(uses)
    .map(([kind, count]) => `${count} ${NAMES[kind] ?? kind}`)
    .join(', ')

const rowOf = (key: KeyRecord): readonly string[] => [
  key.id,
  key.current ? 'seals' : key.known ? 'opens' : 'MISSING',
  usesText(key) || '-',
]

const idOfDay = (now: number): string => `k${new Date(now * 1000).toISOString().slice(0, 10).replaceAll('-', '')}`
