/** Tokens in the store: what enrolment and administration ask of it. Part of `Store`. */
import type { Within } from '../core/policy/reach.ts'
import type { Instant } from '../core/time.ts'
import type { HashName, InfoValue, Owner, Token, TokenInfo } from '../core/token.ts'
import type { UserRecord } from '../core/users.ts'
import type { AuditRow } from './audit.ts'

export type NewToken = {
  readonly serial: string
  readonly type: string
  readonly description: string
  readonly sealedSecret: string
  readonly sealedPin: string
  readonly digits: number
  readonly hash: HashName
  readonly countWindow: number
  readonly syncWindow: number
  readonly maxFailCount: number
  readonly active: boolean
  readonly owner: Token['owner']
  readonly realms: readonly string[]
  readonly info: TokenInfo
  readonly createdAt: Instant
  /** Numbers of tokens that must not be exceeded with this one; none: no limit. */
  readonly limits?: TokenLimits
}
export type TokenLimits = {
  readonly ofUser?: number
  readonly ofUserAndType?: number
  /** Active tokens in each of the token's realms. */
  readonly activeInRealm?: number
}
/** One of many new tokens, with its own line in the audit. */
export type NewTokens = {
  readonly token: NewToken
  readonly audit: AuditRow
  /** Its owner must have no token of this type with this member of TokenInfo. */
  readonly alike?: { readonly field: string; readonly value: string }
}
/** `alike`: the owner has such a token already. */
export type Created = 'done' | 'taken' | 'alike' | keyof TokenLimits
/** What a re-initialisation keeps: windows, counters of other kinds, and what the request did not name. */
export type ReinitToken = Pick<
  NewToken,
  'serial' | 'type' | 'sealedSecret' | 'sealedPin' | 'digits' | 'hash' | 'owner' | 'realms'
> & {
  readonly info: InfoPatch
  readonly description: string | null
  readonly revision: number
}

/** Selects tokens for administration; all that is named must hold, and nothing named means all. `*` in a pattern: any text. */
export type TokenSelection = {
  readonly serials?: readonly string[]
  readonly serialPatterns?: readonly string[]
  readonly owners?: readonly { readonly userId: string; readonly resolver: string }[]
  /** Pattern of the login of an owner in the database, and `*` for any owner; beside `owners`: either of them. */
  readonly login?: string
  readonly userId?: string
  /** Pattern of the name of its owner's resolver. */
  readonly resolver?: string
  readonly assigned?: boolean
  /** Owned by somebody whom the database does not know any more; a directory would have to be asked about its users. */
  readonly orphaned?: boolean
  /** Patterns of realms, one of which holds the token; empty: it is in no realm. */
  readonly realms?: readonly string[]
  /** Tokens that lie there alone (reach.ts). */
  readonly within?: Within | undefined
  readonly type?: string
  readonly active?: boolean
  /** Text in description, resolver, serial, user id or type, in any case of letters. */
  readonly text?: string
  /** Ids above this one. */
  readonly after?: number
  /** The first so many, by id. */
  readonly limit?: number
}
export type TokenOrder =
  | 'description'
  | 'id'
  | 'type'
  | 'serial'
  | 'resolver'
  | 'userId'
  | 'failCount'
  | 'counter'
  | 'active'
  | 'createdAt'
  | 'lastAuthMatch'
  | 'lastAuthSuccess'
export type TokenPage = {
  readonly where: TokenSelection
  /** Tokens that are equal in it stand in the order of enrolment. */
  readonly order: TokenOrder
  readonly descending: boolean
  readonly offset: number
  /** null: all. */
  readonly limit: number | null
}
export type OwnedToken = Token & { readonly user: UserRecord | null }

/** What becomes of members of TokenInfo; null takes one away. */
export type InfoPatch = Readonly<Record<string, InfoValue | null>>

/**
 * A changed token: only the named columns change, under the revision that was seen. With the owner end its open
 * challenges: their messages went to somebody else.
 */
