/**
 * Matching of policies (contract 6.3): conditions on realm, user, client and time, read once when a policy is saved or
 * loaded, and how precisely each of them speaks.
 */
import ipaddr from 'ipaddr.js'
import { err, ok, type Result } from '../result.ts'
import type { LocalTime } from '../time.ts'

/** How precisely a condition speaks: 0 not at all, 1 by `*`, 2 by a pattern, 3 exactly. */
export type Precision = 0 | 1 | 2 | 3

export type Condition<T> = (value: T) => Precision

type Entry = { readonly negated: boolean; readonly text: string }

const entries = (list: string): readonly Entry[] =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => ({ negated: /^[-!]/.test(item), text: item.replace(/^[-!]\s*/, '') }))

/** Realms, case-insensitive. `*` anywhere wins at once; a negated hit makes the policy not match. */
export function readRealms(list: string): Condition<string> {
  const conditions = entries(list.toLowerCase())
  return (realm) => {
    if (conditions.some(({ text, negated }) => text === '*' && !negated)) return 1
    const hits = conditions.filter(({ text }) => text === realm.toLowerCase())
    return hits.length > 0 && hits.every(({ negated }) => !negated) ? 3 : 0
  }
}

/** Addresses and networks, IPv4 and IPv6. `*` anywhere wins at once; a negated hit wins over the others. */
export function readClients(list: string): Result<Condition<string>, string> {
  const conditions: { readonly negated: boolean; readonly any: boolean; readonly network: Network | null }[] = []
  for (const { text, negated } of entries(list)) {
    if (text === '*') conditions.push({ negated, any: true, network: null })
    else {
      const network = readNetwork(text)
      if (!network) return err(`'${text}' is not an address, a network like 10.0.0.0/8 or *`)
      conditions.push({ negated, any: false, network })
    }
  }
  return ok((client) => {
    if (conditions.some(({ any, negated }) => any && !negated)) return 1
    if (!ipaddr.isValid(client)) return 0
    const address = ipaddr.process(client)
    const hits = conditions.filter(
      ({ network }) => network && network.kind === address.kind() && address.match(network.base, network.bits),
    )
    return hits.length > 0 && hits.every(({ negated }) => !negated) ? 3 : 0
  })
}

type Network = { readonly kind: string; readonly base: ipaddr.IPv4 | ipaddr.IPv6; readonly bits: number }

/**
 * An address or a network. Four numbers or a full IPv6 address: forms like `10.1` and `10/8` are none here, nor is
 * `010.0.0.0/8`, which some read as 8.0.0.0/8.
 */
export function readNetwork(text: string): Network | null {
  if (text.includes('/')) {
    if (!(ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text))) return null
    const [base, bits] = ipaddr.parseCIDR(text)
    // An IPv4 address inside IPv6 is the IPv4 address, and so is a network of them.
    if (base instanceof ipaddr.IPv6 && base.isIPv4MappedAddress() && bits >= 96)
      return { kind: 'ipv4', base: base.toIPv4Address(), bits: bits - 96 }
    return { kind: base.kind(), base, bits }
  }
  if (!(ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text))) return null
  const base = ipaddr.process(text)
  return { kind: base.kind(), base, bits: base.kind() === 'ipv4' ? 32 : 128 }
}

