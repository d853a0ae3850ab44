/** Passwords that a machine makes up. */
import type { Random } from '../ports/edges.ts'

/** 32 characters, so that no byte favours one of them; without 0, 1, l and o, which are hard to tell apart. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789'

/** Four groups of five characters, 100 bits. */
export function newPassword(random: Random): string {
  const characters = Array.from(random(20), (byte) => ALPHABET[byte % ALPHABET.length]).join('')
  return characters.replace(/.{5}(?=.)/g, '$&-')
}
