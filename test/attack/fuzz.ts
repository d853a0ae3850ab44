/**
 * Fuzzing: texts that are nearly right, by grammar and by mutation of what is right, into every reader of foreign text and
 * into the whole app. Nothing may throw, answer 5xx or take a second. What once got through stands in `REGRESSIONS`.
 */
import { parseMailTemplate } from '../../src/core/mail-template.ts'
import { readPasswd } from '../../src/core/passwd.ts'
import { destinations } from '../../src/core/policy/destinations.ts'
import { readClients, readRealms, readTimes, readUsers } from '../../src/core/policy/match.ts'
import { rates } from '../../src/core/policy/rate.ts'
import { readActions, writeActions } from '../../src/core/policy/text.ts'
import { readLinotpFile } from '../../src/http/dialects/linotp/config-file.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'
import { type Attack, type Outcome, pick, randomOf, type Start } from './attack.ts'

type Random = () => number
const SLOW_MS = 1000

/** Pieces that readers care about, and pieces that nobody expects. */
const ODD = [
  '',
  ' ',
  '\0',
  '\n',
  '\r\n',
  '\t',
  '"',
  "'",
  '\\',
  '=',
  ',',
  ';',
  ':',
  '#',
  '!',
  '*',
  '%',
  '${otp}',
  '<otp>',
  '${',
  '}',
  '<',
  '>',
  '\ud800',
  '\udfff',
  '\u202e',
  'ü',
  '€',
  '🔑',
  '\u0000\u0000',
  'a'.repeat(300),
  '9'.repeat(40),
  '-1',
  '1e999',
  'NaN',
  '0x10',
  '../',
  '%00',
  '%',
  '%zz',
  '=?utf-8?q?',
  '?=',
  '__proto__',
  'constructor',
  'null',
  'true',
  '[]',
  '{}',
  '\u2028',
  '/',
  '::',
  '/64',
  '(?=',
  '(a+)+',
]

/** One to six changes: a piece put in, taken out, doubled, swapped. */
function mutate(text: string, random: Random): string {
  let changed = text
  for (let n = 1 + Math.floor(random() * 6); n > 0; n--) {
    const at = Math.floor(random() * (changed.length + 1))
    const to = Math.min(changed.length, at + Math.floor(random() * 8))
    const kind = Math.floor(random() * 4)
    if (kind === 0) changed = changed.slice(0, at) + pick(ODD, random) + changed.slice(at)
    else if (kind === 1) changed = changed.slice(0, at) + changed.slice(to)
    else if (kind === 2) changed = changed.slice(0, to) + changed.slice(at)
    else changed = changed.slice(0, at) + String.fromCharCode(Math.floor(random() * 0x300)) + changed.slice(to)
  }
  return changed.slice(0, 20_000)
}

type Reader = { readonly name: string; readonly seeds: readonly string[]; readonly read: (text: string) => unknown }

const SUBJECT = { user: { login: 'ada', resolver: 'people', attributes: { email: 'ada@mail.test' } }, realm: 'home' }
const NOON = { minute: 0, hour: 12, day: 1, month: 1, weekday: 1, year: 2026 }

const READERS: readonly Reader[] = [
  {
    name: 'actions of policies',
    seeds: ['otppin=1', 'emailtext="Your code is <otp>, ok", emailsubject=\'x\'', '!autosms, *', 'a="b\\"c", d = e'],
    read: (text) => {
      const read = readActions(text)
      if (!read.ok) return
      const again = readActions(writeActions(read.value))
      if (!again.ok || JSON.stringify([...again.value]) !== JSON.stringify([...read.value]))
        throw new Error('what was written cannot be read again')
    },
  },
  {
    name: 'networks of clients',
    seeds: ['192.0.2.0/24, !192.0.2.7', '2001:db8::/32', '::ffff:10.0.0.1', '*', '10.0.0.1-5'],
    read: (text) => {
      const read = readClients(text)
      if (read.ok) for (const client of ['192.0.2.7', '2001:db8::1', '']) read.value(client)
    },
  },
  {
    name: 'users of policies',
    seeds: ['ada, *.people:', 'people:', 'ad.*', '!ada', 'ada#email == x', 'ada@home#email ~= .*@mail'],
    read: (text) => {
      const read = readUsers(text)
      if (read.ok) read.value({ ...SUBJECT.user, realm: SUBJECT.realm } as never) // as policies ask
    },
  },
  { name: 'realms of policies', seeds: ['home, corp', '*', 'home'], read: (text) => readRealms(text)('home') },
  {
    name: 'times of policies',
    seeds: ['* * * * * *;', '* 8-18 * * 1-5 *;', '!* * * * 6 *; */5 * * * * 2026'],
    read: (text) => {
      const read = readTimes(text)
      if (read.ok) read.value(NOON)
    },
  },
  { name: 'rates', seeds: ['5/10m 20/1d', '1/1s'], read: (text) => rates.read(text) },
  {
    name: 'destinations',
    seeds: ['*@mail.test +49 -+4990', 'ada@mail.test', '-*@evil.test'],
    read: (text) => destinations.read(text),
  },
  {
    name: 'passwd texts',
    seeds: ['ada:x:1:1:Ada Lovelace,,+49 170,+49 30,ada@mail.test:/:/', 'bob:$6$salt$hash:2:2:::\n#c\n\nada:x:3'],
    read: (text) => readPasswd(text),
  },
  {
    name: 'mail templates',
    seeds: [
      'Subject: ${otp}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nYour code: ${otp}\r\n',
      'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n${otp}\n--b\nContent-Type: text/html\n\n<b>${otp}</b>\n--b--\n',
      'Content-Type: multipart/related; boundary="r"\n\n--r\nContent-Type: text/html\n\n<img src="cid:a">\n--r\nContent-ID: <a>\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--r--',
    ],
    read: (text) => parseMailTemplate(text),
  },
  {
    name: "LinOTP's exports",
    seeds: [
      '{"result":{"value":{"EmailBlockingTimeout":"120"}}}',
      '[one]\nscope = authentication\naction = "otppin=1"\nrealm = *\n',
    ],
    read: (text) => readLinotpFile(text),
  },
]

