/**
 * Attacks every promise of SECURITY.md and prints what got through: `npm run test:attack [-- --quick] [--only WORD]`.
 * Exit code 1 when something did.
 */
import { parseArgs } from 'node:util'
import type { Attack, Outcome } from './attack.ts'
import { crashes } from './crashes.ts'
import { faults } from './faults.ts'
import { fuzzing } from './fuzz.ts'
import { racesOn } from './races.ts'
import { d1Target, fileTarget, libsqlTarget } from './target.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(
    'npm run test:attack [-- --quick] [--only WORD]   attacks a server of its own and prints what got through',
  )
  process.exit(0)
}
const profile = values.quick ? 'quick' : 'full'

const attacks: readonly Attack[] = [
  ...racesOn('file, 4 processes', () => fileTarget(4)),
  ...racesOn('libSQL over HTTP, 2 processes', () => libsqlTarget()),
  ...racesOn('D1 in workerd', d1Target),
  ...crashes,
  ...faults,
  ...fuzzing,
].filter(({ name, on }) => `${name} ${on}`.includes(values.only))

const started = performance.now()
const rows: { readonly attack: Attack; readonly outcome: Outcome; readonly seconds: number }[] = []
for (const attack of attacks) {
  const began = performance.now()
  const say = (progress: string) =>
    process.stderr.isTTY && process.stderr.write(`\r\u001b[K${attack.name}: ${progress}`)
  const outcome = await attack.run(profile, say).catch((error: unknown) => ({
    tries: 0,
    through: [`the attack broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
  }))
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  rows.push({ attack, outcome, seconds: (performance.now() - began) / 1000 })
  for (const line of outcome.through) console.error(`GOT THROUGH  ${attack.name} (${attack.on}): ${line}`)
}

console.log('| Attack | On | Tries | Got through |\n|---|---|---|---|')
for (const { attack, outcome } of rows)
  console.log(
    `| ${attack.name}${outcome.note ? ` (${outcome.note})` : ''} | ${attack.on} | ${outcome.tries.toLocaleString('en')} | ${outcome.through.length} |`,
  )
const failed = rows.filter(({ outcome }) => outcome.through.length > 0).length
console.log(`\n${Math.round((performance.now() - started) / 1000)} s`)
console.log(`${rows.length - failed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
