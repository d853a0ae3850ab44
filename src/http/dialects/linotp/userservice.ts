/** /userservice in LinOTP's words: what its self-service pages send, and what they read (contract 10). */
import type { AdminFailure } from '../../../core/failures.ts'
import type { Result } from '../../../core/result.ts'
import type { RealmRecord, Settings } from '../../../core/settings.ts'
import { isUnverified, type Token } from '../../../core/token.ts'
import type { AuditFound } from '../../../flows/audit-search.ts'
import type { PreContext, SelfContext } from '../../../flows/self-context.ts'
import type { SelfEnrollCommand } from '../../../flows/self-enroll.ts'
import type { Challenged, LoginOutcome, PasswordLogin, SecondStep } from '../../../flows/self-login.ts'
import type { Self } from '../../../flows/self-user.ts'
import type { VerifyCommand, VerifyOutcome } from '../../../flows/self-verify.ts'
import type { StatusEntry } from '../../../flows/status.ts'
import type { TriggeredChallenge } from '../../../flows/trigger.ts'
import packageInfo from '../../../version.ts'
import { type Params, param } from '../../params.ts'
import { decodeInit } from './admin.ts'
import { decodeGrid, type GridQuery } from './audit.ts'
import { toWords } from './audit-words.ts'
import { type Json, type JsonObject, success } from './envelope.ts'
import { encodeToken } from './tokens.ts'

/** null: it names nobody, so it goes on with a login that was begun. */
export function decodeLogin(params: Params): PasswordLogin | null {
  const user = param(params, 'login', 'username')
  if (user === null) return null
  return {
    user: { user, realm: param(params, 'realm') || undefined },
    password: param(params, 'password') ?? '',
    otp: param(params, 'otp') ?? '',
  }
}

export const decodeSecondStep = (params: Params): SecondStep => ({
  serial: param(params, 'serial') || null,
  otp: param(params, 'otp') ?? '',
  proposed: { text: param(params, 'data', 'message'), fallback: null },
})

/** `password` holds base32(OTP) `:` base32(password); null: it does not. */
export function decodeAuth(params: Params): PasswordLogin | null {
  const login = decodeLogin(params)
  const [otp, password, ...more] = (login?.password ?? '').split(':').map(fromBase32)
  if (!login || typeof otp !== 'string' || typeof password !== 'string' || more.length > 0) return null
  return { ...login, otp, password }
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 §6, with or without its padding; null for anything else, bytes that are no UTF-8 included. */
function fromBase32(text: string): string | null {
  const digits = /^([A-Z2-7]*)=*$/.exec(text.trim().toUpperCase())?.[1]
  if (digits === undefined) return null
  const bytes: number[] = []
  let [bits, held] = [0, 0]
  for (const digit of digits) {
    held = ((held << 5) | BASE32.indexOf(digit)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 0xff)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes))
  } catch {
    return null // TextDecoder throws for what is no UTF-8
  }
}

/** A detail says "not yet": the end of a login, either way, has none. */
export function encodeLogin(outcome: LoginOutcome): JsonObject {
  switch (outcome.kind) {
    case 'busy':
      return success(false, 0, { message: 'Too many logins at once: try again in a moment' })
    case 'credentials_verified':
      return success(false, 0, {
        message: 'credential verified - additional authentication parameter required',
        tokenList: outcome.tokens.map((token) => encodeOwnToken(token, outcome.settings)),
      })
    case 'triggered':
      return success(false, 0, encodeChallenged(outcome.challenged))
    case 'waiting':
      return success(false, 0, encodeStatus(outcome.entry))
    default:
      return success(outcome.kind === 'authenticated', 0)
  }
}

function encodeChallenged({ parentId, challenges }: Challenged): JsonObject {
  const [only] = challenges
  if (parentId === null && only) return describe(only)
  return {
    message: 'Multiple challenges submitted.',
    transactionId: parentId,
    replyMode: ['offline'],
    challenges: Object.fromEntries(challenges.map((challenge) => [challenge.serial, describe(challenge)])),
  }
}

const describe = (challenge: TriggeredChallenge): JsonObject => ({
  ...brief(challenge),
  state: challenge.transactionId,
  linotp_tokenserial: challenge.serial,
  linotp_tokentype: challenge.type,
  linotp_tokendescription: challenge.description,
})

const brief = ({ message, transactionId }: TriggeredChallenge): JsonObject => ({
  ...{ message, replyMode: ['offline'], transactionId },
})

