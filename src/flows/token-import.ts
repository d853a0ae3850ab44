/**
 * Many tokens from a file. Each row stands for itself: it becomes a token with a line of its own in the audit, or is
 * refused by field and rule. Rows are taken in lumps, each a few statements, and told as soon as their lump is committed.
 */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import type { RowProblem, TokenRow } from '../core/token-rows.ts'
import { findTokenType, tokenTypes } from '../core/tokens/index.ts'
import type { UserRecord } from '../core/users.ts'
import type { NewTokens, OwnedToken } from '../ports/store.ts'
import type { Facts } from './facts.ts'
import { createNewToken, type EnrollCommand, readParameters, type Target, targetOf, targetWithin } from './new-token.ts'
import type { TokenParts } from './token-choice.ts'
import { findUser, type UserSelection } from './users.ts'

export type ImportCommand = {
  readonly rows: readonly TokenRow[]
  /** What was wrong with other rows already. */
  readonly problems: readonly RowProblem[]
  readonly dryRun: boolean
}
/** `importable`: it would be, were it not for the dry run; a serial that would be made up is null. */
export type ImportOutcome =
  | { readonly line: number; readonly outcome: 'imported' | 'importable'; readonly serial: string | null }
  | (RowProblem & { readonly outcome: 'refused' })
export type ImportSummary = {
  readonly imported: number
  readonly importable: number
  readonly refused: number
  readonly dryRun: boolean
}

/** A row that was read and looked up. */
type Candidate = {
  readonly line: number
  readonly command: EnrollCommand
  readonly target: Target
  readonly enabled: boolean
}

const LUMP = 250
const TRIES = 3

export function createTokenImport({ store, vault, edges, audit, settings: cache, directories }: TokenParts) {
  const { newToken, newSerial } = createNewToken({ vault, random: edges.random })
  return { importTokens }

  async function* importTokens(
    { rows, problems, dryRun }: ImportCommand,
    facts: Facts,
  ): AsyncGenerator<ImportOutcome, ImportSummary> {
    const counts = { imported: 0, importable: 0, refused: problems.length }
    for (const problem of problems) yield { ...problem, outcome: 'refused' }
    for (let start = 0; start < rows.length; start += LUMP) {
      const lump = rows.slice(start, start + LUMP)
      const settings = await cache.fresh()
      const read = await prepare(lump, settings, facts)
      const outcomes = dryRun
        ? read.map((one) => (one.ok ? importable(one.value) : refused(one.error)))
        : await commit(read, settings, { ...facts, requestId: `${facts.requestId}.${start}` })
      for (const outcome of outcomes) {
        counts[outcome.outcome]++
        yield outcome
      }
    }
    await audit.write(
      { ...facts, requestId: `${facts.requestId}.end` },
      { success: counts.refused === 0, info: `${told(counts)}${dryRun ? ' (dry run)' : ''}` },
    )
    return { ...counts, dryRun }
  }

  async function prepare(lump: readonly TokenRow[], settings: Settings, facts: Facts) {
    const users = new Map<string, Promise<Result<UserRecord, AdminFailure>>>()
    const lookUp = (selection: UserSelection) => {
      const key = JSON.stringify(selection)
      const known = users.get(key) ?? findUser({ store, directories: directories.askedBy(facts) }, settings, selection)
      users.set(key, known)
      return known
    }
    const read = await Promise.all(
      lump.map(async ({ line, fields }): Promise<Result<Candidate, RowProblem>> => {
        const problem = (failure: AdminFailure) => err(problemOf(line, failure))
        const command = readCommand(fields)
        if (!command.ok) return problem(command.error)
        const { command: one, enabled } = command.value
        const reached = targetWithin(one, settings, facts)
        if (!reached.ok) return problem(reached.error)
        const user = one.user && (await lookUp(one.user))
        if (user && !user.ok) return problem(user.error)
        const type = findTokenType(one.type)
        if (!type) return problem({ code: 'token_type_unknown', type: one.type })
        const parameters = readParameters(one, type, settings)
        if (!parameters.ok) return problem(parameters.error)
        const found = { type, user: user?.ok ? user.value : null, parameters: parameters.value, existing: null }
        const target = targetOf(one, found, settings, facts)
        return target.ok ? ok({ line, command: one, target: target.value, enabled }) : problem(target.error)
      }),
    )
    return withoutExisting(read)
  }

  /** Tokens that are there already; asked again, under a guard, when the lump is committed. */
  async function withoutExisting(read: readonly Result<Candidate, RowProblem>[]) {
    const good = read.flatMap((one) => (one.ok ? [one.value] : []))
    const serials = good.flatMap(({ command }) => command.serial ?? [])
    const owners = good.flatMap(({ command, target }) =>
      command.serial === null && target.owner ? [target.owner] : [],
    )
    const [taken, owned] = await Promise.all([
      serials.length === 0 ? [] : store.findTokens({ serials }),
      owners.length === 0 ? [] : store.findTokens({ owners }),
    ])
    return read.map((one): Result<Candidate, RowProblem> => {
      if (!one.ok) return one
      const { line, command, target } = one.value
      if (command.serial !== null)
        return taken.some(({ serial }) => serial === command.serial) ? err(isTaken(line)) : one
      return owned.some((token) => isAlike(token, target)) ? err(isThere(line)) : one
    })
  }

  async function commit(read: readonly Result<Candidate, RowProblem>[], settings: Settings, facts: Facts) {
    const outcomes = new Map<number, ImportOutcome>()
    let left = read.flatMap((one, index) => (one.ok ? [{ index, candidate: one.value }] : []))
    const counts = await countsOf(left.map(({ candidate }) => candidate))
    for (let tries = 0; left.length > 0; tries++) {
      const entries = await Promise.all(
        left.map(async ({ index, candidate }): Promise<NewTokens> => {
          const { command, target, enabled } = candidate
          const { type, details, parameters } = target
          const number = (counts.get(type.name) ?? 0) + index + 1
          const serial = command.serial ?? newSerial(type.serialPrefix, number)
          const token = { ...(await newToken(serial, target, command, settings, facts)), active: enabled }
          const own = { ...facts, requestId: `${facts.requestId}.${index}.${tries}` }
          const row = await audit.row(own, { ...details, serial })
          const { address } = parameters
          const alike =
            address === null || command.serial !== null ? null : { field: type.addressField, value: address }
          return { token, audit: row, ...(alike && { alike }) }
        }),
      )
      const done = await store.createTokens(entries)
      const again: typeof left = []
      for (const [n, one] of left.entries()) {
        const { line, command } = one.candidate
        const [made, serial] = [done[n], entries[n]?.token.serial ?? '']
        if (made === 'done') outcomes.set(one.index, { line, outcome: 'imported', serial })
        else if (made === 'taken' && command.serial === null && tries < TRIES) again.push(one)
        else if (made === 'taken') outcomes.set(one.index, refused(isTaken(line)))
        else if (made === 'alike' || made === undefined) outcomes.set(one.index, refused(isThere(line)))
        else outcomes.set(one.index, refused(problemOf(line, { code: 'token_limit_reached', limit: made })))
      }
      left = again
    }
    return read.flatMap((one, index) => (one.ok ? (outcomes.get(index) ?? []) : refused(one.error)))
  }

  async function countsOf(candidates: readonly Candidate[]): Promise<ReadonlyMap<string, number>> {
    const types = [
      ...new Set(candidates.filter(({ command }) => command.serial === null).map((one) => one.target.type.name)),
    ]
    return new Map(await Promise.all(types.map(async (type) => [type, await store.countTokens(type)] as const)))
  }
}

