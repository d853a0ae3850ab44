/**
 * Store: what can be asked of the database, in the words of the domain. Written once in `adapters/store/` over `Batch`.
 *
 * Every change is one conditional batch: the guard stands in the statement, rows are counted from RETURNING, the audit
 * row is written in the same transaction. No function here is a read followed by a write.
 */
import type { Challenge, DeliveryState } from '../core/challenge.ts'
import type { Bucket } from '../core/limits.ts'
import type { PasswdUser } from '../core/passwd.ts'
import type { PolicyRecord } from '../core/policy/policy.ts'
import type { Rate } from '../core/policy/rate.ts'
import type { ConfigEntry, ProviderKey, ProviderRecord, ProviderType, Settings } from '../core/settings.ts'
import type { Throttle } from '../core/throttle.ts'
import type { Instant, Seconds } from '../core/time.ts'
import type { Token, TokenInfo } from '../core/token.ts'
import type { UserRecord } from '../core/users.ts'
import type { AdminStore } from './admins.ts'
import type { AuditEntry, AuditRow, AuditStore } from './audit.ts'
import type { SelfServiceStore } from './self-service.ts'
import type { TokenStore } from './tokens.ts'

export type Row = Readonly<Record<string, string | number | null>>
export type Statement = { readonly sql: string; readonly params: readonly (string | number | null)[] }

/** Runs the statements as one transaction, in order, and rolls all of them back when one fails. */
export type Batch = (statements: readonly Statement[], mode: 'read' | 'write') => Promise<readonly (readonly Row[])[]>

export type * from './tokens.ts'
export type { AuditEntry, AuditRow }

export type GatherQuery = {
  /** User lookups, tried in order; the first that finds somebody counts. */
  readonly users: readonly { readonly login: string; readonly resolvers: readonly string[] }[]
  /** Users of directories, found there by the same lookups: their tokens are meant as well. */
  readonly owners?: readonly { readonly resolver: string; readonly userId: string }[]
  /** Only this token. Without `users` it is looked up whoever owns it, else it must belong to the user. */
  readonly serial: string | null
  readonly tokenType: string | null
  /** Without `users` and `serial`: the tokens that have a challenge in this transaction, answered ones included. */
  readonly transactionId?: string
  /** Is one of these full? */
  readonly buckets?: readonly Bucket[]
  readonly now: Instant
}
export type Gathered = {
  readonly version: number
  /** One of `query.buckets` is full. */
  readonly full: boolean
  /** Per entry of `query.users`. */
  readonly users: readonly (readonly UserRecord[])[]
  readonly tokens: readonly Token[]
  /** Open, unexpired challenges of `tokens`. */
  readonly challenges: readonly Challenge[]
  /** Where no user was named: the owners, by serial. */
  readonly owners: ReadonlyMap<string, UserRecord>
}

export type NewResolver = {
  readonly name: string
  readonly type: string
  readonly data: Readonly<Record<string, string>>
  /** Of a directory. */
  readonly sealedConfig?: string
  /** Replace those that are there; null leaves them. */
  readonly users: readonly PasswdUser[] | null
}

export type ListUsersQuery = {
  readonly resolver: string
  /** What `next` was; 0 at the beginning. */
  readonly after: number
  /** How many to leave out from there. */
  readonly skip: number
  readonly limit: number
  /** Only users in whose attribute this text, in lower case, is found; `username` and `userid` count as attributes. */
  readonly holds: readonly { readonly attribute: string; readonly text: string }[]
}

/** `attributes` are merged into those that are there. */
export type UserChange = {
  readonly login?: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly passwordHash?: string
}

export type AcceptCommand = {
  readonly requestId: string
  readonly now: Instant
  readonly throttle: Throttle
  readonly challenge: Challenge
  readonly token: Token
  /** Serials whose fail count goes to 0. */
  readonly reset: readonly string[]
  /** Serials whose fail count goes up whatever happens: locked and expired ones. */
  readonly failed: readonly string[]
  /** Tokens that go with the first success of a better one; `audit.purged` tells of them. */
  readonly purge?: readonly string[]
  /** Stamp LastAuthMatch and LastAuthSuccess? (`token.last_access`) */
  readonly stampAccess: boolean
  /** The token need not be verified any more (`isUnverified`). */
  readonly verifies?: boolean
  /** While one of them is full nothing is accepted; a lost answer is counted in them. */
  readonly failures?: readonly Bucket[]
  readonly audit: { readonly done: AuditRow; readonly lost: AuditRow; readonly purged?: AuditRow }
}

