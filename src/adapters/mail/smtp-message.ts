/**
 * One mail as bytes (RFC 5322, 2045, 2047): a single text/plain part, us-ascii where possible, else UTF-8 in base64; or,
 * where there is HTML, multipart/alternative, with multipart/related around HTML and its images.
 *
 * Headers are LinOTP's (contract §4.6), with a Message-ID of our own, and one that keeps answering machines quiet
 * (RFC 3834 §5). Addresses are passed as records everywhere, so nothing is ever parsed out of them.
 */
import { encodeWord } from 'nodemailer/lib/mime-funcs'
import MimeNode from 'nodemailer/lib/mime-node'
import { type Instant, mailDate } from '../../core/time.ts'
import type { Message } from '../../ports/provider.ts'
import { withAsciiDomain } from './fields.ts'
import type { SmtpConfig } from './smtp-config.ts'

export type WireMessage = {
  readonly bytes: Buffer
  /** Exactly one recipient; domains in ASCII, local parts as they were. */
  readonly envelope: { readonly from: string; readonly to: string }
}

const OPTIONS = { newline: '\r\n', textEncoding: 'base64', disableFileAccess: true, disableUrlAccess: true } as const

/** @param now becomes the Date header */
export async function composeMessage(
  config: Pick<SmtpConfig, 'from'>,
  mail: Message,
  now: Instant,
): Promise<WireMessage> {
  const to = withAsciiDomain(mail.to)
  const sender = mail.from ?? config.from
  const from = withAsciiDomain(sender.address)

  const node = bodyOf(mail)
  node.setHeader([
    { key: 'From', value: { name: asWords(sender.name), address: from } },
    { key: 'To', value: { name: '', address: to } },
    ...(mail.replyTo ? [{ key: 'Reply-To', value: { ...mail.replyTo, name: asWords(mail.replyTo.name) } }] : []),
    { key: 'Subject', value: asWords(mail.subject) },
    { key: 'Date', value: mailDate(now) },
    { key: 'Message-ID', value: `<${mail.id.replace(/[^\w.-]/g, '')}@${from.slice(from.lastIndexOf('@') + 1)}>` },
    { key: 'Auto-Submitted', value: 'auto-generated' },
    ...(mail.headers ?? []).map(({ name, value }) => ({ key: name, value: asWords(value) })),
  ])
  // The envelope is the provider's, whoever the template says it is from: that is where bounces belong.
  return { bytes: await node.build(), envelope: { from: withAsciiDomain(config.from.address), to } }
}

function bodyOf({ text, html, images = [] }: Message): MimeNode {
  if (html === undefined) return fillPart(new MimeNode(`text/plain; charset=${charsetOf(text)}`, OPTIONS), text)
  const node = new MimeNode('multipart/alternative', OPTIONS)
  fillPart(node.createChild(`text/plain; charset=${charsetOf(text)}`), text)
  const related = images.length === 0 ? node : node.createChild('multipart/related; type="text/html"')
  fillPart(related.createChild('text/html; charset=utf-8'), html)
  for (const { cid, type, name, content } of images) {
    const image = related.createChild(type, { filename: name, disableFileAccess: true, disableUrlAccess: true })
    image.setHeader([
      { key: 'Content-ID', value: `<${cid}>` },
      { key: 'Content-Disposition', value: 'inline' },
      { key: 'Content-Transfer-Encoding', value: 'base64' },
    ])
    image.setContent(Buffer.from(content, 'base64'))
  }
  return node
}

function fillPart(node: MimeNode, text: string): MimeNode {
  return node.setContent(text.toWellFormed().replace(/\r\n|\r|\n/g, '\r\n'))
}

const charsetOf = (text: string): string => (/^\p{ASCII}*$/u.test(text) ? 'us-ascii' : 'utf-8')

/** What looks like an encoded word already (RFC 2047) would be decoded by whoever reads it; it is encoded once more. */
const asWords = (text: string): string => (text.includes('=?') ? encodeWord(text.toWellFormed(), 'B', 52) : text)
