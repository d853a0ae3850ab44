/**
 * A seeded random walk: each step is done in the model and in the real app, then replies, messages and rows are
 * compared, and the invariants are asked for.
 */
import { isDeepStrictEqual } from 'node:util'
import { configure, enrol, remove, reset, set, setActive } from './administration.ts'
import type { DatabaseKind } from './database.ts'
import { answer } from './model.ts'
import { type Asked, type Monitor, startMonitor } from './monitor.ts'
import { choose, newConfig, newEnrolment, type Operation, type Random, SERIALS, seeded, USERS } from './operations.ts'
import type { Answer, Ask, Model } from './state.ts'
import { createTransactions, type Transactions } from './transactions.ts'
import { addressOf, type Body, type Fields, settingsOf, startWorld, userIdOf, type World } from './world.ts'

export type WalkOptions = {
  readonly seed: number
  readonly database: DatabaseKind
  /** Asked before each step, with the number of steps done. */
  readonly goOn: (steps: number) => boolean
}
/** How often each thing happened. */
export type Tally = Record<string, number>

type Both = {
  readonly model: Model
  readonly world: World
  readonly monitor: Monitor
  readonly transactions: Transactions
  readonly tally: Tally
}

/** @throws an error with seed, step, operation, what was expected, what came, and the operations before it */
export async function walk({ seed, database, goOn }: WalkOptions): Promise<{ steps: number; tally: Tally }> {
  const random = seeded(seed)
  const both = await start(random, database)
  const last: string[] = []
  let step = 0
  try {
    for (; goOn(step); step++) {
      const operation = choose(random, both.model)
      last.push(`${step} ${JSON.stringify(operation)}`)
      if (last.length > 11) last.shift()
      await perform(both, operation, step)
      mustEqual('rows', rowsOf(both.model, both.transactions), await readRows(both.world, both.model.now))
      forget(both.model)
    }
    return { steps: step, tally: both.tally }
  } catch (error) {
    const [before, now] = [last.slice(0, -1), last.at(-1)]
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`seed ${seed}, step ${now}\n${reason}\nbefore it:\n${before.join('\n')}`, { cause: error })
  } finally {
    await both.world.close()
  }
}

async function start(random: Random, database: DatabaseKind): Promise<Both> {
  const config = newConfig(random)
  const world = await startWorld({ database, mailTimeout: config.bound.email })
  const empty = { tokens: [], challenges: [], transactions: 0 }
  const model: Model = { now: world.clock.now, config, users: USERS, down: { email: false, sms: false }, ...empty }
  const monitor = await startMonitor(world.batch)
  const both = { model, world, monitor, transactions: createTransactions(), tally: {} }
  await perform(both, { kind: 'configure', config }, 0)
  const likeFirst = ['EM-eve2', 'SM-cyd', 'SM-gil2'] // the second of a user's tokens
  for (const [serial, user] of SERIALS) {
    const first = model.tokens.find((token) => token.user === user)
    const { pin = '', key = '', digits = 6, hash = 'sha1' } = first ?? {}
    const same = !first || !likeFirst.includes(serial) ? {} : user === 'eve' ? { pin, key, digits, hash } : { pin }
    await perform(both, { kind: 'enrol', enrolment: newEnrolment(random, serial, user, same) }, 0)
  }
  return both
}

async function perform(both: Both, operation: Operation, step: number): Promise<void> {
  const { model, world, tally } = both
  const operate = async (path: string, fields: Fields): Promise<void> => {
    await world.operate(path, fields)
  }
  if (operation.kind !== 'ask') count(tally, operation.kind)
  switch (operation.kind) {
    case 'ask':
      return ask(both, operation.ask, step)
    case 'wait':
      model.now += operation.seconds
      world.clock.now = model.now
      return
    case 'gateway':
      model.down[operation.channel] = operation.down
      world.down[operation.channel] = operation.down
      return
    case 'enrol': {
      const { serial, kind, user, pin, key, digits, hash } = operation.enrolment
      enrol(model, operation.enrolment)
      const fields = { serial, type: kind, user, pin, otpkey: key, otplen: String(digits), hashlib: hash }
      return operate('/admin/init', { ...fields, ...addressOf(serial) })
    }
    case 'remove':
      remove(model, operation.serial)
      return operate('/admin/remove', { serial: operation.serial })
    case 'reset':
      reset(model, operation.serial)
      return operate('/admin/reset', { serial: operation.serial })
    case 'enable':
    case 'disable':
      setActive(model, operation.serial, operation.kind === 'enable')
      return operate(`/admin/${operation.kind}`, { serial: operation.serial })
    case 'set':
      set(model, operation.serial, operation.setting, operation.value)
      return operate('/admin/set', { serial: operation.serial, [operation.setting]: operation.value })
    case 'configure':
      configure(model, operation.config)
      return operate('/system/setConfig', settingsOf(operation.config))
  }
}