export type RejectCommand = {
  readonly now: Instant
  readonly throttle: Throttle
  readonly failed: readonly string[]
  readonly judged: readonly string[]
  readonly guessed: readonly number[]
  /** The failure is counted in these. */
  readonly failures?: readonly Bucket[]
  readonly audit: AuditRow
}

export type OpenCommand = {
  readonly requestId: string
  readonly now: Instant
  readonly throttle: Throttle
  readonly parentId: string
  readonly openings: readonly {
    readonly token: Token
    readonly transactionId: string
    readonly message: string
    readonly validity: Seconds
    readonly blocking: Seconds
    readonly maxAttempts: number
    /** How far the token's counter moves: 2 for e-mail, 1 for SMS (contract 3.3). */
    readonly step: number
    /** How many challenges in how long, at most; all of them hold. None: nothing is counted. */
    readonly limits?: readonly Rate[]
    /** The message is counted in these; where one is full nothing is opened. */
    readonly buckets?: readonly Bucket[]
    /** Merged into the token's info. */
    readonly stamp?: TokenInfo
  }[]
  readonly failed: readonly string[]
  /** Challenges that the same request was a wrong answer to. */
  readonly guessed: readonly number[]
  /** Where the client's failures are counted, if this was one as well. */
  readonly failures?: readonly Bucket[]
  /** A challenge that is still pending after this long was lost by its process and blocks nobody. */
  readonly sendDeadline: Seconds
  /** `blocked`: nothing was opened, and a challenge is open; `limited`: none is, because of `limits` or `buckets`. */
  readonly audit: {
    readonly done: AuditRow
    readonly blocked: AuditRow
    readonly limited: AuditRow
    /** Nothing was opened, and nothing is open or limited: a token may not be asked any more, or there was none to ask. */
    readonly lost: AuditRow
  }
}
export type Opened = {
  /** Challenges that were made by this request; their messages must be sent now. */
  readonly opened: readonly Challenge[]
  /** For tokens that were not opened: the challenge that blocks them, if there is one. */
  readonly blocking: readonly Challenge[]
  /** Tokens that were not opened because of `limits`, or of the bucket with this key. */
  readonly limited: readonly { readonly serial: string; readonly bucket: string | null }[]
  /** Providers that failed a short while ago and are better asked last. */
  readonly resting: readonly ProviderKey[]
}

/** `reason`: why it did not take the newest message that it was asked to; empty when that is not known. */
export type ProviderRest = ProviderKey & { readonly until: Instant; readonly reason: string }

export type FailedProvider = Pick<ProviderRecord, 'type' | 'name' | 'sealedConfig'>

export type DeliveryNote = {
  readonly requestId: string
  readonly challengeId: number
  readonly serial: string
  readonly at: Instant
  readonly delivered: boolean
  /** What the client is told, and when the challenge ends now that the provider is known. */
  readonly message: string
  readonly expiresAt: Instant
  /** With the MAC of each; see `flows/audit.ts`. */
  readonly tries: readonly {
    readonly provider: string
    readonly status: string
    readonly reason: string
    readonly mac?: string
  }[]
  /** Providers that failed begin to rest at this moment, the one that took the message no longer rests. */
  readonly rests?: {
    readonly now: Instant
    readonly failed: readonly FailedProvider[]
    readonly took: ProviderKey | null
  }
}

export type TemplateRecord = { readonly name: string; readonly source: string; readonly changedAt: Instant }

export type StoredVerdict = {
  readonly success: boolean
  readonly actionDetail: string
  /** The token whose challenge it closed, while that challenge would still be valid. */
  readonly acceptedSerial: string | null
  /** Challenges that it opened and that can still be answered, with their tokens. */
  readonly opened: readonly { readonly challenge: Challenge; readonly token: Token }[]
}

/** A key that seals something in this database, with a text by which it is known. */
export type MasterKeyRecord = { readonly id: string; readonly canary: string }
/** Columns that hold sealed values. `secret`, `pin`: by serial; `config`: by key; `provider`: by `type:name`. */
export type SealedKind = 'secret' | 'pin' | 'config' | 'provider' | 'resolver'
export type SealedValue = { readonly kind: SealedKind; readonly name: string; readonly sealed: string }
export type Resealed = SealedValue & { readonly after: string }
/** How many values of a kind can be read by this key alone; `audit`: MACs. */
export type KeyUse = { readonly id: string; readonly kind: string; readonly count: number }