const REGRESSIONS: readonly { readonly reader: string; readonly text: string }[] = [
  // A value with both quotes was written in a way that could not be read.
  { reader: 'actions of policies', text: 'a="b\'\\"c", d = e' },
  { reader: 'actions of policies', text: 'emailtext="Your code is <otp>, ok"lsubject=\'x\'' },
]

async function fuzzReader(reader: Reader, count: number, seed: number): Promise<Outcome> {
  const random = randomOf(seed)
  const through: string[] = []
  const known = REGRESSIONS.filter((one) => one.reader === reader.name).map(({ text }) => text)
  /** What was read without complaint is a seed for more. */
  const seeds = [...reader.seeds]
  for (let n = 0; n < count && through.length < 5; n++) {
    const text = known[n] ?? mutate(pick(seeds, random), random)
    const began = performance.now()
    try {
      const read = await reader.read(text)
      if (seeds.length < 500 && typeof read === 'object' && read !== null && 'ok' in read && read.ok === true)
        seeds.push(text)
    } catch (error) {
      through.push(`seed ${seed}, input ${n} ${JSON.stringify(text.slice(0, 200))}: ${String(error)}`)
    }
    const took = performance.now() - began
    if (took > SLOW_MS)
      through.push(`seed ${seed}, input ${n} took ${Math.round(took)} ms: ${JSON.stringify(text.slice(0, 200))}`)
  }
  return { tries: count, through }
}

/** Parameters of the requests, with values that are right; mutated, left out, doubled, as form, JSON, multipart and noise. */
const REQUESTS: readonly (readonly [string, Readonly<Record<string, string>>, boolean])[] = [
  [
    '/validate/check',
    { user: 'ada', pass: 'pin-123456', transactionid: '12345678901234567', serial: 'FUZZ', data: '<otp>' },
    false,
  ],
  ['/validate/check_s', { serial: 'FUZZ', pass: 'pin-', challenge: 'x' }, false],
  ['/validate/check_t', { transactionid: '12345678901234567.01', pass: '123456' }, false],
  ['/validate/check_status', { transactionid: '12345678901234567', pass: 'pin-' }, false],
  ['/validate/simplecheck', { user: 'ada@home', pass: 'x', realm: 'home' }, false],
  ['/validate/samlcheck', { user: 'home\\ada', pass: 'x', resConf: 'people (x)' }, false],
  ['/admin/login', { username: 'admin', password: 'x' }, false],
  [
    '/admin/show',
    { user: 'ad*', serial: '*', filter: '/:active:/', page: '1', pagesize: '2', sortby: 'TokenId', user_fields: 'a,b' },
    true,
  ],
  [
    '/admin/set',
    { serial: 'FUZZ', MaxFailCount: '1000000', description: 'x', validityPeriodEnd: '01/01/30 00:00' },
    true,
  ],
  ['/admin/userlist', { realm: 'home', username: '*', rp: '2', page: '1' }, true],
  [
    '/system/setPolicy',
    {
      name: 'fuzz',
      scope: 'selfservice',
      action: 'history, otp_pin_minlength=4',
      realm: 'nowhere',
      user: 'x',
      client: '192.0.2.0/24',
      time: '* * * * * *;',
    },
    true,
  ],
  [
    '/system/checkPolicy',
    { user: 'ada', realm: 'home', scope: 'authentication', action: 'otppin', client: '192.0.2.1' },
    true,
  ],
  ['/system/setConfig', { key: 'fuzz.key', value: 'x', type: 'password' }, true],
  ['/system/testProvider', { type: 'sms', name: 'none' }, true],
  ['/otpost/templates', { name: 'fuzz.eml', source: 'Subject: x\n\n${otp}' }, true],
  ['/otpost/keys/rotate', { kind: 'secret', after: 'x' }, true],
  [
    '/audit/search',
    { user: 'a%', page: '1', rp: '2', sortname: 'number', outform: 'json', query: 'x', qtype: 'extsearch' },
    true,
  ],
]

