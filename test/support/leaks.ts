/** Leaks: secrets that stand where they must not, as they are or in a disguise that anybody can take off. */

export type Secret = { readonly name: string; readonly text: string }
/** A place where somebody reads: a file, the log, replies. One character per byte where it holds bytes. */
export type Place = { readonly name: string; readonly content: string }

/** Six digits stand in many a number, so an OTP counts when nothing of a number is beside it. */
const OTP = /^\d{4,10}$/

/** @returns `name of the secret in name of the place, how it is written`, for each that was found */
export function findLeaks(secrets: readonly Secret[], places: readonly Place[]): readonly string[] {
  const found: string[] = []
  for (const { name, text } of secrets)
    for (const [how, spelling] of spellingsOf(text))
      for (const place of places)
        if (isIn(spelling, place.content, OTP.test(text) && how === 'plain'))
          found.push(`${name} in ${place.name}, ${how}`)
  return found
}

const isIn = (spelling: string, content: string, isOtp: boolean): boolean =>
  content.includes(spelling) && (!isOtp || new RegExp(`(?<![0-9a-fA-F.])${spelling}(?![0-9a-fA-F])`).test(content))

/** Base64 of a text that stands somewhere in a longer one begins at one of three bits; the ends depend on the neighbours. */
function base64sOf(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    return whole.slice(shift === 0 ? 0 : shift + 1, whole.length - ((bytes.length + shift) % 3 === 0 ? 0 : 1))
  })
}

export function spellingsOf(text: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(text)
  const spellings: (readonly [string, string])[] = [
    ['plain', text],
    ['in JSON', JSON.stringify(text).slice(1, -1)],
    ['URL-encoded', encodeURIComponent(text)],
    ['as a form', new URLSearchParams({ x: text }).toString().slice(2)],
    ['backwards', [...text].reverse().join('')],
    ['in hex', bytes.toString('hex')],
    ['in hex, capitals', bytes.toString('hex').toUpperCase()],
  ]
  // Short ones have neighbours that look like them.
  if (bytes.length >= 8)
    for (const [n, base64] of base64sOf(bytes).entries()) {
      spellings.push([`in base64, ${n}`, base64])
      spellings.push([`in base64url, ${n}`, base64.replaceAll('+', '-').replaceAll('/', '_')])
    }
  const different = spellings.filter(([, spelling], n) => n === 0 || spelling !== text)
  return new Map(OTP.test(text) ? different.filter(([how]) => how !== 'backwards') : different)
}
