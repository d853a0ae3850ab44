/**
 * One mail as bytes: a single text/plain part, us-ascii where possible, else UTF-8 in base64 (RFC 5322, 2045, 2047).
 *
 * Headers are LinOTP's (contract §4.6), with a Message-ID of our own. Addresses are passed as records everywhere, so
 * nothing is ever parsed out of them.
 */
import MimeNode from 'nodemailer/lib/mime-node'
import type { Instant } from '../../core/time.ts'
import type { Message } from '../../ports/provider.ts'
import { withAsciiDomain } from './fields.ts'
import type { SmtpConfig } from './smtp-config.ts'

export type WireMessage = {
  readonly bytes: Buffer
  /** Exactly one recipient; domains in ASCII, local parts as they were. */
  readonly envelope: { readonly from: string; readonly to: string }
}

/** @param now becomes the Date header */
export async function composeMessage(config: SmtpConfig, mail: Message, now: Instant): Promise<WireMessage> {
  const from = withAsciiDomain(config.from.address)
  const to = withAsciiDomain(mail.to)
  const text = mail.text.replace(/\r\n|\r|\n/g, '\r\n')
  const charset = /^\p{ASCII}*$/u.test(text) ? 'us-ascii' : 'utf-8'

  const node = new MimeNode(`text/plain; charset=${charset}`, {
    newline: '\r\n',
    textEncoding: 'base64',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  node.setHeader([
    { key: 'From', value: { name: config.from.name, address: from } },
    { key: 'To', value: { name: '', address: to } },
    { key: 'Subject', value: mail.subject },
    // -0000: the time is UTC and says nothing about where we are (RFC 5322 §3.3)
    { key: 'Date', value: new Date(now * 1000).toUTCString().replace('GMT', '-0000') },
    { key: 'Message-ID', value: `<${mail.id.replace(/[^\w.-]/g, '')}@${from.slice(from.lastIndexOf('@') + 1)}>` },
  ])
  node.setContent(text)
  return { bytes: await node.build(), envelope: { from, to } }
}
