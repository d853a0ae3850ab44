/**
 * The tables, for Drizzle. `npm run migrations:generate` derives `migrations/` from this file.
 *
 * Times are epoch seconds. What is named *sealed* is AES-256-GCM text of the vault, tied to its row (ports/vault.ts);
 * nothing secret stands in a column that is not sealed or hashed. Lists are JSON text.
 */
import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** `schema` is the number of the newest migration, `version` moves with every change of settings. */
export const meta = sqliteTable('meta', {
  key: text('key').primaryKey(),
  value: integer('value').notNull(),
})

/** One row is no token: that of nobody.ts, which statements over tokens leave out. */
export const tokens = sqliteTable(
  'tokens',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    serial: text('serial').notNull(),
    type: text('type').notNull(),
    description: text('description').notNull().default(''),
    /** Sealed shared secret K (RFC 4226 §5.1). */
    secret: text('secret').notNull(),
    /** Sealed salted hash of the PIN. */
    pin: text('pin').notNull(),
    /** Moving factor C: the next counter that was not handed out (RFC 4226 §5.1). Only ever grows for one secret. */
    counter: integer('counter').notNull().default(0),
    digits: integer('digits').notNull(),
    hash: text('hash').notNull(),
    countWindow: integer('count_window').notNull(),
    syncWindow: integer('sync_window').notNull(),
    failCount: integer('fail_count').notNull().default(0),
    maxFailCount: integer('max_fail_count').notNull(),
    /** Newest failure that came while the token was not locked. */
    lastFailedAt: integer('last_failed_at'),
    active: integer('active').notNull().default(1),
    /** Owner: user id within a resolver; both null when nobody owns the token. */
    userId: text('user_id'),
    resolver: text('resolver'),
    /** JSON list of realm names. */
    realms: text('realms').notNull().default('[]'),
    /** JSON object: address, usage limits, validity period; the names are those of LinOTP's TokenInfo. */
    info: text('info').notNull().default('{}'),
    /** Moves whenever an administrator changes the token; a decision made on an older revision is not committed. */
    revision: integer('revision').notNull().default(1),
    createdAt: integer('created_at').notNull(),
    /** JSON list of moments at which a message was sent under a `send_limit`; no more than core/policy/rate.ts bounds. */
    sentAt: text('sent_at').notNull().default('[]'),
    lastAuthMatch: integer('last_auth_match'),
    lastAuthSuccess: integer('last_auth_success'),
  },
  (t) => [uniqueIndex('tokens_serial').on(t.serial), index('tokens_owner').on(t.resolver, t.userId)],
)

export const challenges = sqliteTable(
  'challenges',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    transactionId: text('transaction_id').notNull(),
    /** The transaction that sub-transactions (`.01`, `.02`) belong to; equals `transaction_id` for a single challenge. */
    parentId: text('parent_id').notNull(),
    serial: text('serial').notNull(),
    /** Moving factor of the OTP that was sent; the OTP itself is stored nowhere. */
    counter: integer('counter').notNull(),
    /** open | accepted | exhausted | superseded */
    state: text('state').notNull().default('open'),
    /** pending | delivered | undelivered */
    delivery: text('delivery').notNull().default('pending'),
    attempts: integer('attempts').notNull().default(0),
    /** 0: bounded by the token's fail count alone. */
    maxAttempts: integer('max_attempts').notNull().default(0),
    message: text('message').notNull().default(''),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    /** Request ids, which make followers of a batch see who won. */
    openedBy: text('opened_by').notNull(),
    closedBy: text('closed_by'),
  },
  (t) => [
    uniqueIndex('challenges_transaction').on(t.transactionId),
    index('challenges_parent').on(t.parentId),
    index('challenges_serial').on(t.serial, t.state),
    index('challenges_opened_by').on(t.openedBy),
    index('challenges_closed_by').on(t.closedBy),
    index('challenges_expiry').on(t.expiresAt),
  ],
)

/** What became of a message, beside the audit row with the same request id. Holds no address and no text. */
export const deliveries = sqliteTable(
  'deliveries',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    requestId: text('request_id').notNull(),
    serial: text('serial').notNull(),
    provider: text('provider').notNull(),
    /** accepted | refused | unavailable */
    status: text('status').notNull(),
    reason: text('reason').notNull().default(''),
    at: integer('at').notNull(),
    /** HMAC over all of the above but the id. */
    mac: text('mac').notNull().default(''),
  },
  (t) => [index('deliveries_request').on(t.requestId)],
)

