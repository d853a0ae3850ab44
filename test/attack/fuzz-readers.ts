/** Readers of foreign text, each with texts that are right, how they are made wrong, and those that once got through. */
import { parseMailTemplate } from '../../src/core/mail-template.ts'
import { readPasswd } from '../../src/core/passwd.ts'
import { destinations } from '../../src/core/policy/destinations.ts'
import { readClients, readRealms, readTimes, readUsers } from '../../src/core/policy/match.ts'
import { rates } from '../../src/core/policy/rate.ts'
import { readActions, writeActions } from '../../src/core/policy/text.ts'
import { readLinotpFile } from '../../src/http/dialects/linotp/config-file.ts'
import { pick } from './attack.ts'

export type Random = () => number

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
export function mutate(text: string, random: Random): string {
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

export type Reader = {
  readonly name: string
  readonly seeds: readonly string[]
  readonly read: (text: string) => unknown
}

const SUBJECT = { user: { login: 'ada', resolver: 'people', attributes: { email: 'ada@mail.test' } }, realm: 'home' }
const NOON = { minute: 0, hour: 12, day: 1, month: 1, weekday: 1, year: 2026 }

export const READERS: readonly Reader[] = [
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

export const REGRESSIONS: readonly { readonly reader: string; readonly text: string }[] = [
  // A value with both quotes was written in a way that could not be read.
  { reader: 'actions of policies', text: 'a="b\'\\"c", d = e' },
  { reader: 'actions of policies', text: 'emailtext="Your code is <otp>, ok"lsubject=\'x\'' },
]