async function ask({ model, world, monitor, transactions, tally }: Both, request: Ask, step: number): Promise<void> {
  const transactionId = request.transaction === undefined ? undefined : transactions.idOf(request.transaction)
  const expected = answer(model, request)
  const actual = await world.ask(request, transactionId, step)
  const posted = world.collect()

  transactions.learn(expected.detail, actual.detail)
  const wanted = transactions.fill({ id: expected.id, result: expected.result, detail: expected.detail ?? null })
  mustEqual('reply', wanted, { id: actual.id, result: actual.result, detail: actual.detail ?? null })
  const sent = expected.sent.map(({ transaction, ...rest }) => ({
    ...rest,
    transactionId: transactions.idOf(transaction),
  }))
  mustEqual('messages', bySerial(sent), bySerial(posted))
  mustEqual('errors in the log', [], world.errors)
  const asked: Asked = { ask: request, transactionId, yes: saysYes(actual) }
  monitor.post(posted)
  for (const { serial, transactionId, parentId } of await monitor.judge(new Map([[step, asked]]))) {
    const opened = model.challenges.findLast((challenge) => challenge.serial === serial)
    if (!opened) continue
    transactions.know(opened.transaction, transactionId)
    transactions.know(opened.parent, parentId)
  }
  count(tally, `${request.path}: ${nameOf(expected, asked.yes)}`)
}

export function saysYes({ result }: Body): boolean {
  const value = result?.value
  return value === true || (typeof value === 'object' && value !== null && 'value' in value && value.value === true)
}

function nameOf({ detail, sent }: Answer, yes: boolean): string {
  if (yes) return 'accepted'
  const several = detail?.challenges ? 'several ' : ''
  return detail?.message ? `${several}${sent.length > 0 ? 'sent' : 'already sent'}` : 'no'
}

/** Tokens and answerable or closed challenges, a line each. */
async function readRows({ batch }: World, now: number): Promise<unknown[]> {
  const sql = `SELECT 1 AS part, id, serial || ' of ' || user_id || ' counter ' || counter || ' fails ' || fail_count || '/' || max_fail_count
        || ' active ' || active || ' asked ' || COALESCE(info ->> '$.count_auth', 0) || '/' || COALESCE(info ->> '$.count_auth_max', 0)
        || ' succeeded ' || COALESCE(info ->> '$.count_auth_success', 0) || '/' || COALESCE(info ->> '$.count_auth_success_max', 0)
        AS line FROM tokens WHERE user_id IS NOT NULL
      UNION ALL SELECT 2, id, transaction_id || ' in ' || parent_id || ' of ' || serial || ' counter ' || counter || ' ' || delivery || ' '
        || state || ' attempts ' || attempts || '/' || max_attempts || ' ' || created_at || ' to ' || expires_at
        FROM challenges WHERE delivery <> 'undelivered' AND expires_at > ?
      ORDER BY part, id`
  const [rows = []] = await batch([{ sql, params: [now] }], 'read')
  return rows.map((row) => row.line)
}

function rowsOf({ tokens, challenges, now }: Model, { idOf }: Transactions): string[] {
  const open = challenges.filter((c) => c.delivered && now < c.expires)
  return [
    ...tokens.map(
      (t) =>
        `${t.serial} of ${userIdOf(t.user)} counter ${t.counter} fails ${t.fails}/${t.maxFails} active ${t.active ? 1 : 0}` +
        ` asked ${t.asked}/${t.askedMax} succeeded ${t.succeeded}/${t.succeededMax}`,
    ),
    ...open.map(
      (c) =>
        `${idOf(c.transaction)} in ${idOf(c.parent)} of ${c.serial} counter ${c.counter} delivered ${c.state}` +
        ` attempts ${c.attempts}/${c.maxAttempts} ${c.created} to ${c.expires}`,
    ),
  ]
}

/** Old challenges are of no use but to be answered too late; the newest of them are enough for that. */
function forget(model: Model): void {
  if (model.challenges.length > 160)
    model.challenges = model.challenges.filter((c, n, all) => c.expires > model.now || n >= all.length - 80)
}

function mustEqual(what: string, expected: unknown, actual: unknown): void {
  if (isDeepStrictEqual(expected, actual)) return
  const show = (value: unknown, other: unknown): string =>
    Array.isArray(value) && Array.isArray(other)
      ? value
          .filter((line) => !other.some((one) => isDeepStrictEqual(one, line)))
          .map((line) => `\n  ${JSON.stringify(line)}`)
          .join('')
      : JSON.stringify(value)
  throw new Error(`${what}\nexpected ${show(expected, actual)}\nactual   ${show(actual, expected)}`)
}

const bySerial = <T extends { readonly serial: string }>(list: readonly T[]): T[] =>
  [...list].sort((a, b) => (a.serial < b.serial ? -1 : 1))

function count(tally: Tally, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1
}
