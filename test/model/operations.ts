/** What may happen in a walk, and how the next thing is chosen: mostly what clients do, and a good part of what they must not. */
import type { Enrolment, Setting } from './administration.ts'
import {
  type Ask,
  type HashName,
  isOpen,
  type Kind,
  type Model,
  type ModelChallenge,
  type ModelConfig,
  otpAt,
} from './state.ts'
import { waitAfter } from './throttle.ts'

export type Operation =
  | { readonly kind: 'ask'; readonly ask: Ask }
  | { readonly kind: 'enrol'; readonly enrolment: Enrolment }
  | { readonly kind: 'remove' | 'reset' | 'enable' | 'disable'; readonly serial: string }
  | { readonly kind: 'set'; readonly serial: string; readonly setting: Setting; readonly value: string }
  | { readonly kind: 'configure'; readonly config: ModelConfig }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'gateway'; readonly channel: Kind; readonly down: boolean }

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export type Random = () => number
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export const below = (random: Random, n: number): number => Math.floor(random() * n)
export function pick<T>(random: Random, list: readonly T[]): T {
  const item = list[below(random, list.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

/** The list with this likelihood, if it is not empty. */
const once = <T>(random: Random, likelihood: number, list: readonly T[]): readonly T[] | undefined =>
  list.length > 0 && random() < likelihood ? list : undefined

/** One of the entries, each as likely as its weight. */
export function weighted<T>(random: Random, entries: readonly (readonly [weight: number, value: T])[]): T {
  let rest = random() * entries.reduce((sum, [weight]) => sum + weight, 0)
  const found = entries.find(([weight]) => {
    rest -= weight
    return rest < 0
  })
  return (found ?? pick(random, entries))[1]
}

const hex = (random: Random, bytes: number): string =>
  Array.from({ length: bytes }, () => below(random, 256).toString(16).padStart(2, '0')).join('')

const PINS = ['', '1', '12', 'pin-', 'pin-', 'PIN-', 'ümlaut', '123456']
const HASHES: readonly HashName[] = ['sha1', 'sha1', 'sha256', 'sha512']
/** Secrets with which the first two challenges of a token have one OTP, when it has four digits. */
const TWINS: Readonly<Record<Kind, Partial<Enrolment>>> = {
  email: { key: '0000000000000000000000000000000000001319', digits: 4, hash: 'sha1' },
  sms: { key: '00000000000000000000000000000000000069b3', digits: 4, hash: 'sha1' },
}
/** Owners by serial, in the order of enrolment. `eve`'s tokens have one secret; `ivy` has none. */
export const SERIALS: readonly (readonly [serial: string, user: string])[] = [
  ['EM-ada', 'ada'],
  ['SM-bob', 'bob'],
  ['EM-cyd', 'cyd'],
  ['SM-cyd', 'cyd'],
  ['SM-dan', 'dan'],
  ['EM-dan', 'dan'],
  ['EM-eve1', 'eve'],
  ['EM-eve2', 'eve'],
  ['SM-fay', 'fay'],
  ['SM-gil1', 'gil'],
  ['SM-gil2', 'gil'],
]
export const USERS = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gil', 'ivy']
export const kindOf = (serial: string): Kind => (serial.startsWith('EM') ? 'email' : 'sms')

/** @param same what is taken over from another enrolment; with its secret the OTPs of both tokens are equal */
export function newEnrolment(random: Random, serial: string, user: string, same?: Partial<Enrolment>): Enrolment {
  const digits = weighted(random, [
    [8, 6],
    [3, 4],
    [1, 8],
  ])
  const enrolment = { serial, kind: kindOf(serial), user, pin: pick(random, PINS), key: hex(random, 20), digits }
  return { ...enrolment, hash: pick(random, HASHES), ...(random() < 0.3 ? TWINS[enrolment.kind] : {}), ...same }
}

export function newConfig(random: Random): ModelConfig {
  const times = [3, 20, 60, 60, 90, 120]
  return {
    validity: { email: pick(random, times), sms: pick(random, times) },
    // The provider's timeout, which stays as it was set up, and SMSProviderTimeout.
    bound: { email: 90, sms: pick(random, [0, 30, 90, 300]) },
    blocking: { email: pick(random, [0, 0, 5, 15, 40]), sms: pick(random, [0, 0, 5, 15, 40]) },
    maxAttempts: pick(random, [0, 0, 0, 1, 3]),
    unlock: pick(random, [0, 0, 1, 2]),
    delay: pick(random, [0, 0, 0, 1, 7]),
  }
}

export function choose(random: Random, model: Model): Operation {
  const serial = (): string => pick(random, SERIALS)[0]
  return weighted<() => Operation>(random, [
    [300, () => ({ kind: 'ask', ask: trigger(random, model) })],
    [480, () => ({ kind: 'ask', ask: response(random, model) })],
    [100, () => ({ kind: 'wait', seconds: wait(random, model) })],
    [30, () => ({ kind: 'reset', serial: lockedOr(model, serial()) })],
    [22, () => ({ kind: 'enable', serial: model.tokens.find((t) => !t.active)?.serial ?? serial() })],
    [12, () => ({ kind: 'disable', serial: serial() })],
    [10, () => ({ kind: 'enrol', enrolment: enrolment(random, model, serial()) })],
    [3, () => ({ kind: 'remove', serial: serial() })],
    [12, () => setting(random, serial())],
    [4, () => ({ kind: 'configure', config: newConfig(random) })],
    [12, () => gateway(random, model)],
  ])()
}

const lockedOr = (model: Model, serial: string): string =>
  model.tokens.find((token) => token.fails >= token.maxFails)?.serial ?? serial

/** Some stay with their owner, some are given to somebody else, some get the secret of another token of the owner. */
function enrolment(random: Random, model: Model, serial: string): Enrolment {
  const home = SERIALS.find(([one]) => one === serial)?.[1] ?? 'ada'
  const user = random() < 0.8 ? home : pick(random, USERS)
  const other = model.tokens.find((token) => token.user === user && token.serial !== serial)
  return newEnrolment(random, serial, user, other && random() < 0.5 ? sameAs(other, random() < 0.5) : {})
}

const sameAs = ({ pin, key, digits, hash }: Enrolment, secretToo: boolean): Partial<Enrolment> =>
  secretToo ? { pin, key, digits, hash } : { pin }

function setting(random: Random, serial: string): Operation {
  const setting = pick<Setting>(random, [
    'MaxFailCount',
    'MaxFailCount',
    'countAuthMax',
    'countAuth',
    'countAuthSuccessMax',
    'countAuthSuccess',
    'pin',
  ])
  // A maximum of 0 fails locks for good, one of 0 uses does not limit.
  const value = weighted<() => string>(random, [
    [1, () => '0'],
    [setting === 'MaxFailCount' ? 6 : 2, () => String(1 + below(random, 12))],
  ])()
  return { kind: 'set', serial, setting, value: setting === 'pin' ? pick(random, PINS) : value }
}

const gateway = (random: Random, model: Model): Operation => {
  const channel = pick<Kind>(random, ['email', 'sms'])
  return { kind: 'gateway', channel, down: random() < 0.4 && !model.down[channel] }
}

/** To the very second in which something ends, to the one before it, or a little while. */
function wait(random: Random, model: Model): number {
  const { challenges, tokens, config, now } = model
  const listening = tokens.flatMap((token) =>
    token.failed === undefined ? [] : [token.failed + waitAfter(model, token), token.failed + config.unlock * 60],
  )
  const ends = challenges
    .slice(-12)
    .flatMap((c) => [c.expires, c.created + (config.blocking[c.serial.startsWith('EM') ? 'email' : 'sms'] ?? 0)])
    .concat(listening)
    .flatMap((end) => [end, end - 1])
    .filter((end) => end > now)
    .sort((a, b) => a - b)
  if (ends.length === 0 || random() < 0.3) return 1 + below(random, 10)
  return pick(random, random() < 0.5 ? ends.slice(0, 2) : ends) - now
}

function trigger(random: Random, model: Model): Ask {
  // Some once more, when blocking is over and the challenge before is still open.
  const again = model.tokens.filter(({ serial, kind }) => {
    const open = model.challenges.filter((c) => c.serial === serial && isOpen(c, model.now))
    return open.length > 0 && open.every((c) => c.created <= model.now - model.config.blocking[kind])
  })
  const twins = again.filter((token) => {
    const next = otpAt(token, token.counter + 1)
    return model.challenges.some((c) => c.serial === token.serial && c.otp === next && isOpen(c, model.now))
  })
  const token = pick(random, once(random, 0.9, twins) ?? once(random, 0.4, again) ?? model.tokens)
  const user = random() < 0.95 ? token.user : pick(random, [...USERS, 'nobody'])
  const pass = random() < 0.93 ? token.pin : pick(random, PINS)
  return weighted<Ask>(random, [
    [20, { path: 'check', user, pass }],
    [2, { path: 'check', user, pass, kind: token.kind }],
    [2, { path: 'check', user, serial: token.serial, pass }],
    [1, { path: 'check', serial: token.serial, pass }],
    [2, { path: 'check_s', serial: token.serial, pass }],
    [1, { path: 'check_s', user, pass }],
  ])
}

/** A pass to a challenge that is open, or was, or is another's. Each part may be wrong on its own. */
function response(random: Random, model: Model): Ask {
  const latest = model.challenges.slice(-40)
  const open = latest.filter((challenge) => isOpen(challenge, model.now))
  if (latest.length === 0) return trigger(random, model)
  const equal = open.filter((one) => open.some((c) => c !== one && c.serial === one.serial && c.otp === one.otp))
  const target = pick(random, once(random, 0.5, equal) ?? once(random, 0.75, open) ?? latest)
  const token = model.tokens.find(({ serial }) => serial === target.serial)
  const transaction = transactionFor(random, target, latest)
  const pass = passFor(
    random,
    model,
    target,
    transaction === undefined || (kindOf(target.serial) === 'sms' && random() < 0.4),
  )
  const inside = transaction === undefined ? {} : { transaction }
  const user = random() < 0.88 && token ? token.user : pick(random, USERS)
  return weighted<Ask>(random, [
    [20, { path: 'check', user, ...inside, pass }],
    [2, { path: 'check', user, serial: target.serial, ...inside, pass }],
    [1, { path: 'check', user, kind: pick<Kind>(random, ['email', 'sms']), ...inside, pass }],
    [2, { path: 'check', serial: target.serial, ...inside, pass }],
    [2, { path: 'check_s', serial: target.serial, ...inside, pass }],
    [1, { path: 'check_s', user, ...inside, pass }],
    [transaction === undefined ? 0 : 4, { path: 'check_t', ...inside, pass }],
  ])
}

function transactionFor(random: Random, target: ModelChallenge, latest: readonly ModelChallenge[]): string | undefined {
  const { transaction, parent } = target
  return weighted<string | undefined>(random, [
    [10, transaction],
    [7, parent],
    [8, undefined],
    [1, pick(random, latest).transaction],
    [1, pick(random, latest).parent],
    [0.5, `${parent}.02`],
    [0.3, `${transaction}~`],
    [0.2, ''],
    [0.2, 'unknown'],
  ])
}

/** @param withPin the client puts the PIN before the OTP, as it should without a transaction */
function passFor(random: Random, model: Model, target: ModelChallenge, withPin: boolean): string {
  const token = model.tokens.find(({ serial }) => serial === target.serial)
  const pin = token?.pin ?? ''
  const otp = weighted<() => string>(random, [
    [75, () => target.otp],
    [12, () => wrong(target.otp)],
    [4, () => pick(random, model.challenges).otp],
    // An OTP that nobody was sent: the counters beside it.
    [4, () => (token ? otpAt(token, Math.max(0, target.counter + pick(random, [-1, 1, 2]))) : '000000')],
    [2, () => target.otp.slice(1)],
    [1, () => `0${target.otp}`],
    [1, () => ''],
  ])()
  const wrongPin = random() < 0.05 ? pick(random, PINS) : pin
  return (random() < 0.95 ? withPin : !withPin) ? `${wrongPin}${otp}` : otp
}

const wrong = (otp: string): string => String((Number(otp) + 1) % 10 ** otp.length).padStart(otp.length, '0')
