/** Enumeration: whoever is asked about, and whatever stands in the way, a no has the same bytes. */
import { type Gateway, startGateway } from '../support/gateway.ts'
import { USER_HASH, PASSWORD as USER_PASSWORD } from '../support/self.ts'
import { type Outcome, pick, randomOf, type Start } from './attack.ts'
import { type Answer, formOf, type Send, sender } from './site.ts'
import type { Target } from './target.ts'

type Fields = Readonly<Record<string, string>>
type Type = 'email' | 'sms'

const REALM = 'crowd'
const PIN = 'crowd-pin'
const WRONG = 'wrong-pin'
/** What becomes of a token after its OTP was sent. */
const FATES = ['active', 'locked', 'disabled', 'expired'] as const
type Fate = (typeof FATES)[number]
type Member = {
  readonly user: string
  readonly serial: string
  readonly fate: Fate
  readonly transaction: string
  readonly otp: string
}

/** A user for each fate and type of token, with an OTP that would be right, and one without a token. */
async function gather(
  target: Target,
  send: Send,
  gateway: Gateway,
): Promise<Readonly<Record<Type, readonly Member[]>>> {
  const names = ['without', ...FATES.flatMap((fate) => [`email-${fate}`, `sms-${fate}`])]
  const content = names.map((name, n) => `${name}:${USER_HASH}:${n + 1}:1:::`).join('\n')
  const config = JSON.stringify({ URL: gateway.url, SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to' })
  const provider = { type: 'sms', class: 'HttpSMSProvider', timeout: '5', default: 'true' }
  const { admin } = target
  await admin('/system/setProvider', { name: 'gateway', ...provider, config })
  await admin('/system/setResolver', { name: REALM, type: 'passwdresolver', 'passwdresolver.content': content })
  await admin('/system/setRealm', { realm: REALM, resolvers: REALM })

  async function enrol(type: Type, fate: Fate): Promise<Member> {
    const user = `${type}-${fate}`
    const serial = user.toUpperCase()
    const place = { email_address: `${user}@mail.test`, phone: '+49 170 1234567' }
    await admin('/admin/init', { type, user, realm: REALM, serial, pin: PIN, ...place })
    const { text } = await send('POST', '/validate/check', formOf({ user, realm: REALM, pass: PIN }))
    const transaction = /"transactionid": "(\d+)"/.exec(text)?.[1] ?? ''
    const mail = target.mails().findLast(({ to }) => to.includes(place.email_address))
    const otp = type === 'sms' ? gateway.otp() : (mail?.text.trim() ?? '')
    if (transaction === '' || otp === '') throw new Error(`no OTP for ${user}: ${text}`)
    if (fate === 'disabled') await admin('/admin/disable', { serial })
    await admin('/admin/set', {
      ...{ serial, MaxFailCount: fate === 'locked' ? '1' : '1000000' },
      ...(fate === 'expired' ? { validityPeriodEnd: '01/01/20 00:00' } : {}),
    })
    if (fate === 'locked') await send('POST', '/validate/check', formOf({ user, realm: REALM, pass: WRONG }))
    return { user, serial, fate, transaction, otp }
  }

  const found: Record<Type, Member[]> = { email: [], sms: [] }
  for (const type of ['email', 'sms'] as const) for (const fate of FATES) found[type].push(await enrol(type, fate))
  return found
}

type Case = readonly [string, Fields]

/** Who is named, in the words of the call; `pass` that is not right, or right and of no use. */
function casesOf(members: readonly Member[], who: (name: { user: string; serial: string }) => Fields): readonly Case[] {
  const nobody = who({ user: 'nobody', serial: 'NOBODY' })
  const cases: Case[] = [
    ['an unknown one', { ...nobody, pass: PIN }],
    ['an unknown one, PIN and OTP', { ...nobody, pass: `${PIN}123456` }],
    ['an unknown one, no pass', { ...nobody, pass: '' }],
  ]
  for (const member of members) {
    const named = who(member)
    cases.push([`${member.fate}, wrong PIN`, { ...named, pass: WRONG }])
    cases.push([`${member.fate}, wrong PIN and an OTP`, { ...named, pass: `${WRONG}${member.otp}` }])
    if (member.fate === 'active') continue
    cases.push([`${member.fate}, right PIN`, { ...named, pass: PIN }])
    cases.push([`${member.fate}, right PIN and OTP`, { ...named, pass: `${PIN}${member.otp}` }])
  }
  return cases
}

/** With a transaction: none there is, one of somebody else's, and ones that are of no use any more. */
function answersOf(
  members: readonly Member[],
  who: (name: { user: string; serial: string }) => Fields,
  key: string,
): readonly Case[] {
  const usable = members.find(({ fate }) => fate === 'active')
  const otherOtp = usable?.otp === '000000' ? '000001' : '000000'
  const cases: Case[] = [
    ['an unknown one', { ...who({ user: 'nobody', serial: 'NOBODY' }), pass: '123456', [key]: '12345678901234567' }],
  ]
  for (const member of members) {
    const named = who(member)
    cases.push([`${member.fate}, unknown transaction`, { ...named, pass: member.otp, [key]: '12345678901234567' }])
    cases.push([`${member.fate}, wrong OTP`, { ...named, pass: otherOtp, [key]: member.transaction }])
    if (member.fate !== 'active')
      cases.push([`${member.fate}, right OTP`, { ...named, pass: member.otp, [key]: member.transaction }])
  }
  return cases
}

type Group = {
  readonly path: string
  readonly cases: readonly Case[]
  readonly methods?: readonly string[]
  /** What is answered in another way, or the others would have shown nothing. */
  readonly other?: Fields
}

/** A challenge is told like a no where replies have no body. */
const triggerOf = (path: string, user: string): Pick<Group, 'other'> =>
  path.endsWith('radiuscheck') ? {} : { other: { user, realm: REALM, pass: PIN } }

function groupsOf({ email, sms }: Readonly<Record<Type, readonly Member[]>>): readonly Group[] {
  const byUser = ({ user }: { user: string }): Fields => ({ user, realm: REALM })
  const bySerial = ({ serial }: { serial: string }): Fields => ({ serial })
  const without: Case = ['no token', { user: 'without', realm: REALM, pass: PIN }]
  const lost: readonly Case[] = [
    ['unknown realm', { user: 'without', realm: 'nowhere', pass: PIN }],
    ['unknown resolver', { user: 'without', realm: REALM, resConf: 'nowhere', resolver: 'nowhere', pass: PIN }],
  ]
  const users = (members: readonly Member[]) => [...casesOf(members, byUser), without, ...lost]
  const calls = ['check', 'simplecheck', 'samlcheck', 'radiuscheck']
  const piCalls = ['check', 'samlcheck', 'radiuscheck']
  return [
    ...[...calls.map((name) => `/validate/${name}`), ...piCalls.map((name) => `/pi/validate/${name}`)].flatMap(
      (path) => [
        { path, cases: users(email), ...triggerOf(path, 'email-active') },
        { path, cases: users(sms), ...triggerOf(path, 'sms-active') },
        { path, cases: answersOf(email, byUser, path.startsWith('/pi') ? 'transaction_id' : 'transactionid') },
      ],
    ),
    { path: '/validate/smspin', cases: users(sms) },
    { path: '/validate/smspin', cases: users(email).filter(([name]) => !/right PIN$/.test(name)) },
    { path: '/validate/check_s', cases: casesOf(email, bySerial), other: { serial: 'EMAIL-ACTIVE', pass: PIN } },
    { path: '/validate/check_s', cases: answersOf(email, bySerial, 'transactionid') },
    { path: '/pi/validate/check', cases: casesOf(email, bySerial) },
    // Whoever knows a transaction is told whose it is and how often it failed, as LinOTP does; a right OTP adds nothing.
    ...email.map((member) => ({
      path: '/validate/check_t',
      cases: answersOf([member], () => ({}), 'transactionid').filter(([name]) => /(right|wrong) OTP/.test(name)),
    })),
    {
      path: '/validate/check_status',
      cases: answersOf(email, () => ({}), 'transactionid').map(
        ([name, fields]): Case => [name, { ...fields, pass: WRONG }],
      ),
    },
    { path: '/pi/validate/polltransaction', cases: answersOf(email, () => ({}), 'transaction_id') },
    { path: '/admin/login', methods: ['POST'], cases: logins('username', 'admin') },
    { path: '/pi/auth', methods: ['POST'], cases: logins('username', 'admin') },
    {
      path: '/userservice/login',
      other: { login: 'without', realm: REALM, password: USER_PASSWORD },
      cases: selfLogins((password) => password),
    },
    {
      path: '/userservice/auth',
      other: { login: 'without', realm: REALM, password: `:${base32(USER_PASSWORD)}` },
      cases: selfLogins((password) => `:${base32(password)}`),
    },
  ]
}

const selfLogins = (written: (password: string) => string): readonly Case[] =>
  [
    ...logins('login', 'email-active', { realm: REALM }),
    ...logins('login', 'without', { realm: REALM }),
    ['unknown realm', { login: 'without', realm: 'nowhere', password: USER_PASSWORD }] as const,
    ['no password in its resolver', { login: 'victim1', realm: 'victims', password: 'x' }] as const,
  ].map(([name, fields]): Case => [name, { ...fields, password: written(fields.password ?? '') }])

/** RFC 4648 §6, without padding, as the call takes it. */
function base32(text: string): string {
  const bits = Array.from(Buffer.from(text), (byte) => byte.toString(2).padStart(8, '0')).join('')
  const digits = bits.match(/.{1,5}/g) ?? []
  return digits.map((digit) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(digit.padEnd(5, '0'), 2)]).join('')
}

const logins = (name: string, known: string, more: Fields = {}): readonly Case[] => [
  ['an unknown one', { [name]: 'nobody', password: WRONG, ...more }],
  [`${known}, wrong password`, { [name]: known, password: WRONG, ...more }],
  [`${known}, no password`, { [name]: known, password: '', ...more }],
  ['an unknown one, no password', { [name]: 'nobody', password: '', ...more }],
]

/** Names of the request, moments, and numbers that are drawn for every reply, which make a body longer or shorter. */
const OWN_HEADERS = ['x-request-id', 'date', 'keep-alive', 'connection', 'content-length']
const bytesOf = ({ status, headers, text }: Answer): string =>
  JSON.stringify({
    status,
    headers: headers.filter(([name]) => !OWN_HEADERS.includes(name)),
    text: text
      .replace(/"threadid":\d+/, '"threadid":0')
      .replace(/"time":[\d.]+/, '"time":0')
      .replace(/"failcount": \d+/g, '"failcount": 0'),
  })
const short = (bytes: string): string => JSON.parse(bytes).text.replace(/\s+/g, '').slice(0, 250)

async function enumerate(target: Target, { profile, seed, say }: Start): Promise<Outcome> {
  const senders = target.urls.map(sender)
  const gateway = await startGateway()
  const random = randomOf(seed)
  const through: string[] = []
  let tries = 0
  try {
    // Logins count by name and address: what is shown here are their answers.
    for (const key of ['attempts', 'attempts_address', 'attempts_name'])
      await target.admin('/system/setConfig', { [`admin_login_${key}`]: '0', [`selfservice_login_${key}`]: '0' })
    const first = senders[0]
    if (!first) throw new Error('no server')
    const groups = groupsOf(await gather(target, first.send, gateway))
    for (let round = 0; round < (profile === 'full' ? 4 : 1); round++)
      for (const { path, cases, other, methods = ['POST', 'GET'] } of groups)
        for (const method of methods) {
          const seen = new Map<string, string>()
          for (const [name, fields] of cases) {
            const { send } = pick(senders, random)
            const answer = await (method === 'GET'
              ? send(method, `${path}?${new URLSearchParams(fields)}`)
              : send(method, path, formOf(fields)))
            tries++
            const bytes = bytesOf(answer)
            if (!seen.has(bytes)) seen.set(bytes, name)
          }
          if (other && seen.has(bytesOf(await first.send('POST', path, formOf(other)))))
            through.push(`${path} answers who is right as it answers the others: nothing was shown`)
          say(`${tries} answers, ${path}`)
          if (seen.size > 1 && through.length < 20)
            through.push(
              `${method} ${path} tells apart: ${[...seen].map(([bytes, name]) => `${name}: ${short(bytes)}`).join(' | ')}`,
            )
        }
    return { tries, through }
  } finally {
    for (const { close } of senders) close()
    await gateway.close()
  }
}

export const enumerations = [{ name: 'answers that tell who there is', run: enumerate }]
