/**
 * How many text messages a text costs: 3GPP TS 23.038 §6.2.1 (GSM 7 bit, its extension) and §6.2.3 (UCS-2), TS 23.040
 * §9.2.3.24.1 (concatenation, whose header takes 7 septets or 3 units of each part).
 */

const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
/** Each takes two septets, which stay in one part. */
const EXTENDED = '\f^{}\\[~]|€'

export type SmsParts = { readonly encoding: 'gsm7' | 'ucs2'; readonly parts: number }

export function smsParts(text: string): SmsParts {
  const characters = [...text]
  const gsm = characters.every((c) => BASIC.includes(c) || EXTENDED.includes(c))
  const sizes = characters.map((c) => (gsm ? (EXTENDED.includes(c) ? 2 : 1) : c.length))
  const [single, each] = gsm ? [160, 153] : [70, 67]
  const total = sizes.reduce((sum, size) => sum + size, 0)
  return { encoding: gsm ? 'gsm7' : 'ucs2', parts: total <= single ? 1 : partsOf(sizes, each) }
}

/** A character is never cut in two. */
function partsOf(sizes: readonly number[], each: number): number {
  let [parts, used] = [1, 0]
  for (const size of sizes) {
    if (used + size > each) {
      parts += 1
      used = 0
    }
    used += size
  }
  return parts
}
