/** Tokens as administrators see them: lists in pages (contract 7.2, 7.6), and serials that are free. */
import type { AdminFailure } from '../core/failures.ts'
import { isAnything } from '../core/pattern.ts'
import { err, ok, type Result } from '../core/result.ts'
import { pageSize } from '../core/setting-keys.ts'
import { isDirectory, type Settings, settingOf } from '../core/settings.ts'
import type { Owner } from '../core/token.ts'
import type { TokenOrder, TokenSelection } from '../ports/store.ts'
import type { Facts } from './facts.ts'
import { resolversWithin } from './rights.ts'
import type { Choice, ShownToken, TokenParts } from './token-choice.ts'
import { type UserSelection, withOwners } from './users.ts'

export type ShowCommand = {
  readonly where: TokenSelection
  /** The one user whose tokens these are; null: whoever. */
  readonly user: UserSelection | null
  readonly order: TokenOrder
  readonly descending: boolean
  /** The first one is 0; null: everything on one page. */
  readonly page: number | null
  /** null: as the settings say. */
  readonly pageSize: number | null
}
export type Shown = {
  readonly tokens: readonly ShownToken[]
  readonly total: number
  readonly page: number
  readonly pages: number
  readonly pageSize: number
  readonly settings: Settings
}

/** Users of directories that one pattern may find: they all go into one statement. */
const MAX_OWNERS = 5000
/** D1 takes no longer pattern. */
const MAX_PATTERN_BYTES = 50

export function createTokenShow({ store, audit, settings: cache, directories }: TokenParts, choice: Choice) {
  return { show, freeSerial }

  async function show(command: ShowCommand, facts: Facts): Promise<Result<Shown, AdminFailure>> {
    const { where, user, order, descending } = command
    const tooLong = longPattern(where)
    if (tooLong) return tooLong
    const settings = await cache.fresh()
    // A user that nobody knows has no tokens; that is no error when tokens are shown.
    const selected = await choice.select(settings, { serials: null, user }, facts)
    if (!selected.ok && selected.error.code === 'resolver_unavailable') return selected
    const elsewhere = await ownersElsewhere(settings, where.login, facts)
    if (!elsewhere.ok) return elsewhere
    const size = command.pageSize ?? settingOf(settings, pageSize)
    const page = command.page ?? 0
    const part = command.page === null ? { offset: 0, limit: null } : { offset: page * size, limit: size }
    const { tokens: found, total } = selected.ok
      ? await store.pageOfTokens({
          where: { ...where, ...elsewhere.value, ...selected.value, within: facts.within },
          order,
          descending,
          ...part,
        })
      : { tokens: [], total: 0 }
    const tokens = await withOwners(directories.askedBy(facts), settings, found)
    await audit.write(facts, {
      success: true,
      user: user?.user ?? '',
      realm: (where.realms ?? [user?.realm ?? '']).join(','),
      serial: [...(where.serials ?? []), ...(where.serialPatterns ?? [])].join(' '),
    })
    const all = { page: 0, pages: 1, pageSize: tokens.length }
    const paged = { page, pages: Math.ceil(total / size), pageSize: size }
    return ok({ tokens, total, settings, ...(command.page === null ? all : paged) })
  }

  /** Of a pattern of logins, whom directories know; all of them must answer, or tokens would be missing. */
  async function ownersElsewhere(
    settings: Settings,
    login: string | undefined,
    facts: Facts,
  ): Promise<Result<Pick<TokenSelection, 'owners'>, AdminFailure>> {
    if (login === undefined || isAnything(login)) return ok({})
    const names = resolversWithin(settings, facts).filter((name) => isDirectory(settings, name))
    const ask = (name: string) => directories.askedBy(facts).list(settings, name, { username: login }, MAX_OWNERS + 1)
    const owners: Owner[] = []
    for (const answer of await Promise.all(names.map(ask))) {
      if (!answer.ok) return err({ code: 'resolver_unavailable', ...answer.error })
      owners.push(...answer.value.map(({ userId, resolver }) => ({ userId, resolver })))
    }
    if (owners.length > MAX_OWNERS) {
      const rule = `must find at most ${MAX_OWNERS} users of directories`
      return err({ code: 'parameter_invalid', field: 'user', rule })
    }
    return ok(owners.length === 0 ? {} : { owners })
  }

  /** The serial itself when it is free, else with `_01`, `_02` … behind it. */
  async function freeSerial(serial: string, facts: Facts): Promise<string> {
    const candidates = [serial, ...Array.from({ length: 99 }, (_, n) => `${serial}_${String(n + 1).padStart(2, '0')}`)]
    const taken = (await store.findTokens({ serials: candidates })).map((token) => token.serial)
    await audit.write(facts, { success: true, serial })
    return candidates.find((candidate) => !taken.includes(candidate)) ?? serial
  }
}

function longPattern({ serialPatterns = [], login = '', realms = [] }: TokenSelection) {
  const long = (texts: readonly string[]) =>
    texts.some((text) => new TextEncoder().encode(text).length > MAX_PATTERN_BYTES)
  const fields = [
    ['serial', serialPatterns],
    ['user', [login]],
    ['realm', realms],
  ] as const
  const field = fields.find(([, texts]) => long(texts))?.[0]
  const rule = `with a * must have at most ${MAX_PATTERN_BYTES} bytes`
  return field && err({ code: 'parameter_invalid', field, rule } as const)
}
