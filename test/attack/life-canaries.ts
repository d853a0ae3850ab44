/** Canaries of a life of logins: values that can be told again, and calls that remember what anybody was told. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Secret } from '../support/leaks.ts'
import { type Answer, FORM, type Site } from './site.ts'
import { PASSWORD } from './target.ts'

export type Fields = Readonly<Record<string, string>>

/** Values with signs that each way of writing writes in its own way. */
export const canary = (name: string): string => `canary+${name}/ü"4711`

export const SECRETS = {
  pin: canary('pin'),
  newPin: canary('new-pin'),
  wrongPin: canary('wrong-pin'),
  seed: '3132333435363738393031323334353637383930',
  adminPassword: PASSWORD,
  clerkPassword: canary('clerk'),
  newPassword: canary('clerk-anew'),
  wrongPassword: canary('wrong-password'),
  userPassword: canary('user-password'),
  smtpPassword: 'canary-smtp-password-4711',
  gatewayPassword: canary('gateway'),
  gatewayKey: 'canary-gateway-key-4711',
  bindPassword: canary('bind'),
  httpKey: 'canary-http-key-4711',
  sqlPassword: 'canary-sql-password-4711',
  setting: canary('setting'),
} as const
/** What belongs to users and operators: it stands in the database, and in replies to those who administer. */
export const PERSONAL = {
  address: 'canary.address@mail.test',
  phone: '+49 170 4711 0815',
  digits: '4917047110815',
  text: 'canary-text-of-a-message',
  template: 'canary-text-of-a-template',
  setting: canary('setting-in-clear'),
} as const

export type Life = {
  readonly site: Site
  /** Asks, and keeps what anybody was told. */
  readonly ask: (method: string, path: string, sent?: { headers?: Fields; body?: string }) => Promise<Answer>
  readonly replies: string[]
  readonly found: Secret[]
  /** Headers of an administrator. */
  readonly own: Fields
}

export const posted = (fields: Fields, headers: Fields = {}) => ({
  headers: { ...FORM, ...headers },
  body: new URLSearchParams(fields).toString(),
})

export async function begin(site: Site): Promise<Life> {
  const replies: string[] = []
  const found: Secret[] = Object.entries(SECRETS).map(([name, text]) => ({ name, text }))
  const { result } = await site.admin('/otpost/api-tokens', { username: 'admin', name: 'life' })
  const { token } = result.value as { readonly token: string } // the one reply that shows it
  found.push({ name: 'API token', text: token.split('_')[2] ?? '' })
  const [, key = ''] = readFileSync(join(site.folder, 'keys'), 'utf8').trim().split(':')
  found.push({ name: 'master key', text: key })
  const ask: Life['ask'] = async (method, path, sent) => {
    const answer = await site.send(method, path, sent)
    replies.push(answer.text, JSON.stringify(answer.headers.filter(([name]) => name !== 'set-cookie')))
    return answer
  }
  return { site, ask, replies, found, own: { authorization: `Bearer ${token}` } }
}

export const admin = ({ ask, own }: Life, path: string, fields: Fields): Promise<Answer> =>
  ask('POST', path, posted(fields, own))
export const check = ({ ask }: Life, fields: Fields, path = '/validate/check'): Promise<Answer> =>
  ask('POST', path, posted(fields))