/** Parts in files of their own. */
type Parts = AuditStore & AdminStore & TokenStore & SelfServiceStore

export type Store = Parts & {
  /** Number of the newest migration that the database has; null when it has none. */
  readonly schemaVersion: () => Promise<number | null>
  readonly settings: () => Promise<Settings>

  readonly gather: (query: GatherQuery) => Promise<Gathered>
  readonly accept: (command: AcceptCommand) => Promise<'done' | 'lost'>
  /** @returns the fail counts that `failed` came to, by serial */
  readonly reject: (command: RejectCommand) => Promise<ReadonlyMap<string, number>>
  /** Unexpired challenges of a transaction in any state, with their tokens. */
  readonly findChallenges: (
    transactionId: string,
    now: Instant,
  ) => Promise<readonly { readonly challenge: Challenge; readonly token: Token }[]>
  /** All unexpired challenges in any state, of one token or of all, the newest first. */
  readonly listChallenges: (serial: string | null, now: Instant) => Promise<readonly Challenge[]>
  /**
   * crypt(3) texts of the built-in store.
   *
   * @returns `own`: that of the user, whatever it is; `other`: one of some user of the resolvers that has a password.
   *   Empty when there is none.
   */
  readonly passwordHashes: (
    user: { readonly resolver: string; readonly userId: string } | null,
    resolvers: readonly string[],
  ) => Promise<{ readonly own: string; readonly other: string }>
  /** Unexpired challenges of these tokens in any state, oldest first. */
  readonly challengesOf: (serials: readonly string[], now: Instant) => Promise<readonly Challenge[]>
  readonly open: (command: OpenCommand) => Promise<Opened>
  readonly noteDelivery: (note: DeliveryNote) => Promise<void>
  /** `undelivered` also for a challenge that is gone: nobody can answer it. */
  readonly deliveryState: (challengeId: number) => Promise<DeliveryState>

  readonly setConfig: (entries: readonly ConfigEntry[], audit: AuditRow) => Promise<void>
  /** With the legacy configuration of a provider goes the provider; if it was the default, the first one becomes it. */
  readonly deleteConfig: (key: string, audit: AuditRow) => Promise<void>
  /**
   * Creates or replaces; the first of its type becomes the default, and `isDefault` takes the mark from another.
   * `managed`: it is managed by a password that was not asked for. `imported_default` is kept in its legacy keys.
   */
  readonly saveProvider: (
    provider: ProviderRecord,
    /** The `managed` of the provider that is replaced, as it was read; empty for a new one. */
    managed: string,
    audit: AuditRow,
  ) => Promise<'done' | 'managed'>
  /**
   * `default`: it is the default and not the last of its type. `lost`: the settings have moved since `version`, by which
   * no policy named it.
   */
  readonly deleteProvider: (
    provider: Pick<ProviderRecord, 'type' | 'name' | 'managed'>,
    version: number,
    audit: AuditRow,
  ) => Promise<'done' | 'unknown' | 'default' | 'managed' | 'lost'>
  /** All or none. `lost`: the settings have moved since `version`. */
  readonly savePolicies: (
    policies: readonly PolicyRecord[],
    version: number,
    audit: AuditRow,
  ) => Promise<'done' | 'lost'>
  readonly deletePolicies: (names: readonly string[], version: number, audit: AuditRow) => Promise<'done' | 'lost'>
  /** Providers that rest at this moment, by type and name. */
  readonly listRests: (now: Instant) => Promise<readonly ProviderRest[]>
  /** A message of trial arrived: the provider no longer rests. */
  readonly endRest: (provider: ProviderKey, audit: AuditRow) => Promise<void>
  /** Creates or replaces. */
  readonly saveTemplate: (template: TemplateRecord, audit: AuditRow) => Promise<void>
  readonly deleteTemplate: (name: string, audit: AuditRow) => Promise<'done' | 'unknown'>
  /** Those that are there. */
  readonly findTemplates: (names: readonly string[]) => Promise<readonly TemplateRecord[]>
  /** By name, without their sources. */
  readonly listTemplates: () => Promise<readonly (Omit<TemplateRecord, 'source'> & { readonly bytes: number })[]>
  readonly setDefaultProvider: (type: ProviderType, name: string, audit: AuditRow) => Promise<'done' | 'unknown'>

  /** @param mode `create` refuses an existing name, `replace` an unknown one and one of another type */
  readonly saveResolver: (
    resolver: NewResolver,
    mode: 'create' | 'replace',
    audit: AuditRow,
  ) => Promise<'done' | 'taken' | 'unknown'>
  readonly deleteResolver: (name: string, audit: AuditRow) => Promise<'done' | 'unknown' | 'in_use'>
  /** `unknown`: one of the resolvers does not exist. The first realm becomes the default. */
  readonly saveRealm: (name: string, resolvers: readonly string[], audit: AuditRow) => Promise<'done' | 'unknown'>
  readonly deleteRealm: (name: string, audit: AuditRow) => Promise<boolean>
  /** The empty name leaves no default. */
  readonly setDefaultRealm: (name: string, audit: AuditRow) => Promise<boolean>
  /** Those in the database: rows of passwd texts and of otpost's own resolvers. */
  readonly findUsers: (resolvers: readonly string[], login: string | null) => Promise<readonly UserRecord[]>
  readonly findUsersById: (
    owners: readonly { readonly resolver: string; readonly userId: string }[],
  ) => Promise<readonly UserRecord[]>
  /** In the order in which they came. `next`: where to go on (`after`); null: that was all. */
  readonly listUsers: (
    query: ListUsersQuery,
  ) => Promise<{ readonly users: readonly UserRecord[]; readonly next: number | null }>
  readonly countUsers: (resolver: string) => Promise<number>
  /** null: there is no such resolver of otpost's own. The revision moves whenever one of its users changes. */
  readonly readLocalUsers: (
    resolver: string,
  ) => Promise<{ readonly revision: number; readonly users: readonly UserRecord[] } | null>
  readonly addUser: (
    resolver: string,
    user: PasswdUser,
    audit: AuditRow,
  ) => Promise<'done' | 'login_taken' | 'id_taken' | 'resolver_unknown'>
  readonly changeUser: (
    resolver: string,
    login: string,
    set: UserChange,
    audit: AuditRow,
  ) => Promise<'done' | 'login_taken' | 'unknown'>
  /** @returns how many tokens have lost their owner; they stay */
  readonly removeUser: (
    resolver: string,
    login: string,
    audit: AuditRow,
  ) => Promise<{ readonly tokens: number } | 'unknown'>
  /**
   * Adds or replaces by user id, and removes by user id, all of it or nothing. An empty password hash leaves the one that
   * is there. `lost`: the resolver is gone, or a user of it has changed since `revision`.
   */
  readonly importUsers: (
    users: {
      readonly resolver: string
      readonly revision: number
      readonly save: readonly PasswdUser[]
      readonly remove: readonly string[]
    },
    audit: AuditRow,
  ) => Promise<'done' | 'lost'>

  /** The first request with this key gets it; the others are told which one that was. */
  readonly claim: (claim: {
    readonly key: string
    readonly requestId: string
    readonly now: Instant
  }) => Promise<string>
  /** What a request was told, as its row of the audit has it; null: it has none yet. */
  readonly verdictOf: (requestId: string, now: Instant) => Promise<StoredVerdict | null>

  readonly readKeys: () => Promise<readonly MasterKeyRecord[]>
  /** Nothing happens where there is one of this id. */
  readonly addKey: (key: MasterKeyRecord & { readonly createdAt: Instant }) => Promise<void>
  /** Any sealed value, a young one; null: there is none. */
  readonly someSealed: () => Promise<SealedValue | null>
  readonly keyUses: () => Promise<readonly KeyUse[]>
  /** Values of one kind that another key has sealed, by name. */
  readonly sealedOtherwise: (
    keyId: string,
    kind: SealedKind,
    after: string,
    limit: number,
  ) => Promise<readonly SealedValue[]>
  /** @returns how many were replaced; one that has been changed since it was read is left as it is */
  readonly resealValues: (values: readonly Resealed[], audit: AuditRow) => Promise<number>
  /** Forgets keys that seal nothing any more, but for `keep`. @returns their ids */
  readonly forgetKeys: (keep: readonly string[], audit: AuditRow) => Promise<readonly string[]>

  /** Ends all open challenges and moves the counters of all tokens on. @returns how many there were */
  readonly leapAhead: (by: number, audit: AuditRow) => Promise<{ readonly tokens: number; readonly challenges: number }>

  /** Deletes what has been over for long: expired challenges, ended sessions. @returns number of rows */
  readonly sweep: (now: Instant) => Promise<number>
}