/** Which request answered first under an idempotency key; what it was told stands in its row of the audit. */
export const claims = sqliteTable(
  'claims',
  {
    /** MAC over the client's key and everything that it asked, the pass included. */
    key: text('key').primaryKey(),
    requestId: text('request_id').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (t) => [index('claims_created').on(t.createdAt)],
)

/** Counts for limits on sending and guessing (core/limits.ts): one row for each subject and window. */
export const buckets = sqliteTable(
  'buckets',
  {
    key: text('key').notNull(),
    window: integer('window').notNull(),
    /** When the window began that `n` counts. */
    start: integer('start').notNull(),
    n: integer('n').notNull(),
  },
  (t) => [primaryKey({ columns: [t.key, t.window] }), index('buckets_start').on(t.start)],
)

/** Providers that did not take a message and are asked last for a while; a row goes with the first success. */
export const providerRests = sqliteTable(
  'provider_rests',
  {
    type: text('type').notNull(),
    name: text('name').notNull(),
    /** Rests since the last success, this one included. */
    rests: integer('rests').notNull(),
    until: integer('until').notNull(),
  },
  (t) => [primaryKey({ columns: [t.type, t.name] })],
)

/** Entries of LinOTP's system configuration; a `password` is sealed. */
export const config = sqliteTable('config', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
  type: text('type').notNull().default(''),
  description: text('description').notNull().default(''),
})

export const providers = sqliteTable(
  'providers',
  {
    /** email | sms */
    type: text('type').notNull(),
    name: text('name').notNull(),
    class: text('class').notNull(),
    /** Sealed JSON. */
    config: text('config').notNull(),
    /** The scrypt hash of a managed provider's password; empty: it is not managed. */
    managed: text('managed').notNull().default(''),
    timeout: text('timeout').notNull(),
    isDefault: integer('is_default').notNull().default(0),
    /** Order of creation, which is the order of listing. */
    position: integer('position').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.type, t.name] }),
    uniqueIndex('providers_default').on(t.type).where(sql`is_default = 1`),
  ],
)

export const resolvers = sqliteTable('resolvers', {
  name: text('name').primaryKey(),
  type: text('type').notNull(),
  /** JSON of its parameters as they are shown. */
  data: text('data').notNull(),
  /** Of a directory: sealed JSON. Empty: its users are rows of `users`. */
  config: text('config').notNull().default(''),
  /** Moves whenever its users change. */
  revision: integer('revision').notNull().default(1),
  position: integer('position').notNull(),
})

/** Users of passwd texts and of otpost's own resolvers, one row per user of a resolver. */
export const users = sqliteTable(
  'users',
  {
    resolver: text('resolver').notNull(),
    userId: text('user_id').notNull(),
    login: text('login').notNull(),
    /** JSON object of attributes, names as in LinOTP's resolver records. */
    attributes: text('attributes').notNull(),
    /** crypt(3) hash, never shown. */
    passwordHash: text('password_hash').notNull().default(''),
  },
  (t) => [
    primaryKey({ columns: [t.resolver, t.userId] }),
    index('users_login').on(t.login, t.resolver),
    // Its entries end in the row id, in which order users are listed.
    index('users_resolver').on(t.resolver),
  ],
)

export const realms = sqliteTable(
  'realms',
  {
    name: text('name').primaryKey(),
    /** JSON list of resolver names, in order. */
    resolvers: text('resolvers').notNull(),
    isDefault: integer('is_default').notNull().default(0),
    position: integer('position').notNull(),
  },
  () => [uniqueIndex('realms_default').on(sql`is_default`).where(sql`is_default = 1`)],
)

export const admins = sqliteTable('admins', {
  username: text('username').primaryKey(),
  /** Self-describing scrypt hash. */
  passwordHash: text('password_hash').notNull(),
  createdAt: integer('created_at').notNull(),
})

export const apiTokens = sqliteTable('api_tokens', {
  id: text('id').primaryKey(),
  admin: text('admin').notNull(),
  name: text('name').notNull(),
  /** SHA-256 of the random part, which has 256 bits of its own. */
  hash: text('hash').notNull(),
  createdAt: integer('created_at').notNull(),
  /** Rights it is bound to, separated by blanks (core/policy/grant.ts); empty: all that its administrator has. */
  scope: text('scope').notNull().default(''),
  /** JSON list of the realms it is bound to; empty: to none. */
  realms: text('realms').notNull().default('[]'),
  /** From this second on it is worth nothing; null: it lasts. */
  expiresAt: integer('expires_at'),
  /** When it was last used, to the hour; null: never. */
  lastUsedAt: integer('last_used_at'),
})

/** Logins that were paid for, and places that a login came from (flows/login-limits.ts). */
export const loginAttempts = sqliteTable(
  'login_attempts',
  {
    /** SHA-256 of what is counted: the names that were tried stand nowhere in clear. */
    key: text('key').primaryKey(),
    attempts: integer('attempts').notNull(),
    /** From this second on the row counts for nothing. */
    endsAt: integer('ends_at').notNull(),
  },
  (t) => [index('login_attempts_end').on(t.endsAt)],
)