/** A user as conditions see one. */
export type MatchUser = {
  readonly login: string
  readonly realm: string
  readonly resolver: string
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * Users, in order; a negated hit ends with "no". `name` is a pattern over the whole login, in which a `*` that follows no
 * `.` means `.*`; `resolver:` and `name.resolver:`; `…#attr`, `…#attr == value`, `…#attr != value`, `…#attr ~= pattern`.
 */
export function readUsers(list: string): Result<Condition<MatchUser>, string> {
  const conditions: { readonly negated: boolean; readonly matches: Condition<MatchUser> }[] = []
  for (const { text, negated } of entries(list)) {
    const matches = readUser(text)
    if (!matches.ok) return matches
    conditions.push({ negated, matches: matches.value })
  }
  return ok((user) => {
    let best: Precision = 0
    for (const { negated, matches } of conditions) {
      const precision = matches(user)
      if (precision > 0 && negated) return 0
      if (precision > best) best = precision
    }
    return best
  })
}

function readUser(text: string): Result<Condition<MatchUser>, string> {
  if (text === '*') return ok(() => 1)
  const hash = text.indexOf('#')
  if (hash >= 0) return readAttribute(text.slice(0, hash).trim(), text.slice(hash + 1).trim())
  const inResolver = /^(?:(.*)\.)?([\w-]+):$/.exec(text)
  if (inResolver) {
    const [, name, resolver] = inResolver
    const login = name === undefined ? ok(/^/) : loginPattern(name)
    if (!login.ok) return login
    return ok((user) =>
      user.resolver === resolver && login.value.test(user.login) ? (user.login === name ? 3 : 2) : 0,
    )
  }
  const login = loginPattern(text)
  return login.ok ? ok((user) => (user.login === text ? 3 : login.value.test(user.login) ? 2 : 0)) : login
}

function readAttribute(who: string, what: string): Result<Condition<MatchUser>, string> {
  const parts = /^(\w+)\s*(?:(==|!=|~=)\s*(.*))?$/.exec(what)
  if (!parts) return err(`'#${what}' is not an attribute, or attribute == value, != value, ~= pattern`)
  const [, name = '', operator, operand = ''] = parts
  const pattern = operator === '~=' ? readPattern(operand) : ok(/^/)
  if (!pattern.ok) return pattern
  const base: Result<Condition<MatchUser>, string> = who === '' ? ok(() => 2) : readUser(who)
  if (!base.ok) return base
  return ok((user) => {
    const value = user.attributes[name] ?? ''
    const holds =
      operator === undefined
        ? value !== ''
        : operator === '=='
          ? value === operand
          : operator === '!='
            ? value !== operand
            : pattern.value.test(value)
    return holds && base.value(user) > 0 ? 2 : 0
  })
}

const loginPattern = (text: string): Result<RegExp, string> => readPattern(`^(?:${text.replace(/(?<!\.)\*/g, '.*')})$`)

function readPattern(source: string): Result<RegExp, string> {
  if (source.length > 512) return err('a pattern has at most 512 characters')
  try {
    return ok(new RegExp(source, 's'))
  } catch {
    return err(`'${source}' is not a regular expression`)
  }
}

const FIELDS: readonly (readonly [keyof LocalTime, number, number])[] = [
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day', 1, 31],
  ['month', 1, 12],
  ['weekday', 0, 7],
  ['year', 1970, 9999],
]

/** Cron expressions of six fields separated by `;`; empty or `*` is always; a negated hit wins. */
export function readTimes(text: string): Result<(time: LocalTime) => boolean, string> {
  const list = text
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  if (list.length === 0 || (list.length === 1 && list[0] === '*')) return ok(() => true)
  const conditions: { readonly negated: boolean; readonly matches: (time: LocalTime) => boolean }[] = []
  for (const one of list) {
    const negated = /^[-!]/.test(one)
    const fields = one.replace(/^[-!]\s*/, '').split(/\s+/)
    if (fields.length !== FIELDS.length) return err(`'${one}' needs six fields: minute hour day month weekday year`)
    const tests: ((time: LocalTime) => boolean)[] = []
    for (const [index, [name, min, max]] of FIELDS.entries()) {
      const allowed = readField(fields[index] ?? '', min, max)
      if (!allowed) return err(`'${fields[index]}' is not a ${name} from ${min} to ${max}, a list, a range, * or */n`)
      tests.push((time) => allowed(time[name]) || (name === 'weekday' && time.weekday === 0 && allowed(7)))
    }
    conditions.push({ negated, matches: (time) => tests.every((test) => test(time)) })
  }
  return ok((time) => {
    const hits = conditions.filter(({ matches }) => matches(time))
    return hits.length > 0 && hits.every(({ negated }) => !negated)
  })
}

function readField(text: string, min: number, max: number): ((n: number) => boolean) | null {
  const tests: ((n: number) => boolean)[] = []
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\d{1,4})(?:-(\d{1,4}))?)(?:\/(\d{1,4}))?$/.exec(part)
    if (!match) return null
    const from = match[1] === undefined ? min : Number(match[1])
    const to = match[1] === undefined ? max : Number(match[2] ?? match[1])
    const step = Number(match[3] ?? 1)
    if (from < min || to > max || from > to || step < 1) return null
    tests.push((n) => n >= from && n <= to && (n - from) % step === 0)
  }
  return (n) => tests.some((test) => test(n))
}
