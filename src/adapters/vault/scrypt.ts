/**
 * Passwords of administrators: scrypt (RFC 7914), self-describing, the same on all runtimes.
 * N = 2^14, r = 8, p = 5: 16 MiB of memory, the OWASP setting that fits into a Worker.
 */
import { Buffer } from 'node:buffer'
import { scrypt, timingSafeEqual } from 'node:crypto'
import type { Random } from '../../ports/edges.ts'

const LOG_N = 14
const BLOCK = 8
const PARALLEL = 5
const HASH_BYTES = 32
/** More than this is not computed: a stored hash must not be able to exhaust the process. */
const MAX_LOG_N = 17

export async function hashPassword(password: string, random: Random): Promise<string> {
  const salt = Buffer.from(random(16))
  const hash = await derive(password, salt, LOG_N, BLOCK, PARALLEL)
  return `$scrypt$ln=${LOG_N},r=${BLOCK},p=${PARALLEL}$${salt.toString('base64url')}$${hash.toString('base64url')}`
}

/** False for a text that is no such hash. */
export async function passwordMatches(password: string, stored: string): Promise<boolean> {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/.exec(stored)
  if (!match) return false
  const [logN = 0, r = 0, p = 0] = match.slice(1, 4).map(Number)
  if (logN < 1 || r < 1 || p < 1 || logN > MAX_LOG_N || r > 16 || p > 16) return false
  const expected = Buffer.from(match[5] ?? '', 'base64url')
  const actual = await derive(password, Buffer.from(match[4] ?? '', 'base64url'), logN, r, p)
  return actual.length === expected.length && timingSafeEqual(actual, expected)
}

function derive(password: string, salt: Buffer, logN: number, r: number, p: number): Promise<Buffer> {
  const options = { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
