/** Rules that a PIN must keep when its user sets it (contract 6.7: `otp_pin_minlength`, `_maxlength`, `_contents`). */

export type PinRules = {
  /** Characters; null: no bound. */
  readonly min: number | null
  readonly max: number | null
  /** Letters of classes, `+` or `-` before them; empty: anything. */
  readonly contents: string
}

type PinClass = { readonly words: string; readonly holds: (character: string) => boolean }

const CLASSES: Readonly<Record<string, PinClass>> = {
  c: { words: 'a letter', holds: (character) => /^[a-z]$/i.test(character) },
  n: { words: 'a digit', holds: (character) => /^\d$/.test(character) },
  s: { words: 'a sign', holds: (character) => /^[!-/:-@[-`{-~]$/.test(character) },
  o: { words: 'another character', holds: (character) => !/^[!-~]$/.test(character) },
}

/** @returns the rule that is broken, as a sentence, or null */
export function brokenPinRule(pin: string, { min, max, contents }: PinRules): string | null {
  const characters = [...pin]
  if (min !== null && characters.length < min) return `The PIN must have at least ${min} characters.`
  if (max !== null && characters.length > max) return `The PIN must have at most ${max} characters.`
  const mode = /^[+-]/.exec(contents)?.[0] ?? ''
  const listed = [...new Set(contents)].flatMap((letter) => CLASSES[letter] ?? [])
  if (listed.length === 0) return null
  const words = listed.map(({ words: each }) => each)
  const found = listed.filter(({ holds }) => characters.some(holds))
  if (mode === '+' ? found.length === 0 : found.length < listed.length)
    return `The PIN must hold ${words.join(mode === '+' ? ' or ' : ' and ')}.`
  const others = mode !== '' && characters.some((character) => !listed.some(({ holds }) => holds(character)))
  return others ? `The PIN must hold nothing but ${words.join(' or ')}, as often as you like.` : null
}
