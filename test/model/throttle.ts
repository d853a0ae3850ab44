/** When a token that has failed is asked again (docs/operations.md, "Limits"). */
import type { Model, ModelToken } from './state.ts'

/** An hour. */
const LONGEST = 3600

export const isLocked = (model: Model, token: ModelToken): boolean =>
  token.fails >= token.maxFails && !lockIsOver(model, token)

export function isWaiting(model: Model, token: ModelToken): boolean {
  if (model.config.delay === 0 || token.fails < 3 || token.failed === undefined) return false
  return model.now < token.failed + waitAfter(model, token) && !lockIsOver(model, token)
}

/** Seconds. */
export function waitAfter({ config }: Model, { fails }: ModelToken): number {
  let wait = config.delay
  for (let failure = 4; failure <= fails && wait < LONGEST; failure++) wait += wait
  return Math.min(wait, LONGEST)
}

export function countFailure(model: Model, token: ModelToken): void {
  if (lockIsOver(model, token)) token.fails = 0
  if (token.fails < token.maxFails) token.failed = model.now
  token.fails++
}

/** A maximum of 0 locks for good. */
function lockIsOver({ config, now }: Model, { fails, maxFails, failed }: ModelToken): boolean {
  if (config.unlock === 0 || maxFails === 0 || fails < maxFails || failed === undefined) return false
  return now - failed >= config.unlock * 60
}
