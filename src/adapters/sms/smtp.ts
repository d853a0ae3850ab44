/**
 * SmtpSMSProvider: a gateway that turns mails into text messages (contract 4.10, mended by 12.2 #22).
 *
 * It speaks no SMTP itself: a message becomes one mail, and the mail provider it is made with sends that. So what holds
 * for mail holds here too: authentication works, TLS is verified, headers are encoded, nothing can add a header or a
 * recipient. `raise_exception` is understood and has no effect: a failure is never taken for a success here.
 */
import * as v from 'valibot'
import { headerText, isEmailAddress } from '../../core/fields.ts'
import { err, ok } from '../../core/result.ts'
import { type ConfigProblem, defineProvider, type Provider, type RawConfig } from '../../ports/provider.ts'
import { forbidden, formatNumber, numberKeys } from './number.ts'
import { originKeys, smsDefaults } from './origin.ts'
import { readConfig } from './read.ts'

/** Our keys, and those of SMTPEmailProvider that they become. */
const MAIL_KEYS: Readonly<Record<string, string>> = {
  mailserver: 'SMTP_SERVER',
  mailserver_port: 'SMTP_PORT',
  mailuser: 'SMTP_USER',
  mailpassword: 'SMTP_PASSWORD',
  mailsender: 'EMAIL_FROM',
  start_tls: 'START_TLS',
  use_ssl: 'USE_SSL',
  keyfile: 'KEYFILE',
  certfile: 'CERTFILE',
  TIMEOUT: 'TIMEOUT',
  TLS_CA: 'TLS_CA',
  TLS_INSECURE: 'TLS_INSECURE',
  MAX_CONNECTIONS: 'MAX_CONNECTIONS',
}

const RECIPIENT = 'must be one e-mail address, with <phone> where the number belongs'

const Config = v.looseObject({
  mailserver: v.string('must be a host name, or host:port'),
  mailsender: v.string('must be one e-mail address'),
  mailto: v.pipe(
    v.string(RECIPIENT),
    v.check((to) => isEmailAddress(recipient(to, '+4917012345678')), RECIPIENT),
  ),
  subject: v.optional(headerText, '[LinOTP]'),
  body: v.optional(v.string('must be text'), '<otp>'),
  ...numberKeys,
  ...originKeys,
})
type Fields = v.InferOutput<typeof Config>

/** `mail`: the configuration as the mail provider has read it. */
type SmtpSmsConfig = Fields & { readonly mail: unknown }

/** @param mail SMTPEmailProvider, handed in since adapters do not know their siblings */
export const smtpSmsProvider = (mail: Provider): Provider =>
  defineProvider<SmtpSmsConfig>({
    name: 'SmtpSMSProvider',
    classNames: [
      'SmtpSMSProvider',
      'linotp.provider.smsprovider.SmtpSMSProvider',
      'smsprovider.SmtpSMSProvider.SmtpSMSProvider',
      'smsprovider.SmtpSMSProvider',
    ],
    secretKeys: ['mailpassword'],
    boundKeys: ['mailserver', 'mailserver_port', 'mailuser', 'start_tls', 'use_ssl', 'TLS_CA', 'TLS_INSECURE'],
    sample: {
      mailserver: 'mail.example.org:587',
      start_tls: true,
      mailuser: 'otp',
      mailpassword: 'change me',
      mailsender: 'otp@example.org',
      mailto: '<phone>@sms.example.org',
    },
    defaults: smsDefaults,

    read: async (raw, edges) => {
      const known = [...Object.keys(Config.entries), ...Object.keys(MAIL_KEYS), 'raise_exception']
      const read = readConfig(Config, raw, known)
      if (!read.ok) return read
      const { config, warnings } = read.value
      if (![config.subject, config.body].some((text) => text.includes('<otp>')))
        return err({ key: 'body', rule: 'must hold <otp>, unless subject does' })
      const translated = mailConfig(raw)
      if ('rule' in translated) return err(translated)
      const mailRead = await mail.read(translated.config, edges)
      if (!mailRead.ok) return err({ ...mailRead.error, key: ourKey(mailRead.error.key) })
      return ok({ config: { ...config, mail: mailRead.value.config }, warnings })
    },

    create: (config, edges) => {
      const send = mail.create(config.mail, edges)
      return async (message, signal) => {
        const number = formatNumber(message.to, config)
        if (!number.ok) return forbidden(number.error)
        const phone = number.value
        return send(
          {
            id: message.id,
            to: recipient(config.mailto, phone),
            subject: fill(config.subject, phone, message.text),
            text: fill(config.body, phone, message.text),
          },
          signal,
        )
      }
    },
  })

/** Blanks, brackets and slashes of a number have no place in an address. */
const recipient = (mailto: string, phone: string): string =>
  mailto.replaceAll('<phone>', () => phone.replace(/[^\d+]/g, '')).trim()

/** One pass; `<otp>` is the whole text of the message, not the OTP alone (contract 4.10). */
const fill = (template: string, phone: string, text: string): string =>
  template.replace(/<(phone|otp)>/g, (_, name) => (name === 'otp' ? text : phone))

function mailConfig(raw: RawConfig): { readonly config: RawConfig } | ConfigProblem {
  const config = Object.fromEntries(
    Object.entries(raw).flatMap(([key, value]) => {
      const name = Object.hasOwn(MAIL_KEYS, key) ? MAIL_KEYS[key] : undefined
      return name === undefined ? [] : [[name, value]]
    }),
  )
  const [, host, port] = /^([^:]+):(\d+)$/.exec(String(raw.mailserver)) ?? []
  if (host === undefined) return { config }
  const given = config.SMTP_PORT ?? ''
  if (given !== '' && Number(given) !== Number(port))
    return { key: 'mailserver_port', rule: 'must be the same as in mailserver, or absent' }
  return { config: { ...config, SMTP_SERVER: host, SMTP_PORT: port } }
}

const ourKey = (mailKey: string): string =>
  Object.entries(MAIL_KEYS).find(([, name]) => name === mailKey)?.[0] ?? mailKey
