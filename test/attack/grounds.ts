/** Grounds: what lies in the database of a site that is attacked: things that the attacker may use up, and foreign ones that nobody touches. */
import { ALL_RIGHTS, USER_HASH, PASSWORD as USER_PASSWORD } from '../support/self.ts'
import { cookieOf, formOf, type Sent, type Site } from './site.ts'

type Fields = Readonly<Record<string, string>>

/** Stands in descriptions and texts of foreign things: whoever is shown it has seen too much. */
export const CANARY = 'canary-of-foreign-things'

const ADA = `ada:${USER_HASH}:1001:100:Ada A,room,+49 170 1111111,+49 30 111,ada@mail.test:/:`
const OTHERS = `bob:${USER_HASH}:1002:100:Bob B,room,,,bob@mail.test:/:`
const resolver = (name: string, content: string): Fields => ({
  ...{ name, type: 'passwdresolver', 'passwdresolver.content': content },
})
const token = (user: string, serial: string, more: Fields = {}): Fields => ({
  ...{ type: 'email', user, realm: 'attacked', serial, pin: 'pin-', email_address: `${user}@mail.test`, ...more },
})

/** Makes what is missing of the things that may be used up. */
export async function furnish({ admin }: Pick<Site, 'admin'>): Promise<void> {
  const people = resolver('attacked', `${ADA}\n${OTHERS}`)
  // Made, or set right again where there is one.
  await admin('/system/setResolver', people).catch(() =>
    admin('/system/setResolver', { ...people, previous_name: 'attacked' }),
  )
  await admin('/system/setRealm', { realm: 'attacked', resolvers: 'attacked' })
  await admin('/system/setDefaultRealm', { realm: 'attacked' })
  const self = { name: 'self', scope: 'selfservice', realm: 'attacked', action: ALL_RIGHTS, active: 'True' }
  await admin('/system/setPolicy', { ...self, user: '*', client: '*', time: '' })
  await admin('/admin/init', token('ada', 'ATTACKED'))
  await admin('/admin/set', { serial: 'ATTACKED', MaxFailCount: '1000000' })
  await admin('/otpost/templates', { name: 'attacked.eml', source: 'Subject: x\n\n${otp}\n' })
}

/** Makes the foreign things. @returns an API token of `foreign`, and one of `admin` */
export async function settle({ admin }: Pick<Site, 'admin'>): Promise<{ foreign: string; own: string }> {
  await admin(
    '/system/setResolver',
    resolver('foreign', `foreign:${USER_HASH}:1:1:${CANARY},,,,foreign@foreign.test:/:`),
  )
  await admin('/system/setRealm', { realm: 'foreign', resolvers: 'foreign' })
  await admin('/system/setResolver', { name: 'local', type: 'localresolver' })
  await admin('/admin/init', token('foreign', 'FOREIGN', { realm: 'foreign', description: CANARY }))
  const policy = { scope: 'enrollment', realm: 'foreign', action: 'tokencount=5', user: '*', client: '*', time: '' }
  await admin('/system/setPolicy', { name: 'foreign', ...policy, active: 'True' })
  const config = JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: 9, EMAIL_FROM: 'foreign@foreign.test' })
  const provider = { name: 'foreign', type: 'email', class: 'SMTPEmailProvider', timeout: '1', config }
  await admin('/system/setProvider', { ...provider, default: 'false' })
  await admin('/system/setConfig', { key: 'foreign.key', value: CANARY })
  await admin('/otpost/templates', { name: 'foreign.eml', source: `Subject: ${CANARY}\n\n\${otp}\n` })
  await admin('/otpost/admins', { username: 'foreign', password: 'foreign horse' })
  // Without limits, since thousands of logins come from one address.
  for (const name of ['admin_login', 'selfservice_login'])
    for (const key of ['attempts', 'attempts_address', 'attempts_name'])
      await admin('/system/setConfig', { [`${name}_${key}`]: '0' }).catch(() => undefined) // not each has each
  const made = async (username: string) => {
    const { result } = await admin('/otpost/api-tokens', { username, name: `of ${username}` })
    return (result.value as { readonly token: string }).token // the one reply that shows it
  }
  return { foreign: await made('foreign'), own: await made('admin') }
}

const FOREIGN = [
  "SELECT id, serial, type, description, secret, pin, counter, fail_count, active, user_id, resolver, realms, info FROM tokens WHERE serial = 'FOREIGN'",
  "SELECT * FROM policies WHERE name = 'foreign'",
  "SELECT type, name, class, config, managed, timeout FROM providers WHERE name = 'foreign'",
  "SELECT name, type, data, config FROM resolvers WHERE name = 'foreign'",
  "SELECT * FROM users WHERE resolver = 'foreign'",
  "SELECT name, resolvers FROM realms WHERE name = 'foreign'",
  "SELECT * FROM config WHERE key = 'foreign.key'",
  "SELECT * FROM templates WHERE name = 'foreign.eml'",
  "SELECT * FROM admins WHERE username IN ('foreign', 'admin')",
  "SELECT id, admin, name, hash, scope, realms, expires_at FROM api_tokens WHERE admin IN ('foreign', 'admin') AND name LIKE 'of %'",
]