const refused = (problem: RowProblem): ImportOutcome => ({ ...problem, outcome: 'refused' })
const importable = ({ line, command }: Candidate): ImportOutcome => ({
  line,
  outcome: 'importable',
  serial: command.serial,
})
const told = ({ imported, importable, refused }: Omit<ImportSummary, 'dryRun'>): string =>
  `${imported} imported, ${refused} refused${importable > 0 ? `, ${importable} importable` : ''}`

const isTaken = (line: number): RowProblem => ({
  line,
  field: 'serial',
  rule: 'must not be that of a token that exists',
})
const isThere = (line: number): RowProblem => ({
  ...{ line, field: 'user' },
  rule: 'must not own a token of this type and address already, unless the row has a serial of its own',
})

const isAlike = ({ owner, type, info }: OwnedToken, target: Target): boolean =>
  owner?.userId === target.owner?.userId &&
  owner?.resolver === target.owner?.resolver &&
  type === target.type.name &&
  info[target.type.addressField] === target.parameters.address

/** A row as the command of an enrolment. */
function readCommand(
  fields: TokenRow['fields'],
): Result<{ readonly command: EnrollCommand; readonly enabled: boolean }, AdminFailure> {
  const { user, realm, email, phone, enabled = 'true' } = fields
  const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)
  if (email !== undefined && phone !== undefined && fields.type === undefined)
    return invalid('type', 'must be given where a row has both email and phone')
  if (!/^(true|false)$/i.test(enabled)) return invalid('enabled', 'must be true or false')
  if (user === undefined && fields.serial === undefined)
    return invalid('serial', 'must be given for a token that nobody owns')
  const type = fields.type ?? (phone === undefined ? 'email' : 'sms')
  const command = {
    ...{ type, user: user === undefined ? null : { user, realm }, realm: user === undefined ? (realm ?? null) : null },
    ...{ serial: fields.serial ?? null, prefix: null, addresses: { email_address: email, phone } },
    ...{ secret: fields.secret ?? null, generateSecret: null, hash: fields.hash ?? null },
    ...{ digits: fields.digits ?? null, pin: fields.pin ?? null, description: fields.description ?? null },
  }
  return ok({ command, enabled: enabled.toLowerCase() === 'true' })
}

/** Columns by the names that enrolment has for them. */
const COLUMN_OF: Readonly<Record<string, string>> = {
  email_address: 'email',
  otpkey: 'secret',
  otplen: 'digits',
  hashlib: 'hash',
}

function problemOf(line: number, failure: AdminFailure): RowProblem {
  const problem = (field: string, rule: string): RowProblem => ({ line, field: COLUMN_OF[field] ?? field, rule })
  switch (failure.code) {
    case 'parameter_invalid':
      return problem(failure.field, failure.rule)
    case 'parameter_missing':
      return problem(failure.field, 'must be given')
    case 'user_unknown':
      return problem('user', 'must be a user of the realm')
    case 'realm_unknown':
      return problem('realm', 'must be a realm')
    case 'token_type_unknown':
      return problem('type', `must be ${tokenTypes.map(({ name }) => name).join(' or ')}`)
    case 'right_elsewhere':
      return problem(failure.what, 'must lie in a realm for which you have the right to import')
    case 'token_limit_reached':
      return failure.limit === 'activeInRealm'
        ? problem('realm', 'must have room for one more active token (policy tokencount)')
        : problem('user', 'must have room for one more token (policies maxtoken…)')
    default:
      return problem('line', `cannot be imported: ${failure.code}`)
  }
}
