/**
 * Fuzzing: texts that are nearly right, by grammar and by mutation of what is right, into every reader of foreign text and
 * into the whole app. Nothing may throw, answer 5xx or take a second. What once got through stands in `REGRESSIONS`.
 */
import { enroll, type Harness, startHarness } from '../support/harness.ts'
import { type Attack, type Outcome, pick, randomOf, type Start } from './attack.ts'
import { mutate, type Random, READERS, REGRESSIONS, type Reader } from './fuzz-readers.ts'

const SLOW_MS = 1000

/** Once more: the machine may have been busy with something else. */
async function isSlow(act: () => unknown): Promise<boolean> {
  const began = performance.now()
  await Promise.resolve()
    .then(act)
    .catch(() => undefined)
  return performance.now() - began > SLOW_MS
}

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
    if (took > SLOW_MS && (await isSlow(() => reader.read(text))))
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
  const count = profile === 'full' ? 20_000 : 2000
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
      if (took > SLOW_MS && path !== '/admin/login' && (await isSlow(() => ask(h, path, init, operator))))
        through.push(`${input}: ${Math.round(took)} ms`)
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
        const count = (profile === 'full' ? 30_000 : 2000) / (slow ? 2 : 1)
        return fuzzReader(reader, count, seed)
      },
    }),
  ),
  { name: 'fuzzed requests', on: 'file, this process', run: fuzzApp },
]
