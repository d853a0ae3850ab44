/**
 * A row of the audit in LinOTP's words (contract 9). What is stored are codes; which words LinOTP has for them, and what
 * it leaves out, is decided here, when a row is shown: a refusal in administration has neither detail nor info there.
 */
import type { SentRecord } from '../../../ports/audit.ts'
import { REASONS } from './validate.ts'

/** LinOTP's columns, as texts; `administrator` without the quotes that the grid puts around it. */
export type AuditWords = {
  readonly number: number
  readonly date: string
  readonly action: string
  readonly success: '0' | '1'
  readonly serial: string
  readonly token_type: string
  readonly user: string
  readonly realm: string
  readonly administrator: string
  readonly action_detail: string
  readonly info: string
  readonly linotp_server: string
  readonly client: string
  readonly log_level: string
  readonly clearance_level: number
}

/** Below whatever path the dialect is mounted under. */
const CHECKS = /(?:^|\/)validate\/(check|check_s|check_t|simplecheck|samlcheck|smspin|radiuscheck)$/
/** Actions whose detail is a number of tokens: those of the request, one at least (scenario 21 #41, #45). */
const COUNTED = /(?:^|\/)admin\/(init|enable|disable|remove)$/

export function toWords(row: SentRecord): AuditWords {
  const unsent = isUnsent(row)
  return {
    number: row.number,
    date: new Date(row.at * 1000).toISOString().replace('Z', '+00:00'),
    action: row.action,
    success: row.success ? '1' : '0',
    // LinOTP gives a challenge up when its message was not sent, and forgets whose it was.
    // A serial that tokens are looked for by is none of its business either.
    serial: unsent || /(?:^|\/)admin\/show$/.test(row.action) ? '' : row.serial,
    token_type: unsent ? '' : row.tokenType,
    user: row.user,
    realm: row.realm,
    administrator: row.administrator,
    action_detail: unsent ? REASONS.message_undelivered : detailOf(row),
    info: unsent ? row.deliveries.map(told).join(', ') : row.success || isCheck(row) ? row.info : '',
    linotp_server: row.server,
    client: row.client,
    log_level: 'INFO',
    clearance_level: 0,
  }
}

const isCheck = ({ action }: SentRecord): boolean => isValidate(action)

/** Every message of the request was refused or could not be handed over. */
const isUnsent = ({ actionDetail, deliveries }: SentRecord): boolean =>
  actionDetail === 'challenge_created' &&
  deliveries.length > 0 &&
  !deliveries.some(({ status }) => status === 'accepted')

const told = ({ provider, reason, status }: SentRecord['deliveries'][number]): string =>
  [provider, reason || status].filter(Boolean).join(': ')

function detailOf({ action, success, actionDetail, user, realm, serial }: SentRecord): string {
  if (COUNTED.test(action)) return `tokennum = ${Math.max(1, serial.split(' ').length)}`
  if (actionDetail === 'challenge_created' || actionDetail === 'challenge_pending') return 'challenge created'
  if (CHECKS.test(action) && success) return `user '${user}'@'${realm}' successfully authenticated.`
  return isValidate(action) && Object.hasOwn(REASONS, actionDetail)
    ? REASONS[actionDetail as keyof typeof REASONS] // one of its keys, as was just seen
    : ''
}

const isValidate = (action: string): boolean => /(?:^|\/)validate\//.test(action)
