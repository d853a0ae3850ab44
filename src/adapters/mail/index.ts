/** Mail providers: the table of contents. To add one, write its file and a line here. */
import type { MailProvider } from '../../ports/mail.ts'
import { provider as smtp } from './smtp.ts'

export const mailProviders: readonly MailProvider[] = [smtp]

/** @param className any identifier of the class, exactly as written (contract/linotp.md §4.5) */
export function findMailProvider(className: string): MailProvider | undefined {
  return mailProviders.find((provider) => provider.classNames.includes(className))
}
