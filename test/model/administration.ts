/** What administration does to the model (contract 3.2, 7.1). */
import type { HashName, Kind, Model, ModelConfig, ModelToken } from './state.ts'

export type Enrolment = {
  readonly serial: string
  readonly kind: Kind
  readonly user: string
  readonly pin: string
  /** Hex. */
  readonly key: string
  readonly digits: number
  readonly hash: HashName
}

/** By the names of `admin/set`. */
export type Setting = 'MaxFailCount' | 'countAuth' | 'countAuthMax' | 'countAuthSuccess' | 'countAuthSuccessMax' | 'pin'

const FIELDS = {
  MaxFailCount: 'maxFails',
  countAuth: 'asked',
  countAuthMax: 'askedMax',
  countAuthSuccess: 'succeeded',
  countAuthSuccessMax: 'succeededMax',
} as const satisfies Record<Exclude<Setting, 'pin'>, keyof ModelToken>

/**
 * A new token, or a new secret for an old one: counter and fail count begin anew, what was sent is worth nothing and
 * blocks nothing. Limits, counts and `active` keep their values.
 */
export function enrol(model: Model, enrolment: Enrolment): void {
  const { serial, user, pin, key, digits, hash } = enrolment
  const known = model.tokens.find((token) => token.serial === serial)
  if (known) {
    Object.assign(known, { user, pin, key, digits, hash, counter: 0, fails: 0 })
    model.challenges = model.challenges.filter((challenge) => challenge.serial !== serial)
    return
  }
  const counts = { counter: 0, fails: 0, maxFails: 10, asked: 0, askedMax: 0, succeeded: 0, succeededMax: 0 }
  model.tokens.push({ ...enrolment, ...counts, failed: undefined, active: true })
}

export function remove(model: Model, serial: string): void {
  model.tokens = model.tokens.filter((token) => token.serial !== serial)
  model.challenges = model.challenges.filter((challenge) => challenge.serial !== serial)
}

export function setActive(model: Model, serial: string, active: boolean): void {
  for (const token of model.tokens) if (token.serial === serial) token.active = active
}

export function reset(model: Model, serial: string): void {
  for (const token of model.tokens) if (token.serial === serial) token.fails = 0
}

export function set(model: Model, serial: string, setting: Setting, value: string): void {
  for (const token of model.tokens.filter((one) => one.serial === serial)) {
    if (setting === 'pin') token.pin = value
    else token[FIELDS[setting]] = Number(value)
  }
}

/** Counts for what is opened from now on; blocking counts at once. */
export function configure(model: Model, config: ModelConfig): void {
  model.config = config
}
