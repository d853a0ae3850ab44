/** Credentials that are none: what strangers, former administrators, users and other pages hold, made against a site that is served. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sign } from 'hono/jwt'
import { readKeys } from '../../src/adapters/vault/keys.ts'
import { createVault } from '../../src/adapters/vault/webcrypto.ts'
import { selfSession } from './grounds.ts'
import type { Call } from './payloads.ts'
import { formOf, type Login, type Site } from './site.ts'
import { PASSWORD } from './target.ts'

type Fields = Readonly<Record<string, string>>

export type Credential = {
  readonly name: string
  readonly headers: Fields
  /** Repeated as parameters. */
  readonly fields?: Fields
  /** Calls in which it counts for nothing; all unless told. */
  readonly against?: (call: Call) => boolean
}

const isPi = ({ path }: Call): boolean => path.startsWith('/pi/')
/** What a browser sends along for any page, to calls that are more than reading. */
const isForgeable = (call: Call): boolean => call.method !== 'GET' && !isPi(call)

const withSession = ({ cookie, csrf }: Login): Fields => ({ cookie, 'x-csrf-token': csrf })
/** In every header that a token may come in. */
const bearer = (token: string): Fields => ({ authorization: `Bearer ${token}`, 'pi-authorization': token })

async function apiToken({ admin }: Pick<Site, 'admin'>, username: string, more: Fields = {}) {
  const { result } = await admin('/otpost/api-tokens', { username, name: 'attack', ...more })
  const { token } = result.value as { readonly token: string } // the one reply that shows it
  return { token, id: token.split('_')[1] ?? '', secret: token.split('_')[2] ?? '' }
}

/** Sessions that were never issued: expired, unsigned, signed by somebody else. */
async function forgedSessions(site: Site): Promise<readonly Credential[]> {
  const keys = readKeys(readFileSync(join(site.folder, 'keys'), 'utf8').trim())
  if (!keys.ok) throw new Error(keys.error)
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
  const [own] = await createVault(keys.value, random).signingKeys('session')
  if (!own) throw new Error('no key signs sessions')
  const now = Math.floor(Date.now() / 1000)
  const [, payload = ''] = (await site.logIn()).cookie.split('.')
  const live = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), csrf: 'known' }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const texts: Fields = {
    'an expired session': await sign({ ...live, iat: now - 1801, auth_time: now - 1801, exp: now - 1 }, own, 'HS256'),
    'a session without the password it was made with': await sign({ ...live, pwd: '' }, own, 'HS256'),
    'a session signed by nobody': `${part({ alg: 'none', typ: 'JWT' })}.${part(live)}.`,
    'a session signed by a guess': await sign(live, 'secret', 'HS256'),
  }
  return Object.entries(texts).flatMap(([name, text]) => [
    { name, headers: { cookie: `access_token_cookie=${text}`, 'x-csrf-token': 'known' } },
    { name: `${name}, as a bearer`, headers: bearer(text) },
  ])
}

/** @param other a site with a database of its own */
export async function strangers(site: Site, other: Site): Promise<readonly Credential[]> {
  const { admin, send } = site
  for (const username of ['gone', 'late']) await admin('/otpost/admins', { username, password: 'correct horse' })
  const [live, removed, expired, revoked] = [
    await apiToken(site, 'admin'),
    await apiToken(site, 'gone'),
    await apiToken(site, 'late', { expires: '30m' }),
    await apiToken(site, 'late'),
  ]
  await send('DELETE', '/otpost/admins/gone', { headers: bearer(live.token) })
  await send('DELETE', `/otpost/api-tokens/${revoked.id}`, { headers: bearer(live.token) })
  await site.write('UPDATE api_tokens SET expires_at = 1 WHERE id = ?', [expired.id])
  const [ended, session, foreign] = [await site.logIn(), await site.logIn(), await other.logIn()]
  await send('POST', '/admin/logout', { headers: withSession(ended) })
  const { csrf } = await site.logIn('late', 'correct horse')
  const self = await selfSession(site)
  const text = session.cookie.split('=')[1] ?? ''

  return [
    { name: 'nothing', headers: {} },
    { name: 'garbage', headers: { cookie: 'access_token_cookie=x.y.z', 'x-csrf-token': 'x' } },
    { name: 'empty values', headers: { cookie: 'access_token_cookie=', 'x-csrf-token': '', 'pi-authorization': '' } },
    { name: 'a name', headers: bearer('admin') },
    { name: 'name and password', headers: { authorization: `Basic ${btoa(`admin:${PASSWORD}`)}` } },
    { name: 'garbage as a bearer', headers: bearer(`otpost_${'0'.repeat(12)}_${'0'.repeat(64)}`) },
    { name: 'the API token of another database', headers: bearer((await apiToken(other, 'admin')).token) },
    { name: 'a revoked API token', headers: bearer(revoked.token) },
    { name: 'an expired API token', headers: bearer(expired.token) },
    { name: "a removed administrator's API token", headers: bearer(removed.token) },
    { name: "one API token's name, another one's secret", headers: bearer(`otpost_${live.id}_${expired.secret}`) },
    { name: 'a key of /validate', headers: bearer((await apiToken(site, 'admin', { scope: 'validate' })).token) },
    { name: 'an API token in capitals', headers: bearer(live.token.toUpperCase()) },
    { name: 'a session after logout', headers: withSession(ended) },
    { name: 'the session of another database', headers: withSession(foreign) },
    { name: 'a session without CSRF token', headers: { cookie: session.cookie }, against: isForgeable },
    {
      name: "a session with another one's CSRF token",
      headers: { cookie: session.cookie, 'x-csrf-token': csrf },
      against: isForgeable,
    },
    { name: 'a CSRF token without session', headers: { 'x-csrf-token': session.csrf } },
    { name: 'a session as a bearer', headers: { authorization: `Bearer ${text}` }, against: (call) => !isPi(call) },
    { name: 'a session of an administrator in a cookie', headers: withSession(session), against: isPi },
    { name: "a user's cookie", headers: { cookie: `user_selfservice=${self}` }, fields: { session: self } },
    {
      name: "a user's session as an administrator's",
      headers: { cookie: `access_token_cookie=${self}; userauthcookie=${self}`, 'x-csrf-token': self },
      fields: { session: self },
    },
    { name: "a user's session as a bearer", headers: bearer(self), fields: { session: self } },
    ...(await forgedSessions(site)),
  ]
}

