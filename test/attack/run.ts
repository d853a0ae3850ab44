/**
 * Attacks every promise of SECURITY.md and prints what got through: `npm run test:attack -- --help`.
 * Exit code 1 when something did.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Attack, alone, type Outcome, type Stage, stage } from './attack.ts'
import { crashes } from './crashes.ts'
import { enumerations } from './enumeration.ts'
import { faults } from './faults.ts'
import { fuzzing } from './fuzz.ts'
import { injections } from './injection.ts'
import { privileges } from './privilege.ts'
import { races } from './races.ts'
import { secrets } from './secrets.ts'
import { d1Target, fileTarget, libsqlTarget } from './target.ts'

const HELP = `npm run test:attack [-- OPTIONS]   attacks servers of its own and prints what got through

  --quick          what runs with every change: fewer tries of the same attacks
  --only WORD      attacks with WORD in their name or place, as the table has them: 'kill', 'D1', 'fuzzed'
  --seed NUMBER    for whatever is random, to repeat a run
  --json           one object a line for each attack instead of the table
  --markdown FILE  writes the table into a file as well
  --help`

const { values } = readArguments()
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const profile = values.quick ? 'quick' : 'full'
const seed = Number(values.seed)
if (values.seed.trim() === '' || !Number.isSafeInteger(seed)) misused('--seed must be a whole number')

const onTarget = [...races, ...enumerations]
/** Two at a time, since each waits for its servers half of the time. */
const lanes: readonly (readonly Stage[])[] = [
  [
    stage('file, 4 processes', () => fileTarget(4), onTarget),
    stage('libSQL over HTTP, 2 processes', () => libsqlTarget(), onTarget),
    stage('D1 in workerd', d1Target, onTarget),
    alone(crashes),
    alone(faults),
  ],
  [alone(injections), alone(privileges), alone(secrets), alone(fuzzing)],
]

function readArguments() {
  const seed = String(Math.floor(Math.random() * 2 ** 31))
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        seed: { type: 'string', default: seed },
        json: { type: 'boolean', default: false },
        markdown: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error))
  }
}

function misused(reason: string): never {
  console.error(`${reason}\n\n${HELP}`)
  process.exit(2)
}

type Carried = Outcome & Pick<Attack, 'name' | 'on'> & { readonly seconds: number }

async function carryOut({ name, on, run }: Attack): Promise<Carried> {
  const began = performance.now()
  const { isTTY } = process.stderr
  const say = (progress: string) => isTTY && process.stderr.write(`\r\u001b[K${name}: ${progress}`)
  const outcome = await run({ profile, seed, say }).catch(
    (error: unknown): Outcome => ({
      tries: 0,
      through: [`the attack broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
    }),
  )
  const seconds = Math.round((performance.now() - began) / 100) / 10
  if (isTTY) process.stderr.write('\r\u001b[K')
  const state = outcome.through.length > 0 ? 'FAILED ' : outcome.tries === 0 ? 'skipped' : 'ok     '
  const note = outcome.note === undefined ? '' : ` (${outcome.note})`
  console.error(`${state} ${name}${note}, ${on}: ${outcome.tries} tries, ${seconds} s`)
  for (const line of outcome.through) console.error(`GOT THROUGH  ${name} (${on}): ${line}`)
  return { name, on, seconds, ...outcome }
}

const tableOf = (rows: readonly Carried[]): string =>
  [
    '| Attack | On | Tries | Got through |\n|---|---|---|---|',
    ...rows.map(
      ({ name, on, note, tries, through }) =>
        `| ${name}${note ? ` (${note})` : ''} | ${on} | ${tries.toLocaleString('en')} | ${through.length} |`,
    ),
  ].join('\n')

// A run that is broken off takes its servers with it, which die with this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

const started = performance.now()
console.error(`profile ${profile}, seed ${seed}`)
const isMeant = ({ name, on }: Attack) => `${name} (${on})`.toLowerCase().includes(values.only.toLowerCase())

async function runLane(stages: readonly Stage[]): Promise<readonly Carried[]> {
  const carried: Carried[] = []
  for (const { attacks, close } of stages) {
    for (const attack of attacks.filter(isMeant)) {
      const row = await carryOut(attack)
      carried.push(row)
      if (values.json) console.log(JSON.stringify({ profile, seed, ...row }))
    }
    await close()
  }
  return carried
}

if (!lanes.flat().some(({ attacks }) => attacks.some(isMeant))) {
  const known = lanes.flat().flatMap(({ attacks }) => attacks.map(({ name, on }) => `  ${name} (${on})`))
  misused(`there is no attack with '${values.only}' in its name or place; there are\n${known.join('\n')}`)
}
const rows = (await Promise.all(lanes.map(runLane))).flat()
if (!values.json) console.log(`\n${tableOf(rows)}`)
if (values.markdown !== undefined) writeFileSync(values.markdown, `${tableOf(rows)}\n`)
const failed = rows.filter(({ through }) => through.length > 0).length
console.error(
  `\n${rows.length - failed} passed, ${failed} failed, in ${Math.round((performance.now() - started) / 1000)} s`,
)
process.exit(failed > 0 ? 1 : 0)