/** The foreign rows as they are now, one text for each table. */
export const foreignRows = ({ query }: Site): Promise<readonly string[]> =>
  Promise.all(FOREIGN.map(async (sql) => JSON.stringify((await query(sql)).map((row) => ({ ...row })))))

/** A session of self-service: its cookie, and the text that is repeated. */
export async function selfSession({ send }: Pick<Site, 'send'>, login = 'ada'): Promise<string> {
  const answer = await send('POST', '/userservice/login', formOf({ login, realm: 'attacked', password: USER_PASSWORD }))
  const session = cookieOf(answer, 'user_selfservice')
  if (session === '') throw new Error(`${login} could not log in: ${answer.text}`)
  return session
}

export const withHeaders = (sent: Sent, headers: Fields): Sent => ({
  ...sent,
  headers: { ...sent.headers, ...headers },
})

/** Parameters that let a call go as deep as it can, by their names. */
export const SAMPLES: Fields = {
  ...{ user: 'ada', username: 'ada', login: 'ada', realm: 'attacked', pass: 'pin-000000', serial: 'ATTACKED' },
  ...{ type: 'email', transactionid: '12345678901234567', transaction_id: '12345678901234567', otp: '000000' },
  ...{ password: 'correct horse', pin: 'pin-', otppin: 'pin-', userpin: 'pin-', email_address: 'ada@mail.test' },
  ...{ email: 'ada@mail.test', phone: '+49 170 1111111', mobile: '+49 170 1111111', otp1: '000000', otp2: '000001' },
  ...{ name: 'attacked', key: 'attacked.key', value: 'x', scope: 'authentication', action: 'otppin=1', client: '*' },
  ...{ active: 'True', resolver: 'attacked', resolvers: 'attacked', realms: 'attacked', 'tokens[]': 'ATTACKED' },
  ...{ from: 'ATTACKED', to: 'ATTACKED2', source: 'Subject: x\n\n${otp}\n', keep_days: '3650', timeout: '5' },
  ...{ class: 'SMTPEmailProvider', file: '[attacked]\nscope = authentication\nrealm = attacked\naction = otppin=1\n' },
  ...{ config: '{"SMTP_SERVER": "127.0.0.1", "SMTP_PORT": 9, "EMAIL_FROM": "otp@example.org"}', dry_run: 'true' },
  ...{ content: 'username,email\ncarl,carl@mail.test\n', csv: 'serial,type\nATTACKED3,email\n', id: '1001' },
  ...{
    'passwdresolver.content': `${ADA}\n${OTHERS}`,
    rp: '5',
    page: '1',
    since: '1',
    qtype: 'extsearch',
    query: 'user=a',
  },
  ...{ DefaultOtpLen: '6', MaxFailCount: '1000000', description: 'x', attributes: '{"team": "x"}' },
}

/** For calls in which a name means something else. */
const OWN_SAMPLES: readonly (readonly [RegExp, Fields])[] = [
  [/setResolver/, { type: 'passwdresolver' }],
  [/\/(setConfig)/, { type: 'string' }],
  [/templates/, { name: 'attacked.eml' }],
  [/admins/, { username: 'attacked' }],
  [/api-tokens/, { username: 'attacked', scope: 'audit', expires: '30m', name: 'x' }],
  [/otpost\/users/, { resolver: 'local', username: 'carl' }],
  [/(admin\/login|pi\/auth)/, { username: 'admin', password: 'wrong' }],
  [/userservice\/(login|auth)/, { password: USER_PASSWORD }],
  [/keys\/rotate/, { kind: 'secret' }],
  [/audit/, { serial: '', user: '', action: '', realm: '', client: '', name: '', id: '', active: '' }],
]

/** What is left out unless it is attacked: it would hide the others, or end the run. */
const LEFT_OUT = ['httperror', 'otpkey', 'genkey', 'prefix', 'Idempotency-Key', 'password_hash', 'rows[]', 'managed']

export function samplesOf(path: string, names: readonly string[]): Fields {
  const own = OWN_SAMPLES.flatMap(([call, fields]) => (call.test(path) ? Object.entries(fields) : []))
  const samples: Fields = { ...SAMPLES, ...Object.fromEntries(own) }
  return Object.fromEntries(
    names.flatMap((name) => (LEFT_OUT.includes(name) || !samples[name] ? [] : [[name, samples[name]]])),
  )
}
