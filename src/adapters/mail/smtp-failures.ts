/**
 * Failures of an SMTP dialogue as deliveries: a fixed word, and at most the three digits of the server's reply.
 *
 * Nothing else of what the server said gets through: it may quote an address, a password or the message. Replies: RFC
 * 5321 §4.2; codes of errors: nodemailer's `errors.js` and Node's.
 */
import type { Delivery } from '../../ports/provider.ts'
import { socketReason } from '../../ports/socket-reasons.ts'

/** What nodemailer and `node:net` put on an error. */
export type SmtpError = {
  readonly code?: string | undefined
  /** Node's code, where nodemailer has put its own in `code`. */
  readonly originalCode?: string | undefined
  readonly command?: string | undefined
  readonly responseCode?: number | undefined
  /** The whole reply. */
  readonly response?: string | undefined
}

/** `greeting` up to the last EHLO, STARTTLS included; then `login`, then `message`. */
export type Stage = 'greeting' | 'login' | 'message'

export const unavailable = (reason: string): Delivery => ({ status: 'unavailable', reason })
export const refused = (reason: string): Delivery => ({ status: 'refused', reason })

/** Why a dialogue ended early. @param upgrading whether the TLS handshake of STARTTLS was under way */
export function dialogueFailure(error: SmtpError, stage: Stage, upgrading: boolean): Delivery {
  const reply = refusalCode(error)
  switch (error.code) {
    case 'ETIMEDOUT':
      return unavailable('timeout')
    case 'EAUTH':
      return unavailable('auth_failed')
    case 'ETLS':
      if (reply === undefined) return unavailable('tls_failed')
      return unavailable(reply >= 500 ? 'starttls_missing' : `starttls_${reply}`)
    case 'ESOCKET':
      if (upgrading || /^(?:ERR_SSL|ERR_TLS|EPROTO)/.test(error.originalCode ?? '')) return unavailable('tls_failed')
      return unavailable(socketReason(error.originalCode ?? '') ?? 'connection_failed')
    case 'ECONNECTION':
      if (error.command === 'EHLO' && reply) return unavailable(`ehlo_${reply}`)
      return unavailable('connection_closed')
    case 'EENVELOPE':
    case 'EMESSAGE':
      return envelopeFailure(error, reply)
    default:
      return unavailable(stage === 'greeting' && reply ? `greeting_${reply}` : 'protocol_error')
  }
}

/**
 * A permanent refusal of RCPT is a verdict on the recipient; save 503 (bad sequence) and 530 (authentication required,
 * RFC 4954 §6), which are about the session, and X.7 (RFC 3463 §3.8), by which this server does not do it for us: a relay
 * that is closed, a sender that is not wanted. All else is a matter between us and this server.
 */
function envelopeFailure({ command, response = '' }: SmtpError, reply: number | undefined): Delivery {
  if (reply === undefined) return unavailable('protocol_error')
  if (command === 'MAIL FROM') return unavailable(`sender_${reply}`)
  if (command !== 'RCPT TO') return unavailable(`data_${reply}`)
  const ofPolicy = /^\d{3}[ -]5\.7\.\d/.test(response)
  const permanent = reply >= 500 && reply !== 503 && reply !== 530
  if (permanent && !ofPolicy) return refused(`recipient_${reply}`)
  // 421 is the server that goes away (RFC 5321 §3.8); any other 4xx is about this mailbox, greylisting for one.
  const aboutRecipient = ofPolicy || (reply < 500 && reply !== 421)
  return { status: 'unavailable', reason: `recipient_${reply}`, ...(aboutRecipient && { recipientOnly: true }) }
}

/** Only a true refusal code is passed on: nodemailer takes any digits, so a server could send others through it. */
function refusalCode({ responseCode }: SmtpError): number | undefined {
  if (responseCode === undefined || !Number.isInteger(responseCode)) return undefined
  return responseCode >= 400 && responseCode <= 599 ? responseCode : undefined
}
