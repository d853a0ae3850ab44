/** What must come out the same on every runtime: HOTP, sealing, PINs, passwords, crypt texts. */
import { cryptMatches } from '../../../src/adapters/users/crypt.ts'
import { newKey, readKeys } from '../../../src/adapters/vault/keys.ts'
import { createVault } from '../../../src/adapters/vault/webcrypto.ts'
import { hotp } from '../../../src/core/hotp.ts'
import { RFC4226, RFC6238 } from '../../support/rfc4226.ts'

/** Made on Node; each runtime must read it. */
export type Made = {
  readonly keys: string
  readonly sealed: string
  readonly pin: string
  readonly password: string
  readonly mac: string
}

export type Outcome = {
  readonly rfc4226: readonly string[]
  readonly rfc6238: readonly string[]
  readonly read: readonly boolean[]
  /** What this runtime made, for Node to read. */
  readonly made: Made
}

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes))
const utf8 = new TextEncoder()

function vaultOf(keys: string) {
  const read = readKeys(keys)
  if (!read.ok) throw new Error(read.error)
  return createVault(read.value, random)
}

export async function make(keys = newKey('v', random)): Promise<Made> {
  const vault = vaultOf(keys)
  return {
    keys,
    sealed: await vault.seal(utf8.encode('größe'), 'here'),
    pin: await vault.sealPin('pín', 'here'),
    password: await vault.hashPassword('pässword'),
    mac: await vault.mac('test', 'data'),
  }
}

export async function read({ keys, sealed, pin, password, mac }: Made): Promise<readonly boolean[]> {
  const vault = vaultOf(keys)
  const [opened, moved, openedPin] = [
    await vault.open(sealed, 'here'),
    await vault.open(sealed, 'there'),
    await vault.openPin(pin, 'here'),
  ]
  return [
    opened.ok && new TextDecoder().decode(opened.value) === 'größe',
    !moved.ok,
    openedPin.ok && (await openedPin.value('pín')) && !(await openedPin.value('pin')),
    (await vault.passwordMatches('pässword', password)) && !(await vault.passwordMatches('password', password)),
    await vault.macMatches('test', 'data', mac),
    (await cryptMatches('alice-pw', '$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0')) &&
      !(await cryptMatches('x', '$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0')),
  ]
}

export async function outcome(given: Made): Promise<Outcome> {
  return {
    rfc4226: RFC4226.vectors.map(({ counter }) =>
      hotp({ secret: utf8.encode(RFC4226.secret), counter, digits: 6, hash: 'sha1' }),
    ),
    rfc6238: RFC6238.map(({ counter, hash, secret }) =>
      hotp({ secret: utf8.encode(secret), counter, digits: 8, hash }),
    ),
    read: await read(given),
    made: await make(given.keys),
  }
}