/** Sessions ended before their time; a row may go once `expires_at` has passed. */
export const revokedSessions = sqliteTable('revoked_sessions', {
  id: text('id').primaryKey(),
  expiresAt: integer('expires_at').notNull(),
})

/** Sessions of users (flows/self-session.ts); a row may go once `expires_at` has passed. */
export const userSessions = sqliteTable(
  'user_sessions',
  {
    /** SHA-256 of what the client holds. */
    id: text('id').primaryKey(),
    resolver: text('resolver').notNull(),
    userId: text('user_id').notNull(),
    login: text('login').notNull(),
    realm: text('realm').notNull(),
    client: text('client').notNull(),
    /** credentials_verified | challenge_triggered | authenticated */
    state: text('state').notNull(),
    transactionId: text('transaction_id').notNull().default(''),
    expiresAt: integer('expires_at').notNull(),
  },
  (t) => [index('user_sessions_expiry').on(t.expiresAt)],
)

export const audit = sqliteTable(
  'audit',
  {
    number: integer('number').primaryKey({ autoIncrement: true }),
    requestId: text('request_id').notNull(),
    at: integer('at').notNull(),
    action: text('action').notNull(),
    success: integer('success').notNull(),
    serial: text('serial').notNull().default(''),
    tokenType: text('token_type').notNull().default(''),
    user: text('user').notNull().default(''),
    realm: text('realm').notNull().default(''),
    administrator: text('administrator').notNull().default(''),
    actionDetail: text('action_detail').notNull().default(''),
    info: text('info').notNull().default(''),
    client: text('client').notNull().default(''),
    /** Name of the node that answered. */
    server: text('server').notNull().default(''),
    /** The newest row that the node knew when it wrote this one, by number and by the beginning of its MAC; 0: none. */
    citedNumber: integer('cited_number').notNull().default(0),
    citedMark: text('cited_mark').notNull().default(''),
    /** HMAC over all of the above but the number. */
    mac: text('mac').notNull(),
  },
  // One row a request: it is the stamp of the change that it tells of (statements.ts, changeWhere).
  (t) => [uniqueIndex('audit_request').on(t.requestId)],
)

/** Seals a range of rows and one of deliveries. Ranges follow each other without a gap (flows/audit-seal.ts). */
export const auditCheckpoints = sqliteTable('audit_checkpoints', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  first: integer('first').notNull(),
  last: integer('last').notNull(),
  firstDelivery: integer('first_delivery').notNull(),
  lastDelivery: integer('last_delivery').notNull(),
  /** When the newest of its rows was written. */
  newest: integer('newest').notNull(),
  at: integer('at').notNull(),
  /** SHA-256 over rows and numbers, the same over deliveries, and the first one of the checkpoint before. */
  digest: text('digest').notNull(),
  deliveryDigest: text('delivery_digest').notNull(),
  previous: text('previous').notNull(),
  /** The beginning of each row's MAC, in order, so that a row that was moved can be named. */
  marks: text('marks').notNull(),
  /** JSON: numbers of rows, and ids of deliveries, that were broken already when they were sealed. */
  broken: text('broken').notNull(),
  /** HMAC over all of the above. */
  mac: text('mac').notNull(),
})

/** What retention has removed: one row per cut, for ever. */
export const auditCuts = sqliteTable('audit_cuts', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  /** Rows, deliveries and checkpoints up to these are gone. */
  last: integer('last').notNull(),
  lastDelivery: integer('last_delivery').notNull(),
  checkpoint: integer('checkpoint').notNull(),
  /** Of the last checkpoint that is gone. */
  digest: text('digest').notNull(),
  /** How much was broken in what was removed. */
  findings: integer('findings').notNull(),
  at: integer('at').notNull(),
  mac: text('mac').notNull(),
})

export const policies = sqliteTable('policies', {
  name: text('name').primaryKey(),
  scope: text('scope').notNull(),
  action: text('action').notNull(),
  realm: text('realm').notNull(),
  user: text('user').notNull(),
  client: text('client').notNull(),
  time: text('time').notNull(),
  active: integer('active').notNull().default(1),
  /** Order of creation, which is the order of listing. */
  position: integer('position').notNull(),
})

/** Mail templates that an administrator has saved. */
export const templates = sqliteTable('templates', {
  name: text('name').primaryKey(),
  /** A MIME message with placeholders. */
  source: text('source').notNull(),
  changedAt: integer('changed_at').notNull(),
})

/** Master keys that seal something here, so that a wrong or missing one is found at the start (flows/keys.ts). */
export const masterKeys = sqliteTable('master_keys', {
  id: text('id').primaryKey(),
  /** A fixed text, sealed with this key. */
  canary: text('canary').notNull(),
  createdAt: integer('created_at').notNull(),
})
