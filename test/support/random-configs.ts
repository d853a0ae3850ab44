/** Configurations at random, from a seed: those that nobody would write, and those that are almost good. */

/** A number from 0 to 1, as Math.random. */
export type RandomNumber = () => number

/** mulberry32, seeded by a text: the same texts give the same numbers. */
export function randomFrom(seed: string): RandomNumber {
  let state = [...seed].reduce(
    (sum, letter) => Math.imul(sum ^ (letter.codePointAt(0) ?? 0), 16_777_619),
    2_166_136_261,
  )
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const pick = <T>(random: RandomNumber, items: readonly T[], fallback: T): T =>
  items[Math.floor(random() * items.length)] ?? fallback

const TEXTS: readonly string[] = [
  ...['', ' ', '0', '25', '-1', '1e3', '3,10', 'true', 'False', 'yes', 'basic', 'DIGEST', 'GET', 'POST', 'form', '('],
  ...[
    'https://sms.example.org/a?b=c',
    'http://127.0.0.1:9',
    'https://u:p%zz@h',
    'https:u:p@h',
    'http://',
    '://',
    'a,b',
  ],
  ...[
    'ada@example.org',
    'Ada <ada@example.org>',
    '<phone>@x.test',
    '<to> <text> <otp>',
    '<message>',
    'a.b[0].c',
    'a[',
    ']',
  ],
  ...['__proto__', 'constructor', '\0', 'a\r\nb', '\ud800', 'ü', '\u{1f600}', 'x'.repeat(5000), 'host:25', '[::1]'],
  ...['-----BEGIN CERTIFICATE-----', '/no/such/file', 'file:///etc/passwd', '***'],
]
const NUMBERS: readonly number[] = [0, 1, -1, 0.5, 25, 587, 65_536, 1e308, Number.MAX_SAFE_INTEGER, -0]

/** Any JSON value, as JSON.parse would give it. */
export function aValue(random: RandomNumber, secret: string, depth = 0): unknown {
  const kind = Math.floor(random() * (depth > 3 ? 5 : 7))
  switch (kind) {
    case 0:
      return null
    case 1:
      return random() < 0.5
    case 2:
      return pick(random, NUMBERS, 0)
    case 3:
      return secret
    case 4:
      return pick(random, TEXTS, '')
    case 5:
      return Array.from({ length: Math.floor(random() * 4) }, () => aValue(random, secret, depth + 1))
    default: {
      const names = Array.from({ length: Math.floor(random() * 4) }, () => pick(random, TEXTS, 'x'))
      return fromEntries(names.map((name) => [name, aValue(random, secret, depth + 1)]))
    }
  }
}

/** A sample with a few keys changed, or nothing but keys at random. */
export function aConfig(
  random: RandomNumber,
  sample: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  secret: string,
): Readonly<Record<string, unknown>> {
  const changes = Array.from({ length: 1 + Math.floor(random() * 3) }, (): [string, unknown] => [
    pick(random, random() < 0.5 ? Object.keys(sample) : keys, 'x'),
    aValue(random, secret),
  ])
  return fromEntries([...(random() < 0.9 ? Object.entries(sample) : []), ...changes])
}

/** By way of JSON, so that `__proto__` is a member like any other. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const members = entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  return JSON.parse(`{${members.join(',')}}`)
}
