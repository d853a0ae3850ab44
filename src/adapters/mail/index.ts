/** Mail providers: the table of contents. To add one, write its file and a line here. */
import type { Provider } from '../../ports/provider.ts'
import { provider as cloudflare } from './cloudflare.ts'
import { provider as http } from './http.ts'
import { provider as mailgun } from './mailgun.ts'
import { provider as postmark } from './postmark.ts'
import { provider as resend } from './resend.ts'
import { provider as sendgrid } from './sendgrid.ts'
import { provider as ses } from './ses.ts'
import { provider as smtp } from './smtp.ts'

export const mailProviders: readonly Provider[] = [
  ...[smtp, resend, sendgrid, mailgun, postmark, ses],
  ...[cloudflare, http],
]
