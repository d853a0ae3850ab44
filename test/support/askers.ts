/** Clients of /validate: every path of both dialects, from any address, with any header, and the keys that they may have. */
import { expect } from 'vitest'
import type { Otpost } from '../../src/compose.ts'
import type { Fields, Harness } from './harness.ts'

const under = (base: string, names: string): readonly string[] =>
  names.split(' ').map((name) => `${base}/validate/${name}`)
export const LINOTP_PATHS = under(
  '',
  'check check_s check_t check_status simplecheck smspin samlcheck radiuscheck ok fail',
)
export const PI_PATHS = under('/pi', 'check radiuscheck samlcheck polltransaction polltransaction/123 initialize')
export const PATHS = [...LINOTP_PATHS, ...PI_PATHS]
/** These decide by what they read, the others answer everybody alike. */
export const READING = PATHS.filter((path) => !/ok$|fail$|poll|initialize/.test(path))

/** Of the harness, unless told. */
export const PEER = '192.0.2.7'
export type Sent = { readonly fields?: Fields; readonly headers?: Fields; readonly peer?: string }
export type Heard = { readonly status: number; readonly headers: Headers; readonly text: string }
export type Ask = (path: string, sent?: Sent) => Promise<Heard>

export const asker =
  (app: Otpost['app']): Ask =>
  async (path, { fields = {}, headers = {}, peer = PEER } = {}) => {
    const request = new Request(`http://otpost.test${path}`, {
      ...{ method: 'POST', headers, body: new URLSearchParams(fields) },
    })
    const reply = await app.fetch(request, { peer, secure: false })
    return { status: reply.status, headers: reply.headers, text: await reply.text() }
  }

/** Yes, in the words of either dialect. */
export const isYes = ({ status, text }: Heard): boolean =>
  status === 204 || text === ':-)' || /"(value|auth)":\s*true/.test(text)

/** Makes an API token, of administrator `ada` unless told. */
export async function makeKey(h: Harness, bound: Fields): Promise<{ readonly id: string; readonly token: string }> {
  const { json, text } = await h.admin('/otpost/api-tokens', { username: 'ada', ...bound })
  const { id, token } = (json.result?.value ?? {}) as { readonly id?: string; readonly token?: string } // as operators.ts writes it
  if (id === undefined || token === undefined) throw new Error(text)
  return { id, token }
}

export const bearer = (token: string): Fields => ({ authorization: `Bearer ${token}` })

/** What a client that looks at the body alone must hear. */
const NO: Readonly<Record<string, RegExp>> = {
  '/validate/simplecheck': /^:-\($/,
  '/validate/radiuscheck': /^$/,
  '/pi/validate/radiuscheck': /^$/,
  '/validate/check_s': /"status": false,\s*"value": false/,
}
/** The refusal of its dialect: the status, a no for who looks at the body alone, `code` in privacyIDEA's. */
export function isRefused(path: string, heard: Heard, [status, code]: readonly [number, number]): void {
  const no =
    PI_PATHS.includes(path) && !path.endsWith('radiuscheck')
      ? new RegExp(`"status":false,"error":\\{"code":${code},`)
      : (NO[path] ?? /"status": true,\s*"value": false/)
  expect(heard, path).toMatchObject({ status, text: expect.stringMatching(no) })
  expect(isYes(heard), path).toBe(false)
  expect(heard.headers.get('www-authenticate') !== null, path).toBe(status === 401)
}
