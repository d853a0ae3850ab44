/**
 * The text messages that a text is sent as, each of which costs: 3GPP TS 23.038 §6.2.1 (GSM 7 bit, its extension) and §6.2.3 (UCS-2), TS 23.040
 * §9.2.3.24.1 (concatenation, whose header takes 7 septets or 3 units of each part).
 */

const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
/** Each takes two septets, which stay in one part. */
const EXTENDED = '\f^{}\\[~]|€'

export type SmsParts = { readonly encoding: 'gsm7' | 'ucs2'; readonly parts: readonly string[] }

/** @param wide in UCS-2 whatever the text */
export function smsParts(text: string, wide = false): SmsParts {
  const characters = [...text]
  const gsm = !wide && characters.every((c) => BASIC.includes(c) || EXTENDED.includes(c))
  const sizeOf = (c: string) => (gsm ? (EXTENDED.includes(c) ? 2 : 1) : c.length)
  const [single, each] = gsm ? [160, 153] : [70, 67]
  const total = characters.reduce((sum, c) => sum + sizeOf(c), 0)
  return { encoding: gsm ? 'gsm7' : 'ucs2', parts: total <= single ? [text] : cut(characters, sizeOf, each) }
}

/** A character is never cut in two. */
function cut(characters: readonly string[], sizeOf: (c: string) => number, each: number): readonly string[] {
  const parts: string[] = []
  let [part, used] = ['', 0]
  for (const c of characters) {
    if (used + sizeOf(c) > each) {
      parts.push(part)
      part = ''
      used = 0
    }
    part += c
    used += sizeOf(c)
  }
  return [...parts, part]
}
