/**
 * sha256-crypt (`$5$`) and sha512-crypt (`$6$`) of crypt(3), for comparing only.
 *
 * Source: Ulrich Drepper, *Unix crypt using SHA-256 and SHA-512*, https://www.akkadia.org/drepper/SHA-crypt.txt; the
 * numbers below are its steps. Not npm's unixcrypt: that one is wrong for passwords of exactly 32, 64 … bytes and throws
 * for texts that it cannot read.
 */
import { createHash } from 'node:crypto'
import { equalInConstantTime } from '../../core/hotp.ts'

type Variant = {
  readonly hash: 'sha256' | 'sha512'
  readonly bytes: number
  /** How a triple of positions follows from the one before: the order in which the digest is written (22). */
  readonly next: (triple: Triple) => Triple
}
type Triple = readonly [number, number, number]

const VARIANTS: Readonly<Record<string, Variant>> = {
  5: { hash: 'sha256', bytes: 32, next: ([a, b, c]) => [c + 1, a + 1, b + 1] },
  6: { hash: 'sha512', bytes: 64, next: ([a, b, c]) => [b + 1, c + 1, a + 1] },
}
const FORMAT = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$:\n]{0,16})\$([./0-9A-Za-z]+)$/
const DEFAULT_ROUNDS = 5000
const MIN_ROUNDS = 1000
/** The format allows a thousand times more, which would keep a process busy for an hour. passlib writes 656000. */
const MAX_ROUNDS = 1_000_000
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Others get their turn after so many rounds, some 50 ms. */
const ROUNDS_AT_A_TIME = 10_000

/** How to compare a password with `text`; null for what is no sha-crypt, and for more than a million rounds. */
export function readShaCrypt(text: string): ((password: string) => Promise<boolean>) | null {
  const [, id = '', given, salt = '', expected = ''] = FORMAT.exec(text) ?? []
  const variant = VARIANTS[id]
  const rounds = given === undefined ? DEFAULT_ROUNDS : Number(given)
  if (!variant || rounds < MIN_ROUNDS || rounds > MAX_ROUNDS) return null
  const utf8 = new TextEncoder()
  return async (password) => {
    const digest = await compute(variant, utf8.encode(password), utf8.encode(salt), rounds)
    return equalInConstantTime(expected, encode(digest, variant))
  }
}

async function compute(
  { hash: name }: Variant,
  key: Uint8Array,
  salt: Uint8Array,
  rounds: number,
): Promise<Uint8Array> {
  const hash = (...parts: readonly Uint8Array[]): Uint8Array =>
    parts.reduce((running, bytes) => running.update(bytes), createHash(name)).digest()

  const b = hash(key, salt, key) // 4–8
  const bits: Uint8Array[] = []
  for (let n = key.length; n > 0; n >>= 1) bits.push(n & 1 ? b : key) // 11
  let running = hash(key, salt, stretch(b, key.length), ...bits) // 1–3, 9–12
  const p = stretch(hash(...Array<Uint8Array>(key.length).fill(key)), key.length) // 13–16
  const s = stretch(hash(...Array<Uint8Array>(16 + (running[0] ?? 0)).fill(salt)), salt.length) // 17–20
  // 21
  for (let round = 0; round < rounds; round++) {
    const odd = round % 2 === 1
    const sha = createHash(name).update(odd ? p : running)
    if (round % 3 !== 0) sha.update(s)
    if (round % 7 !== 0) sha.update(p)
    running = sha.update(odd ? running : p).digest()
    if (round % ROUNDS_AT_A_TIME === ROUNDS_AT_A_TIME - 1) await new Promise((resume) => setTimeout(resume))
  }
  return running
}

/** `bytes` over and over, `length` bytes of it. */
function stretch(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, n) => bytes[n % bytes.length] ?? 0)
}

/** Six bits a character, the lowest first; three bytes make four characters, and what is left over makes fewer. */
function encode(digest: Uint8Array, { bytes, next }: Variant): string {
  const at = (position: number): number => digest[position] ?? 0
  const characters = (value: number, count: number): string =>
    Array.from({ length: count }, (_, n) => ALPHABET.charAt((value >> (6 * n)) & 63)).join('')

  const third = Math.floor(bytes / 3)
  let text = ''
  let triple: Triple = [0, third, 2 * third]
  for (let n = 0; n < third; n++, triple = next(triple)) {
    const [high, middle, low] = triple
    text += characters((at(high) << 16) | (at(middle) << 8) | at(low), 4)
  }
  return text + (bytes === 32 ? characters((at(31) << 8) | at(30), 3) : characters(at(63), 2))
}