/** Those that do not let into /validate, where a key is asked for. */
export async function strangersToValidate(site: Site, other: Site): Promise<readonly Credential[]> {
  const key = (more: Fields = {}) => apiToken(site, 'admin', { scope: 'validate', ...more })
  const [live, expired, revoked] = [await key(), await key({ expires: '30m' }), await key()]
  await site.write('DELETE FROM api_tokens WHERE id = ?', [revoked.id])
  await site.write('UPDATE api_tokens SET expires_at = 1 WHERE id = ?', [expired.id])
  const sent = (name: string, token: string): Credential => ({
    name,
    headers: { ...bearer(token), 'x-api-key': token, cookie: `access_token_cookie=${token}` },
  })
  return [
    { name: 'nothing', headers: {} },
    sent('garbage', 'x'),
    sent('a key that was never made', `otpost_${'0'.repeat(12)}_${'0'.repeat(64)}`),
    sent('an expired key', expired.token),
    sent('a revoked key', revoked.token),
    sent("one key's name, another one's secret", `otpost_${live.id}_${expired.secret}`),
    sent('the key of another database', (await apiToken(other, 'admin', { scope: 'validate' })).token),
    sent('an API token that is bound to nothing', (await apiToken(site, 'admin')).token),
    sent('an API token of other scopes', (await apiToken(site, 'admin', { scope: 'admin system' })).token),
    sent("an administrator's session", (await site.logIn()).cookie.split('=')[1] ?? ''),
    sent("a user's session", await selfSession(site)),
  ]
}

/** Those that do not let into self-service. */
export async function strangersToUsers(site: Site, other: Site): Promise<readonly Credential[]> {
  const [ada, bob, ended, foreign] = [
    await selfSession(site),
    await selfSession(site, 'bob'),
    await selfSession(site),
    await selfSession(other),
  ]
  await site.send('POST', '/userservice/logout', {
    ...formOf({ session: ended }),
    headers: { ...formOf({}).headers, cookie: `user_selfservice=${ended}` },
  })
  const [session, { token }] = [await site.logIn(), await apiToken(site, 'admin')]
  const text = session.cookie.split('=')[1] ?? ''
  const held = (cookie: string) => ({ cookie: `user_selfservice=${cookie}` })
  return [
    { name: 'nothing', headers: {} },
    { name: 'garbage', headers: held('0'.repeat(64)), fields: { session: '0'.repeat(64) } },
    { name: 'empty values', headers: held(''), fields: { session: '' } },
    { name: 'the cookie alone', headers: held(ada) },
    { name: 'the session alone', headers: {}, fields: { session: ada } },
    { name: "one user's cookie, another one's session", headers: held(ada), fields: { session: bob } },
    { name: 'a session after logout', headers: held(ended), fields: { session: ended } },
    { name: 'the session of another database', headers: held(foreign), fields: { session: foreign } },
    { name: "an administrator's session", headers: withSession(session), fields: { session: text } },
    { name: "an administrator's session as a user's", headers: held(text), fields: { session: text } },
    { name: "an administrator's API token", headers: bearer(token), fields: { session: token } },
  ]
}
