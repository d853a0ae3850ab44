/** Administration of tokens: show, remove, enable, disable, reset, set (contract 7.1). */
import type { AdminFailure } from '../core/failures.ts'
import { isWithin } from '../core/policy/reach.ts'
import { policyFor } from '../core/policy/subject.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import type { Token } from '../core/token.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { UserRecord } from '../core/users.ts'
import type { Store, TokenChange, TokenSelection } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import { checkDestination } from './destination.ts'
import type { Facts } from './facts.ts'
import { keepWithin } from './rights.ts'
import type { SettingsCache } from './settings.ts'
import { SETTERS } from './token-settings.ts'
import { findUser, type UserSelection, userWithin } from './users.ts'

/** Tokens by serial, by owner, or both; `*` in a serial stands for any text when tokens are shown. */
export type Selection = { readonly serials: readonly string[] | null; readonly user: UserSelection | null }

export type ShowCommand = Selection & {
  readonly realm: string | null
  readonly sortBy: string | null
  readonly descending: boolean
  readonly page: number | null
  readonly pageSize: number | null
}
export type ShownToken = Token & { readonly user: UserRecord | null }
export type Shown = {
  readonly tokens: readonly ShownToken[]
  readonly total: number
  readonly page: number
  readonly pages: number
  readonly settings: Settings
}

/** Settings of `admin/set`, by the names of the contract, in lower case. */
export type TokenSettings = Readonly<Record<string, string>>
export type SetResult = { readonly name: string; readonly count: number }

export type TokenAdmin = {
  readonly show: (command: ShowCommand, facts: Facts) => Promise<Result<Shown, AdminFailure>>
  /** null: nobody owns it, or nobody knows the owner. */
  readonly owner: (serial: string, facts: Facts) => Promise<Result<UserRecord | null, AdminFailure>>
  /** The serial itself when it is free, else with `_01`, `_02` … behind it. */
  readonly freeSerial: (serial: string, facts: Facts) => Promise<string>
  readonly remove: (selection: Selection, facts: Facts) => Promise<Result<number, AdminFailure>>
  readonly setActive: (selection: Selection, active: boolean, facts: Facts) => Promise<Result<number, AdminFailure>>
  readonly reset: (selection: Selection, facts: Facts) => Promise<Result<number, AdminFailure>>
  readonly set: (
    selection: Selection,
    settings: TokenSettings,
    facts: Facts,
  ) => Promise<Result<readonly SetResult[], AdminFailure>>
}

type Parts = { readonly store: Store; readonly vault: Vault; readonly audit: Audit; readonly settings: SettingsCache }

const CHANGED_MEANWHILE = {
  code: 'parameter_invalid',
  field: 'serial',
  rule: 'must not be changed by a request at the same time',
} as const

