/** keys: makes a master key. It is printed and kept nowhere. */
import type { Command } from 'commander'
import { newKey } from '../../adapters/vault/keys.ts'
import { processEdges } from '../edges.ts'
import { note, print, printJson } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withExamples, withJson } from './command.ts'

export function registerKeys(program: Command, platform: Platform): void {
  const keys = withExamples(program.command('keys').description('master keys'), 'otpost keys new')

  const make = keys.command('new').description('print a new entry for OTPOST_KEYS; nothing is changed')
  make.option('--id <id>', 'name of the key, 1 to 32 letters, digits, _ and -; today’s date unless told')
  withExamples(withJson(make), 'otpost keys new --id k2')
  make.action(({ id, json }: { id?: string; json?: true }) => {
    const edges = processEdges(platform)
    const name = id ?? `k${new Date(edges.clock() * 1000).toISOString().slice(0, 10).replaceAll('-', '')}`
    if (!/^[\w-]{1,32}$/.test(name))
      return make.error(`error: --id must be 1 to 32 letters, digits, _ and -, not ${name}`)
    const key = newKey(name, edges.random)
    if (json) return printJson({ id: name, key })
    print(key)
    note('Put it in front of the other keys in OTPOST_KEYS and keep a copy: what it seals cannot be read without it.')
  })
}
