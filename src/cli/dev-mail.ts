/**
 * Dev-mail: for a first look, mails are caught instead of sent. The catcher is registered as provider `dev-catcher`; as
 * soon as another provider is the default, the catcher stays off.
 */
import type { MailCatcher } from '../ports/catcher.ts'
import type { Clock } from '../ports/edges.ts'
import { devMailRoutes } from '../web/dev-mail.ts'
import type { AdminClient } from './client.ts'

const NAME = 'dev-catcher'

export type DevMail = {
  /** The page /dev/mail; null for a request that is none of its business. */
  readonly answer: (request: Request) => Response | Promise<Response> | null
  /** Points the provider at the catcher of this process, whose port is another at each start. */
  readonly register: () => Promise<void>
  readonly close: () => Promise<void>
}

const mailProviders = async (client: AdminClient) => (await client.providers()).filter(({ type }) => type === 'email')

/** The default provider that mails go out through; null when there is none, or when it is a catcher's. */
export async function realProvider(client: AdminClient): Promise<string | null> {
  const name = (await mailProviders(client)).find((provider) => provider.isDefault)?.name ?? NAME
  return name === NAME ? null : name
}

/** True when the default provider belongs to a catcher, so that a server without one can deliver nothing. */
export const catcherExpected = async (client: AdminClient): Promise<boolean> =>
  (await mailProviders(client)).some((provider) => provider.isDefault && provider.name === NAME)

export async function startDevMail(client: AdminClient, clock: Clock): Promise<DevMail> {
  // Loaded here and nowhere else, so that a server without the flag does not even have it in memory.
  const { startMailCatcher } = await import('../adapters/catcher/smtp.ts')
  const catcher: MailCatcher = await startMailCatcher({ clock })
  const page = devMailRoutes(catcher)
  return {
    answer: (request) => (new URL(request.url).pathname.startsWith('/dev/mail') ? page.fetch(request) : null),
    register: () =>
      client.saveProvider({
        type: 'email',
        name: NAME,
        class: 'SMTPEmailProvider',
        config: {
          ...{ SMTP_SERVER: catcher.host, SMTP_PORT: catcher.port, EMAIL_FROM: 'otpost@localhost' },
          TEMPLATE: 'file://otp.eml',
        },
        timeout: 120,
        isDefault: true,
      }),
    close: catcher.close,
  }
}