export type TokenChange = {
  readonly serial: string
  readonly revision: number
  readonly set: Partial<{
    readonly sealedPin: string
    readonly description: string
    readonly digits: number
    readonly hash: HashName
    readonly countWindow: number
    readonly syncWindow: number
    readonly maxFailCount: number
    readonly active: boolean
    readonly owner: Token['owner']
    readonly realms: readonly string[]
    readonly failCount: 0
    readonly info: InfoPatch
  }>
}
/** What must hold beside the revisions of the tokens that change. */
export type ChangeGuards = Bound & {
  /** Tokens that were read for the change, and must be as they were. */
  readonly unchanged?: readonly Pick<TokenChange, 'serial' | 'revision'>[]
  readonly limits?: readonly TokenLimit[]
}
/** Where all tokens of a change must lie (reach.ts), so that none is told or changed that has moved out of reach. */
export type Bound = { readonly within?: Within | undefined }
/** With `joining` there are at most so many tokens of the owner, of its type, or active ones in the realm. */
export type TokenLimit = { readonly joining: readonly string[]; readonly atMost: number } & (
  | { readonly kind: 'ofUser'; readonly owner: Owner }
  | { readonly kind: 'ofUserAndType'; readonly owner: Owner; readonly type: string }
  | { readonly kind: 'activeInRealm'; readonly realm: string }
)
/** An OTP was given: the counter moves behind it. */
export type CounterMove = {
  readonly serial: string
  readonly revision: number
  /** Counter of the OTP. */
  readonly matched: number
  readonly next: number
  readonly resetFailCount: boolean
}

export type TokenStore = {
  readonly findTokens: (selection: TokenSelection) => Promise<readonly OwnedToken[]>
  /** One page, and how many tokens there are on all of them. */
  readonly pageOfTokens: (
    page: TokenPage,
  ) => Promise<{ readonly tokens: readonly OwnedToken[]; readonly total: number }>
  readonly countTokens: (type: string) => Promise<number>
  /** `taken`: a token with this serial exists. */
  readonly createToken: (token: NewToken, audit: AuditRow) => Promise<'done' | 'taken' | keyof TokenLimits>
  /** As many as can be, each for itself, in a few statements. @returns what became of each */
  readonly createTokens: (tokens: readonly NewTokens[]) => Promise<readonly Created[]>
  /**
   * The new token is there, and the other one is disabled with its challenges; or neither. Here and below, `elsewhere`: a
   * token lies not `within`.
   */
  readonly replaceToken: (
    token: NewToken,
    replaced: { readonly serial: string; readonly revision: number },
    audit: AuditRow,
    bound?: Bound,
  ) => Promise<'done' | 'taken' | 'lost' | 'elsewhere'>
  /** `lost`: the token changed or vanished since it was read. Its open challenges end. */
  readonly reinitToken: (
    token: ReinitToken,
    audit: AuditRow,
    guards?: Omit<ChangeGuards, 'unchanged'>,
  ) => Promise<'done' | 'lost' | 'elsewhere' | keyof TokenLimits>
  /** All changes or none: `lost` when one of the tokens changed since it was read. */
  readonly changeTokens: (
    changes: readonly TokenChange[],
    audit: AuditRow,
    guards?: ChangeGuards,
  ) => Promise<'done' | 'lost' | 'elsewhere' | keyof TokenLimits>
  /** `lost`: the counter has passed the OTP, or the token changed since it was read. */
  readonly moveCounter: (move: CounterMove, audit: AuditRow, bound?: Bound) => Promise<'done' | 'lost' | 'elsewhere'>
  /** @returns how many tokens were removed, challenges included; or none */
  readonly removeTokens: (serials: readonly string[], audit: AuditRow, bound?: Bound) => Promise<number | 'elsewhere'>
  readonly resetFailCounts: (
    serials: readonly string[],
    audit: AuditRow,
    bound?: Bound,
  ) => Promise<number | 'elsewhere'>
}
