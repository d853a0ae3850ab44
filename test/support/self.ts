/** Users in self-service: two realms, in which one login means two people, and a browser that keeps its session. */
import { hotp } from '../../src/core/hotp.ts'
import { enroll, type Fields, type Harness, type Reply } from './harness.ts'

/** Everybody has this one. */
export const PASSWORD = 'alice-pw'
export const USER_HASH = '$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0'
const STAFF = [
  `alice:${USER_HASH}:1001:100:Alice A,room,+49 170 1111111,+49 30 111,alice@corp.test`,
  `bob:${USER_HASH}:1002:100:Bob B,room,,+49 30 222,bob@corp.test`,
  `frank:${USER_HASH}:1003:100:Frank F,room,,,`,
].join('\n')
/** Another Alice, with the same login and the same id. */
const GUESTS = `alice:${USER_HASH}:1001:100:Alice Other,room,,,alice@lab.test\ncarol:${USER_HASH}:1004:100:Carol C,room,,,`

/** Realms corp (the default) and lab, no pauses between messages, nobody locked. */
export async function setUpUsers(h: Harness): Promise<void> {
  const calls: readonly (readonly [string, Fields])[] = [
    [
      '/system/setResolver',
      { name: 'staff', type: 'passwdresolver', fileName: 'staff.txt', 'passwdresolver.content': STAFF },
    ],
    ['/system/setResolver', { name: 'guests', type: 'passwdresolver', 'passwdresolver.content': GUESTS }],
    ['/system/setRealm', { realm: 'corp', resolvers: 'staff' }],
    ['/system/setRealm', { realm: 'lab', resolvers: 'guests' }],
    ['/system/setDefaultRealm', { realm: 'corp' }],
    ['/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' }],
  ]
  for (const [path, fields] of calls) {
    const { json, text } = await h.admin(path, fields)
    if (json.result?.status !== true) throw new Error(`the users could not be set up: ${text}`)
  }
}

/** All that policy can permit. */
export const ALL_RIGHTS =
  'enrollEMAIL, enrollSMS, verify, assign, unassign, delete, disable, enable, reset, resync, setOTPPIN, setDescription, getserial, history'

/** @throws when it is refused */
export async function policy(h: Harness, action: string, more: Fields = {}): Promise<void> {
  const fields = { name: 'self', scope: 'selfservice', realm: '*', action, ...more }
  const { json, text } = await h.admin('/system/setPolicy', fields)
  if (json.result?.status !== true) throw new Error(`the policy was refused: ${text}`)
}

/** Takes away all policies, and all tokens of everybody. */
export async function clearUp(h: Harness): Promise<void> {
  const { value } = (await h.admin('/system/getPolicy', { display_inactive: '1' })).json.result ?? {}
  await h.admin('/system/delPolicy', { name: Object.keys(value ?? {}).join(',') })
  await h.client.execute("DELETE FROM tokens WHERE serial <> '(nobody)'")
  await h.client.execute('DELETE FROM challenges')
}

/** A browser: what it holds, and calls that show it twice. */
export type Browser = {
  /** The text of the session; it changes with its state. */
  readonly session: () => string
  readonly call: (path: string, fields?: Fields) => Promise<Reply>
  readonly get: (path: string, fields?: Fields) => Promise<Reply>
  /** One more call without keeping what comes back. */
  readonly send: (
    path: string,
    fields: Fields,
    request: { cookie?: string; method?: string; peer?: string },
  ) => Promise<Reply>
}

export function openBrowser(h: Pick<Harness, 'app'>, peer = '192.0.2.7'): Browser {
  let held = ''
  const send: Browser['send'] = async (
    path,
    fields,
    { cookie = `user_selfservice=${held}`, method = 'POST', ...own },
  ) => {
    const url = new URL(`http://otpost.test/userservice/${path}`)
    const init: RequestInit = { method, headers: cookie === '' ? {} : { cookie } }
    if (method === 'GET') url.search = new URLSearchParams(fields).toString()
    else init.body = new URLSearchParams(fields)
    const response = await h.app.fetch(new Request(url, init), { peer: own.peer ?? peer, secure: false })
    const text = await response.text()
    const json = text.trimStart().startsWith('{') ? JSON.parse(text) : {}
    return { status: response.status, headers: response.headers, text, json }
  }
  const keep = async (reply: Promise<Reply>): Promise<Reply> => {
    const { headers } = await reply
    const [, text] = /user_selfservice=([^;]*)/.exec(headers.get('set-cookie') ?? '') ?? []
    if (text !== undefined) held = text
    return reply
  }
  return {
    session: () => held,
    send,
    call: (path, fields = {}) => keep(send(path, { ...(held === '' ? {} : { session: held }), ...fields }, {})),
    get: (path, fields = {}) => keep(send(path, { session: held, ...fields }, { method: 'GET' })),
  }
}

/** @throws when the login is refused */
export async function logIn(h: Harness, login = 'alice', fields: Fields = {}): Promise<Browser> {
  const browser = openBrowser(h)
  const reply = await browser.call('login', { login, password: PASSWORD, ...fields })
  if (reply.json.result?.value !== true) throw new Error(`${login} could not log in: ${reply.text}`)
  return browser
}

/** The OTP of the newest mail. */
export const mailedOtp = (h: Harness): string => /\d{6}/.exec(h.catcher.mails().at(-1)?.text ?? '')?.[0] ?? ''

export const codeOf = (reply: Reply): unknown => reply.json.result?.error?.code ?? 'done'

export const SECRET = '3132333435363738393031323334353637383930'
/** The OTP of a token with this secret. */
export const otpAt = (counter: number): string =>
  hotp({ secret: new TextEncoder().encode('12345678901234567890'), counter, digits: 6, hash: 'sha1' })

/** An e-mail token of a user of realm corp. */
export const mailToken = (h: Harness, user: string, serial: string, fields: Fields = {}): Promise<string> =>
  enroll(h, user, serial, { realm: 'corp', otpkey: SECRET, ...fields })

export const rowOf = async (h: Harness, serial: string) =>
  (await h.client.execute({ sql: 'SELECT * FROM tokens WHERE serial = ?', args: [serial] })).rows[0]

/** The newest row of the audit. */
export const newestAudit = async (h: Harness) =>
  (
    await h.client.execute(
      'SELECT action, success, user, realm, serial, token_type AS type, action_detail AS detail FROM audit ORDER BY number DESC LIMIT 1',
    )
  ).rows[0]

/** The tokens of a reply of usertokenlist. */
export const listed = ({ json }: Reply) => (json.result?.value ?? []) as readonly Readonly<Record<string, unknown>>[]

/** A token that nobody owns. */
export const spare = (h: Harness, serial: string, fields: Fields = {}): Promise<Reply> =>
  h.admin('/admin/init', { type: 'email', serial, email_address: 'pool@corp.test', otpkey: SECRET, ...fields })
