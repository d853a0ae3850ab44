/**
 * Does time tell who exists? `npm run bench:timing [-- --samples 10000]`
 *
 * Asks /validate/check for a user nobody knows, one without a token, one whose token is locked, and one who has the PIN
 * wrong, all through the app on a file database that flushes each commit, in random order, one at a time. Each is
 * compared with the wrong PIN. Exit code 1: somebody could tell them apart.
 */
import { parseArgs } from 'node:util'
import { enroll, startHarness } from '../test/support/harness.ts'

const WARM_UP = 300
/** Medians may differ by this much, in percent. */
const MAX_DIFFERENCE = 2
/** 0.5: a sample says nothing about whose it is; 1: it says all. */
const MAX_AUC = 0.55

const { values } = parseArgs({
  options: { samples: { type: 'string', default: '10000' }, help: { type: 'boolean', default: false } },
})
if (values.help) {
  console.log('npm run bench:timing [-- --samples 10000]')
  process.exit()
}
const samples = Number(values.samples)

const harness = await startHarness()
await enroll(harness, 'ada', 'TIME01', { pin: 'right-pin' })
await enroll(harness, 'bob', 'TIME02', { pin: 'right-pin' })
await harness.admin('/admin/set', { serial: 'TIME01', MaxFailCount: '1000000' })
await harness.admin('/admin/set', { serial: 'TIME02', MaxFailCount: '0' })

/** Names of one length. */
const USERS = { 'wrong PIN': 'ada', 'unknown user': 'zoe', 'no token': 'eve', 'locked token': 'bob' } as const
type Case = keyof typeof USERS
const cases: readonly Case[] = ['wrong PIN', 'unknown user', 'no token', 'locked token']
const times: Record<Case, number[]> = { 'wrong PIN': [], 'unknown user': [], 'no token': [], 'locked token': [] }

for (let round = -WARM_UP; round < samples; round++)
  for (const name of shuffled(cases)) {
    const took = await timeOne(USERS[name])
    if (round >= 0) times[name].push(took)
  }
await harness.close()

const reference = times['wrong PIN']
console.log(`${samples} samples each; median of wrong PIN ${median(reference).toFixed(3)} ms`)
let told = false
for (const name of cases.slice(1)) {
  const difference = (median(times[name]) / median(reference) - 1) * 100
  const { auc, accuracy } = compare(times[name], reference)
  const telling = Math.abs(difference) > MAX_DIFFERENCE || auc > MAX_AUC
  told ||= telling
  console.log(
    `${name.padEnd(13)} median ${median(times[name]).toFixed(3)} ms, ${difference >= 0 ? '+' : ''}${difference.toFixed(2)} %, ` +
      `AUC ${auc.toFixed(3)}, best threshold right in ${(accuracy * 100).toFixed(1)} %${telling ? '  <- tells them apart' : ''}`,
  )
}
process.exitCode = told ? 1 : 0

/** Milliseconds from the request to the last byte of the reply. */
async function timeOne(user: string): Promise<number> {
  const body = new URLSearchParams({ user, pass: 'wrong-pin' })
  const request = new Request('http://otpost.test/validate/check', { method: 'POST', body })
  const started = performance.now()
  const response = await harness.app.fetch(request, { peer: '192.0.2.7', secure: false })
  const text = await response.text()
  const took = performance.now() - started
  if (!text.includes('"value": false') || text.includes('detail')) throw new Error(`not a bare no: ${text}`)
  return took
}

/**
 * Mann-Whitney: how likely a sample of one case is above one of the other, from 0.5 up; and the share that the best
 * single threshold puts in the right place.
 */
function compare(one: readonly number[], other: readonly number[]): { auc: number; accuracy: number } {
  const all = [...one.map((at) => ({ at, mine: true })), ...other.map((at) => ({ at, mine: false }))]
  all.sort((a, b) => a.at - b.at)
  let below = 0
  let [mine, others, best] = [0, 0, 0]
  for (const { mine: isMine } of all) {
    if (isMine) {
      mine++
      below += others
    } else others++
    best = Math.max(best, Math.abs(mine / one.length - others / other.length))
  }
  const share = below / (one.length * other.length)
  return { auc: Math.max(share, 1 - share), accuracy: 0.5 + best / 2 }
}

function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
