/** A client on privacyIDEA's wire. Each reply it gets must keep what its clients take for granted (contract 0). */
import { expect } from 'vitest'
import { type Gateway, startGateway, useGateway } from './gateway.ts'
import { type Fields, type Harness, type Reply, startHarness } from './harness.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type PiDetail = Readonly<Record<string, Json>>
export type PiReply = Pick<Reply, 'status' | 'headers' | 'text'> & {
  readonly error: { readonly code: number; readonly message: string } | undefined
  readonly value: Json | undefined
  readonly authentication: Json | undefined
  readonly detail: PiDetail
  readonly root: Readonly<Record<string, Json>>
}
export type Sent = { readonly token?: string; readonly agent?: string; readonly headers?: Fields }

export type PiClient = {
  readonly send: (method: string, path: string, body?: BodyInit, sent?: Sent) => Promise<PiReply>
  readonly post: (path: string, fields?: Fields, sent?: Sent) => Promise<PiReply>
  readonly get: (path: string, sent?: Sent) => Promise<PiReply>
  readonly check: (fields: Fields, sent?: Sent) => Promise<PiReply>
  /** Asks with a PIN and takes the OTP out of the mail. */
  readonly trigger: (user: string, pin: string) => Promise<{ readonly otp: string; readonly transaction: string }>
  /** Logs in. @returns the JWT */
  readonly auth: (username?: string, password?: string) => Promise<string>
}

export const PASSWORD = 'correct horse battery'

/** @param h started with PASSWORD for the first administrator, if `auth` is to work */
export function piClient(h: Pick<Harness, 'request' | 'catcher'>, base = '/pi'): PiClient {
  const send: PiClient['send'] = async (method, path, body, { token, agent, headers = {} } = {}) => {
    const given = {
      ...(token === undefined ? {} : { authorization: token }),
      ...(agent === undefined ? {} : { 'user-agent': agent }),
      ...headers,
    }
    const reply = await h.request(`${base}${path}`, { method, headers: given, ...(body === undefined ? {} : { body }) })
    // The envelope, which is what the invariants are about.
    const root = reply.text === '' ? {} : (JSON.parse(reply.text) as Record<string, Json>)
    const result = (root.result ?? {}) as { value?: Json; authentication?: Json; error?: PiReply['error'] }
    const { value, authentication, error } = result
    const read = { ...reply, root, value, authentication, error, detail: (root.detail ?? {}) as PiDetail }
    if (reply.text !== '') keepsItsWord(path, read)
    return read
  }
  const post: PiClient['post'] = (path, fields = {}, sent = {}) => send('POST', path, new URLSearchParams(fields), sent)
  const check: PiClient['check'] = (fields, sent) => post('/validate/check', fields, sent)
  return {
    ...{ send, post, check },
    get: (path, sent) => send('GET', path, undefined, sent),
    trigger: async (user, pin) => {
      const { detail } = await check({ user, pass: pin })
      return { otp: h.catcher.mails().at(-1)?.text.trim() ?? '', transaction: String(detail.transaction_id ?? '') }
    },
    auth: async (username = 'admin', password = PASSWORD) => {
      const { value } = await post('/auth', { username, password })
      return String((value as { token?: Json } | undefined)?.token ?? '')
    },
  }
}

export type Listed = {
  readonly tokens: Record<string, Json>[]
  readonly count: number
  readonly next: Json
  readonly prev: Json
}
export type PiWorld = {
  readonly h: Harness
  /** Where SMS go. */
  readonly gateway: Gateway
  readonly pi: PiClient
  /** Of an administrator. */
  readonly token: string
  /** Tokens as `/token/` lists them. */
  readonly list: (query?: string) => Promise<Listed>
  readonly close: () => Promise<void>
}

/** An otpost with an SMS gateway, in which nothing is blocked for a while, and an administrator who is logged in. */
export async function startPi(): Promise<PiWorld> {
  const h = await startHarness({ OTPOST_ADMIN_PASSWORD: PASSWORD })
  const gateway = await startGateway()
  await useGateway(h, gateway)
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
  const pi = piClient(h)
  const token = await pi.auth()
  return {
    ...{ h, gateway, pi, token },
    list: async (query = '') => (await pi.get(`/token/${query}`, { token })).value as Listed, // its shape
    close: async () => {
      await h.close()
      await gateway.close()
    },
  }
}

/** Members that java-client takes for an array or an object: null there is an exception nobody catches (trap 4). */
const NEVER_NULL = [
  ...['messages', 'multi_challenge', 'passkey', 'tokens', 'info', 'realms', 'googleurl', 'oathurl', 'otpkey'],
  ...['attributes', 'transaction_ids', 'challenges'],
]

/** What holds for every reply, whatever was asked. */
export function keepsItsWord(path: string, { root, status, value, authentication, error, headers }: PiReply): void {
  expect(headers.get('cache-control')).toBe('no-store')
  expect(root).toMatchObject({ jsonrpc: '2.0', id: expect.any(Number), time: expect.any(Number) })
  walk(root, (key, member) => {
    if (NEVER_NULL.includes(key)) expect(member, key).not.toBeNull()
  })
  if (error !== undefined) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(root).toMatchObject({
      ...{ id: 1, detail: null },
      result: { status: false, error: { code: expect.any(Number), message: expect.any(String) } },
    })
    expect([value, authentication]).toEqual([undefined, undefined])
    return
  }
  expect([status, (root.result as { status: Json }).status]).toEqual([200, true])
  expect(authentication === undefined).toBe(root.id !== 2)
  if (/^\/validate\/(check|polltransaction)/.test(path)) expect(value).toBeTypeOf('boolean')
  if (path.startsWith('/validate/triggerchallenge')) expect(value).toBeTypeOf('number')
  if (authentication === 'CHALLENGE') isChallenge(root.detail as PiDetail)
  else if (root.id === 2) walk(root, (key) => expect(key).not.toBe('transaction_id'))
}

function isChallenge(detail: PiDetail): void {
  expect(detail.transaction_id).toMatch(/^\d+$/)
  expect(detail).toMatchObject({ message: expect.any(String), preferred_client_mode: 'interactive' })
  const entries = detail.multi_challenge as Record<string, Json>[]
  expect(entries.length).toBeGreaterThan(0)
  for (const entry of entries) {
    expect(Object.keys(entry).toSorted()).toEqual(['client_mode', 'message', 'serial', 'transaction_id', 'type'])
    expect(entry).toMatchObject({ transaction_id: detail.transaction_id, client_mode: 'interactive' })
  }
  expect(detail.transaction_ids).toEqual(entries.map(() => detail.transaction_id))
}

function walk(value: Json, see: (key: string, member: Json) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (!Array.isArray(value)) see(key, member)
    walk(member, see)
  }
}
