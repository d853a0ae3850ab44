/** SMS providers: the table of contents. To add one, write its file and a line here. */
import type { Provider } from '../../ports/provider.ts'
import { provider as file } from './file.ts'
import { provider as http } from './http.ts'
import { provider as rest } from './rest.ts'
import { provider as smpp } from './smpp.ts'
import { smtpSmsProvider } from './smtp.ts'

/** @param mail SMTPEmailProvider, by which SmtpSMSProvider sends: adapters do not know their siblings */
export const smsProviders = (mail: Provider): readonly Provider[] => [http, rest, smtpSmsProvider(mail), smpp, file]