export function createTokenAdmin({ store, vault, audit, settings: cache }: Parts): TokenAdmin {
  return { show, owner, freeSerial, remove, setActive, reset, set }

  async function show(command: ShowCommand, facts: Facts): Promise<Result<Shown, AdminFailure>> {
    const settings = await cache.fresh()
    const key = sortKey(command.sortBy)
    if (!key.ok) return key
    const patterns = command.serials?.some((serial) => serial.includes('*')) ? command.serials.map(wildcard) : null
    // A user that nobody knows has no tokens; that is no error when tokens are shown.
    const selection = await select(settings, patterns ? { ...command, serials: null } : command)
    const found = selection.ok ? await store.findTokens(selection.value) : []
    const realm = command.realm?.toLowerCase() ?? ''
    const tokens = found
      .filter((token) => patterns === null || patterns.some((pattern) => pattern.test(token.serial)))
      .filter((token) => realm === '' || realm === '*' || token.realms.includes(realm))
      .filter((token) => isWithin(token.realms, facts.within))
      .toSorted((a, b) => compare(key.value(a), key.value(b)))
    if (command.descending) tokens.reverse()
    await audit.write(facts, {
      success: true,
      user: command.user?.user ?? '',
      realm,
      serial: command.serials?.join(' ') ?? '',
    })
    return ok({ settings, ...paged(tokens, command) })
  }

  async function owner(serial: string, facts: Facts): Promise<Result<UserRecord | null, AdminFailure>> {
    const [token] = await store.findTokens({ serials: [serial] })
    if (!token) return err({ code: 'token_unknown', serial })
    const reached = keepWithin('token', token.realms, facts)
    if (!reached.ok) return reached
    await audit.write(facts, { success: true, serial, tokenType: token.type, user: token.user?.login ?? '' })
    return ok(token.user)
  }

  async function freeSerial(serial: string, facts: Facts): Promise<string> {
    const candidates = [serial, ...Array.from({ length: 99 }, (_, n) => `${serial}_${String(n + 1).padStart(2, '0')}`)]
    const taken = (await store.findTokens({ serials: candidates })).map((token) => token.serial)
    await audit.write(facts, { success: true, serial })
    return candidates.find((candidate) => !taken.includes(candidate)) ?? serial
  }

  async function remove(selection: Selection, facts: Facts): Promise<Result<number, AdminFailure>> {
    const chosen = await choose(selection, facts)
    if (!chosen.ok) return chosen
    const row = await rowOf(facts, chosen.value)
    return counted(await store.removeTokens(serials(chosen.value), row, facts.within))
  }

  async function setActive(selection: Selection, active: boolean, facts: Facts): Promise<Result<number, AdminFailure>> {
    const chosen = await choose(selection, facts)
    if (!chosen.ok) return chosen
    const changes = chosen.value.map(({ serial, revision }) => ({ serial, revision, set: { active } }))
    const done = await store.changeTokens(changes, await rowOf(facts, chosen.value))
    return done === 'done' ? ok(changes.length) : err(CHANGED_MEANWHILE)
  }

  async function reset(selection: Selection, facts: Facts): Promise<Result<number, AdminFailure>> {
    const chosen = await choose(selection, facts)
    if (!chosen.ok) return chosen
    const row = await rowOf(facts, chosen.value)
    return counted(await store.resetFailCounts(serials(chosen.value), row, facts.within))
  }

  async function set(
    selection: Selection,
    settings: TokenSettings,
    facts: Facts,
  ): Promise<Result<readonly SetResult[], AdminFailure>> {
    const names = Object.keys(settings).filter((name) => Object.hasOwn(SETTERS, name))
    if (names.length === 0)
      return err({ code: 'settings_missing', known: Object.values(SETTERS).map((setter) => setter.name) })
    const chosen = await choose(selection, facts)
    if (!chosen.ok) return chosen
    const changes: TokenChange[] = []
    for (const token of chosen.value) {
      let change: TokenChange['set'] = {}
      for (const name of names) {
        const setter = SETTERS[name]
        const read = setter?.read(settings[name] ?? '')
        if (!setter || !read) continue
        if (setter.only && setter.only !== token.type)
          return err({
            code: 'parameter_invalid',
            field: setter.name,
            rule: `is a setting of ${setter.only} tokens, ${token.serial} is of type ${token.type}`,
          })
        if (!read.ok) return err({ code: 'parameter_invalid', field: setter.name, rule: read.error })
        change = {
          ...change,
          ...read.value,
          ...(read.value.info ? { info: { ...change.info, ...read.value.info } } : {}),
        }
      }
      const destination = await newDestination(token, change, facts)
      if (!destination.ok) return destination
      const pin = settings.pin
      if (pin !== undefined) change = { ...change, sealedPin: await vault.sealPin(pin, place.pin(token.serial)) }
      changes.push({ serial: token.serial, revision: token.revision, set: change })
    }
    const done = await store.changeTokens(changes, await rowOf(facts, chosen.value, names.join(', ')))
    if (done === 'lost') return err(CHANGED_MEANWHILE)
    return ok(names.map((name) => ({ name: SETTERS[name]?.name ?? name, count: changes.length })))
  }

  async function newDestination(token: ShownToken, { info }: TokenChange['set'], facts: Facts) {
    const type = findTokenType(token.type)
    const address = type && info?.[type.addressField]
    if (!type || address === undefined) return ok(null)
    const { client, time } = facts
    const asked = { user: token.user, realm: token.realms[0] ?? null, client, time }
    return checkDestination(type, policyFor(await cache.known(), asked), String(address))
  }

  /**
   * The tokens an administrator means, if all of them are within reach. Without serial and user none are meant, never
   * all.
   */
  async function choose(selection: Selection, facts: Facts): Promise<Result<readonly ShownToken[], AdminFailure>> {
    if (selection.serials === null && selection.user === null) return ok([])
    const settings = await cache.fresh()
    const reached = selection.user ? userWithin(selection.user, settings, facts) : ok(true)
    if (!reached.ok) return reached
    const selected = await select(settings, selection)
    if (!selected.ok) return selected
    const tokens = await store.findTokens(selected.value)
    const outside = tokens.find((token) => !isWithin(token.realms, facts.within))
    return outside ? err({ code: 'right_elsewhere', what: 'token' }) : ok(tokens)
  }

  async function select(
    settings: Settings,
    { serials, user }: Selection,
  ): Promise<Result<TokenSelection, AdminFailure>> {
    const bySerial = serials === null ? {} : { serials }
    if (user === null) return ok(bySerial)
    const found = await findUser(store, settings, user)
    if (!found.ok) return found
    const { userId, resolver } = found.value
    return ok({ ...bySerial, owners: [{ userId, resolver }] })
  }

  function rowOf(facts: Facts, tokens: readonly ShownToken[], info = '') {
    const [first] = tokens
    return audit.row(facts, {
      success: tokens.length > 0,
      serial: serials(tokens).join(' '),
      tokenType: [...new Set(tokens.map((token) => token.type))].join(' '),
      user: first?.user?.login ?? '',
      realm: first?.realms[0] ?? '',
      info,
    })
  }
}