async function fuzzApp({ profile, seed, say }: Start): Promise<Outcome> {
  const count = profile === 'full' ? 60_000 : 4000
  const random = randomOf(seed)
  const through: string[] = []
  const h = await startHarness()
  try {
    await enroll(h, 'ada', 'FUZZ', { pin: 'pin-' })
    await h.admin('/admin/set', { serial: 'FUZZ', MaxFailCount: '1000000' })
    for (let n = 0; n < count && through.length < 5; n++) {
      const [path, fields, operator] = pick(REQUESTS, random)
      const init = requestOf(fields, random)
      const began = performance.now()
      const { status, text } = await ask(h, path, init, operator)
      const took = performance.now() - began
      const input = `seed ${seed}, request ${n} ${path} ${JSON.stringify(describeBody(init)).slice(0, 300)}`
      if (status >= 500) through.push(`${input}: ${status} ${text.slice(0, 200)}`)
      if (took > SLOW_MS && path !== '/admin/login') through.push(`${input}: ${Math.round(took)} ms`)
      if (n % 500 === 0) say(`${n} of ${count} requests`)
      // Challenges and rows of the audit would make every request slower than the one before.
      if (n % 5000 === 4999) h.pass(100_000)
    }
    const broken = h.log.filter((line) => line.includes('request_failed'))
    through.push(...broken.slice(0, 5))
    return { tries: count, through }
  } finally {
    await h.close()
  }
}

async function ask(h: Harness, path: string, init: RequestInit, operator: boolean) {
  const request = new Request(`http://otpost.test${path}`, init)
  const connection = { peer: '192.0.2.7', secure: false, ...(operator ? { operator: 'fuzz' } : {}) }
  const response = await h.app.fetch(request, connection)
  return { status: response.status, text: await response.text() }
}

const describeBody = ({ body }: RequestInit): string =>
  typeof body === 'string'
    ? body
    : body instanceof URLSearchParams
      ? body.toString()
      : body instanceof FormData
        ? 'multipart'
        : 'bytes'

function requestOf(fields: Readonly<Record<string, string>>, random: Random): RequestInit {
  const given = Object.entries(fields)
    .filter(() => random() > 0.1)
    .map(
      ([name, value]) =>
        [random() < 0.05 ? mutate(name, random) : name, random() < 0.6 ? mutate(value, random) : value] as const,
    )
  const doubled = random() < 0.1 ? given.flatMap((one) => [one, one]) : given
  const kind = random()
  if (kind < 0.6) return { method: 'POST', body: new URLSearchParams(doubled.map(([name, value]) => [name, value])) }
  if (kind < 0.75) {
    const text = JSON.stringify(
      Object.fromEntries(doubled.map(([name, value]) => [name, random() < 0.2 ? oddJson(random) : value])),
    )
    const body = random() < 0.3 ? mutate(text, random) : text
    return { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  }
  if (kind < 0.9) {
    const form = new FormData()
    for (const [name, value] of doubled)
      if (random() < 0.2) form.append(name, new Blob([value]), mutate('file.txt', random))
      else form.append(name, value)
    return { method: 'POST', body: form }
  }
  const bytes = Uint8Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256))
  const types = [
    'application/x-www-form-urlencoded',
    'application/json',
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    'text/plain',
    '',
  ]
  return { method: 'POST', body: bytes, headers: { 'content-type': pick(types, random) } }
}

const oddJson = (random: Random): unknown =>
  pick<unknown>(
    [null, true, 1e308, -0, [], {}, ['a', 'b'], { a: { b: 1 } }, '\ud800', 1.5, [[[[]]]], { __proto__: 1 }],
    random,
  )

export const fuzzing: readonly Attack[] = [
  ...READERS.map(
    (reader): Attack => ({
      name: `fuzzed ${reader.name}`,
      on: 'this process',
      run: ({ profile, seed }) => {
        const slow = reader.name === 'mail templates'
        const count = (profile === 'full' ? 20_000 : 1500) / (slow ? 2 : 1)
        return fuzzReader(reader, count, seed)
      },
    }),
  ),
  { name: 'fuzzed requests', on: 'file, this process', run: fuzzApp },
]
