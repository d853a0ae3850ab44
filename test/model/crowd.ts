/**
 * Many clients at once on one database file, some of them at one node, some at another. What each of them hears depends
 * on who was first, so no reply is foreseen; the witness in the database judges them all.
 */
import type { Enrolment } from './administration.ts'
import { type Asked, startMonitor } from './monitor.ts'
import { below, newEnrolment, pick, type Random, SERIALS, seeded, USERS, weighted } from './operations.ts'
import type { Ask, ModelConfig } from './state.ts'
import { saysYes } from './walk.ts'
import { addressOf, clientOf, type Posted, settingsOf, startWorld, type World } from './world.ts'

export type CrowdOptions = { readonly seed: number; readonly clients: number; readonly requests: number }
export type Outcome = { readonly accepted: number; readonly sent: number; readonly refused: number }

const CONFIG: ModelConfig = {
  validity: { email: 40, sms: 30 },
  bound: { email: 40, sms: 300 },
  blocking: { email: 4, sms: 2 },
  maxAttempts: 0,
  unlock: 0,
  delay: 0,
}
/** Everybody looks at the newest messages, so that one OTP is often given by several clients at once. */
const NEWEST = 6

/** @throws an error that names the invariant */
export async function crowd({ seed, clients, requests }: CrowdOptions): Promise<Outcome> {
  const world = await startWorld({ database: 'shipped', nodes: 2, mailTimeout: CONFIG.bound.email })
  try {
    const monitor = await startMonitor(world.batch)
    await world.operate('/system/setConfig', settingsOf(CONFIG))
    const tokens = new Map<string, Enrolment>()
    const random = seeded(seed)
    for (const [serial, user] of SERIALS) await enrol(world, tokens, newEnrolment(random, serial, user))

    const asked = new Map<number, Asked>()
    const posted: Posted[] = []
    let next = 0
    const client = async (own: Random): Promise<void> => {
      while (next < requests) {
        if (own() < 0.3) await administer(own, world, tokens)
        const { ask, transactionId } = choose(own, tokens, posted.slice(-NEWEST))
        const copies = own() < 0.2 ? 3 : 1
        await Promise.all(Array.from({ length: copies }, () => request(ask, transactionId, next++)))
      }
    }
    const request = async (ask: Ask, transactionId: string | undefined, number: number): Promise<void> => {
      const yes = saysYes(await world.ask(ask, transactionId, number))
      asked.set(number, { ask, transactionId, yes })
      const accepted = await acceptedBy(world, number)
      if (accepted !== (yes ? 1 : 0)) throw new Error(`told ${yes}, accepted ${accepted}: ${JSON.stringify(ask)}`)
      const arrived = world.collect()
      monitor.post(arrived)
      posted.push(...arrived)
    }
    await Promise.all(Array.from({ length: clients }, (_, n) => client(seeded(seed * 1000 + n))))

    await monitor.judge(asked)
    if (world.errors.length > 0) throw new Error(`errors in the log: ${world.errors.slice(0, 3).join(', ')}`)
    const accepted = [...asked.values()].filter(({ yes }) => yes).length
    return { accepted, sent: posted.length, refused: asked.size - accepted }
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    await world.close()
  }
}

async function acceptedBy(world: World, number: number): Promise<number> {
  const sql = `SELECT COUNT(*) AS n FROM audit a JOIN seen s ON s.request = a.request_id WHERE a.client = ? AND s.kind = 'accepted'`
  const [[row] = []] = await world.batch([{ sql, params: [clientOf(number)] }], 'read')
  return Number(row?.n)
}

async function enrol(world: World, tokens: Map<string, Enrolment>, enrolment: Enrolment): Promise<void> {
  const { serial, kind, user, pin, key, digits, hash } = enrolment
  const fields = { serial, type: kind, user, pin, otpkey: key, otplen: String(digits), hashlib: hash }
  tokens.set(serial, enrolment)
  await world.operate('/admin/init', { ...fields, ...addressOf(serial) })
}

/** Of two changes of one token at once, the later one may be told so. */
async function administer(random: Random, world: World, tokens: Map<string, Enrolment>): Promise<void> {
  const [serial, home] = pick(random, SERIALS)
  const change = weighted<() => Promise<unknown>>(random, [
    [8, () => world.operate('/admin/reset', { user: home })],
    [4, () => world.operate('/admin/enable', { user: home })],
    [2, () => world.operate('/admin/disable', { serial })],
    [2, () => world.operate('/admin/set', { serial, MaxFailCount: String(5 + below(random, 60)) })],
    [1, () => enrol(world, tokens, newEnrolment(random, serial, random() < 0.7 ? home : pick(random, USERS)))],
    [
      4,
      async () => {
        world.clock.now += 1 + below(random, 5)
      },
    ],
    [
      1,
      async () => {
        world.down.sms = random() < 0.3
      },
    ],
  ])
  try {
    await change()
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('changed by a request at the same time'))) throw error
  }
}

function choose(
  random: Random,
  tokens: ReadonlyMap<string, Enrolment>,
  latest: readonly Posted[],
): { ask: Ask; transactionId: string | undefined } {
  const anyone = pick(random, [...tokens.values()])
  if (latest.length === 0 || random() < 0.3)
    return { ask: { path: 'check', user: anyone.user, pass: anyone.pin }, transactionId: undefined }
  const { serial, transactionId, otp } = pick(random, latest)
  const token = tokens.get(serial) ?? anyone
  const given = random() < 0.85 ? otp : `${otp.slice(1)}${(Number(otp[0]) + 1) % 10}`
  const user = random() < 0.93 ? token.user : pick(random, USERS)
  const parent = transactionId.split('.')[0]
  return weighted(random, [
    [6, { ask: { path: 'check', user, pass: given }, transactionId }],
    [4, { ask: { path: 'check', user, pass: given }, transactionId: parent }],
    [5, { ask: { path: 'check', user, pass: `${token.pin}${given}` }, transactionId: undefined }],
    [2, { ask: { path: 'check_t', pass: given }, transactionId: parent }],
    [2, { ask: { path: 'check_s', serial, pass: given }, transactionId }],
  ])
}
