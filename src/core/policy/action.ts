/**
 * A policy action is declared once, with everything that can be said about it: parser, administration and documentation
 * derive from the declaration, and the declaration itself is the key it is read by.
 */
import { isLanguageTag } from '../language.ts'
import { err, ok, type Result } from '../result.ts'
import type { Seconds } from '../time.ts'

export const SCOPES = [
  'authentication',
  'authorization',
  'enrollment',
  'selfservice',
  'notification',
  'admin',
  'system',
  'audit',
  'tools',
] as const
export type Scope = (typeof SCOPES)[number]

/** How the text of a value is read. `true` and `false` stand for an action written `name` and `!name`. */
export type ValueKind<T> = {
  /** LinOTP's name of the type: bool, int, str, set. */
  readonly type: 'bool' | 'int' | 'str' | 'set'
  readonly read: (written: string | boolean) => Result<T, string>
  /** A value as one would write it, where it is no text, number or truth. */
  write?(value: T): string
  /** The values that are allowed, where they can be counted. */
  readonly allowed?: readonly (string | number)[]
}

export type Action<T = unknown> = {
  /** The name as written in a policy. */
  readonly name: string
  readonly scope: Scope
  readonly value: ValueKind<T>
  /** What holds when no policy speaks. */
  readonly default: T
  /** One sentence for operators. */
  readonly meaning: string
  /** Why it has no effect here, although it can be stored; whoever saves it is warned. */
  readonly idle?: string
}

export const defineAction = <T>(action: Action<T>): Action<T> => action

/** A short form for the actions of one scope: name, kind, default, meaning. */
export const inScope =
  (scope: Scope) =>
  <T>(name: string, value: ValueKind<T>, byDefault: NoInfer<T>, meaning: string): Action<T> =>
    defineAction({ name, scope, value, default: byDefault, meaning })

/** The same action, taken from clients of LinOTP and of no effect. */
export const idle = <T>(action: Action<T>, why: string): Action<T> => ({ ...action, idle: why })

/** True and false, and the historic digits: a positive number is true (contract 6.2). */
export const bool: ValueKind<boolean> = {
  type: 'bool',
  read: (written) => {
    if (typeof written === 'boolean') return ok(written)
    const word = written.trim().toLowerCase()
    if (word === 'true' || word === 'false') return ok(word === 'true')
    return /^-?\d{1,9}$/.test(word) ? ok(Number(word) > 0) : err("not of the expected type 'bool'")
  },
}

/** A regular expression that is searched for. */
export const pattern: ValueKind<string> = {
  type: 'str',
  read: (written) => {
    if (typeof written !== 'string') return err("not of the expected type 'str'")
    try {
      return ok(new RegExp(written).source === '' ? '' : written)
    } catch {
      return err('not a regular expression') // RegExp throws for what it cannot read
    }
  },
}

export const str: ValueKind<string> = {
  type: 'str',
  read: (written) => (typeof written === 'string' ? ok(written) : err("not of the expected type 'str'")),
}

export const int = (min: number, max: number): ValueKind<number> => ({
  type: 'int',
  read: (written) => {
    if (typeof written === 'boolean' || !/^\s*-?\d{1,9}\s*$/.test(written)) return err("not of the expected type 'int'")
    const n = Number(written)
    return n >= min && n <= max ? ok(n) : err(`not in supported values ${min} to ${max}`)
  },
})

/** A length of time: whole days, to the end of the last one, or so many hours or minutes. */
export type Span = { readonly days: number } | { readonly seconds: Seconds }

const UNITS: Readonly<Record<string, Seconds>> = { m: 60, h: 3600, d: 86_400, w: 604_800 }

/** `10`, `10 days`, `12h`, `1 week`. */
export const days: ValueKind<Span> = {
  type: 'str',
  write: (span) => ('days' in span ? `${span.days} days` : `${span.seconds / 60} minutes`),
  read: (written) => {
    const [, digits = '', unit = ''] =
      /^\s*(\d{1,5})\s*(|m|min|minutes?|h|hours?|d|days?|w|weeks?)\s*$/i.exec(String(written)) ?? []
    const n = Number(digits)
    if (digits === '' || n === 0) return err('not a time like 10 days, 12h or 30m')
    return ok(/^d?$/i.test(unit.charAt(0)) ? { days: n } : { seconds: n * (UNITS[unit.charAt(0).toLowerCase()] ?? 0) })
  },
}

/** A language as a tag (RFC 5646). */
export const languageTag: ValueKind<string> = {
  type: 'str',
  read: (written) =>
    typeof written === 'string' && isLanguageTag(written.trim())
      ? ok(written.trim())
      : err('not a language like de or pt-BR'),
}

/** One of a few words; `words` maps what may be written to what it means. */
export function oneOf<T extends string | number>(words: Readonly<Record<string, T>>): ValueKind<T> {
  const allowed = Object.keys(words)
  return {
    type: 'set',
    allowed,
    read: (written) => {
      const key = typeof written === 'string' ? written.trim() : ''
      const value = Object.hasOwn(words, key) ? words[key] : undefined
      return value === undefined ? err(`not in supported values [${allowed.join(', ')}]`) : ok(value)
    },
  }
}