const counted = (count: number | 'elsewhere'): Result<number, AdminFailure> =>
  count === 'elsewhere' ? err({ code: 'right_elsewhere', what: 'token' }) : ok(count)

const serials = (tokens: readonly ShownToken[]): readonly string[] => tokens.map((token) => token.serial)

const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  )

/** Sort keys (contract 7.2); ties keep the order of enrolment. */
const SORT_KEYS: Readonly<Record<string, (token: ShownToken) => string | number>> = {
  TokenDesc: (t) => t.description,
  TokenId: (t) => t.id,
  TokenType: (t) => t.type,
  TokenSerialnumber: (t) => t.serial,
  IdResolver: (t) => t.owner?.resolver ?? '',
  IdResClass: (t) => t.owner?.resolver ?? '',
  Userid: (t) => t.owner?.userId ?? '',
  FailCount: (t) => t.failCount,
  Count: (t) => t.counter,
  Isactive: (t) => (t.active ? 1 : 0),
  CreationDate: (t) => t.createdAt,
  LastAuthMatch: (t) => t.lastAuthMatch ?? 0,
  LastAuthSuccess: (t) => t.lastAuthSuccess ?? 0,
}

function sortKey(name: string | null): Result<(token: ShownToken) => string | number, AdminFailure> {
  const key = Object.hasOwn(SORT_KEYS, name ?? '') ? SORT_KEYS[name ?? ''] : undefined
  if (key) return ok(key)
  if (name === null || name === '') return ok((token) => token.description)
  return err({
    code: 'parameter_invalid',
    field: 'sortby',
    rule: `must be one of ${Object.keys(SORT_KEYS).join(', ')}`,
  })
}

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0)

function paged(tokens: readonly ShownToken[], { page, pageSize }: ShowCommand): Omit<Shown, 'settings'> {
  if (page === null) return { tokens, total: tokens.length, page: 1, pages: 1 }
  const size = pageSize ?? 50
  const start = (page - 1) * size
  return {
    tokens: tokens.slice(start, start + size),
    total: tokens.length,
    page,
    pages: Math.ceil(tokens.length / size),
  }
}