const encodeStatus = ({ challenge }: StatusEntry): JsonObject => ({
  received_count: challenge.attempts,
  received_tan: challenge.attempts > 0,
  valid_tan: challenge.state === 'accepted',
  message: challenge.message,
  status: challenge.state === 'open' ? 'open' : 'closed',
  accept: false,
  reject: false,
})

export const decodeVerify = (params: Params): VerifyCommand => ({
  serial: param(params, 'serial') || null,
  transactionId: param(params, 'transactionid', 'transactionId', 'state') || null,
  otp: param(params, 'otp') || null,
})

export function encodeVerify(outcome: Exclude<VerifyOutcome, { kind: 'failed' }>): {
  readonly value: Json
  readonly detail?: JsonObject
} {
  switch (outcome.kind) {
    case 'answered':
      return { value: outcome.right }
    case 'triggered':
      return { value: false, detail: brief(outcome.challenge) }
    case 'status':
      return { value: outcome.entry.challenge.state === 'accepted', detail: encodeStatus(outcome.entry) }
  }
}

export const decodeEnroll = (params: Params): SelfEnrollCommand => ({
  ...decodeInit(params),
  // Where a token may be used is for administrators to say.
  ...{ type: param(params, 'type'), scope: null, rollout: false },
})

/** As /admin/show has it, with TokenInfo as an object and without the user; `Enrollment` is always there. */
export function encodeOwnToken(token: Token, settings: Settings): JsonObject {
  const members = Object.entries(encodeToken({ ...token, user: null }, settings, { fields: [], infoAsObject: true }))
  return {
    ...Object.fromEntries(members.filter(([name]) => !name.startsWith('User.'))),
    Enrollment: isUnverified(token) ? { status: 'not completed', detail: 'not verified' } : { status: 'completed' },
  }
}

/** The resolver as /admin/show has it. */
export const encodeSelf = ({ user, realm, settings }: Self): JsonObject => ({
  ...user.attributes,
  realm,
  resolver: settings.resolvers.find(({ name }) => name === user.resolver)?.data.fileName ?? '',
})

export const encodePreContext = (context: PreContext): JsonObject => ({
  version: `otpost ${packageInfo}`,
  copyright: 'otpost, Apache-2.0',
  realms: Object.fromEntries(context.realms.map(({ name, isDefault }) => [name, realmOf(name, isDefault)])),
  settings: settingsOf(context),
})
const realmOf = (realmname: RealmRecord['name'], isDefault: boolean): JsonObject => ({ realmname, default: isDefault })

const settingsOf = (context: PreContext): JsonObject => ({
  default_realm: context.defaultRealm,
  realm_box: context.realmBox,
  mfa_login: context.mfaLogin,
  mfa_3_fields: context.mfaThreeFields,
  // The OTP of an e-mail or SMS token exists once it was sent to its owner.
  autoassign: false,
  autoenroll: context.autoEnroll,
  footer_text: context.footerText || null,
  imprint_url: context.imprintUrl || null,
  privacy_notice_url: context.privacyNoticeUrl || null,
})

export const encodeContext = (self: Self, context: SelfContext): JsonObject => ({
  ...encodePreContext(context),
  settings: {
    ...settingsOf(context),
    ...context.values,
    last_access: context.lastAccess,
    token_limits: {
      all_token: context.limit,
      token_types: context.limitsOfTypes.map(({ type, limit }) => ({ token_type: type, max_token: limit })),
    },
  },
  user: encodeSelf(self),
  tokenArray: self.tokens.map((token) => encodeOwnToken(token, self.settings)),
  actions: context.rights,
})

/** Columns that a user may look for and sort by: those that are shown. */
const HISTORY = ['date', 'action', 'success', 'serial', 'tokentype', 'token_type', 'action_detail']

export function decodeHistory(params: Params): Result<GridQuery, AdminFailure> {
  const shown = (name: string) => HISTORY.includes(param(params, name) ?? '')
  const names = ['page', 'rp', 'sortorder']
  if (shown('qtype')) names.push('qtype', 'query')
  if (shown('sortname')) names.push('sortname')
  return decodeGrid(new Map(names.flatMap((name) => (params.has(name) ? [[name, param(params, name) ?? '']] : []))))
}

/** Not the envelope. The sixth cell is LinOTP's for the administrator, who is none of a user's business. */
export const encodeHistory = ({ rows, total }: AuditFound, page: number): JsonObject => ({
  page,
  total,
  rows: rows.map((row) => {
    const w = toWords(row)
    return { id: row.number, cell: [w.date, w.action, w.success, w.serial, w.token_type, '', w.action_detail] }
  }),
})
