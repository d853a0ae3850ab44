/** Filters as they lie on the wire (RFC 4511 §4.5.1.7), read back into text (RFC 4515) for tests. */

/** The filters of the search requests in what a server heard (RFC 4511 §4.5.1), in order. */
export const searchFilters = (heard: Buffer): readonly string[] =>
  elements(heard).flatMap(({ body }) =>
    elements(body)
      .filter(({ tag }) => tag === 0x63)
      .map((request) => textOf(elements(request.body)[6] ?? { tag: 0, body: Buffer.alloc(0) })),
  )

type Element = { readonly tag: number; readonly body: Buffer }

export function filterText(wire: Buffer): string {
  const [filter, ...others] = elements(wire)
  if (!filter || others.length > 0) throw new Error('not one filter')
  return textOf(filter)
}

const SIGNS: Readonly<Record<number, string>> = { 163: '=', 165: '>=', 166: '<=', 168: '~=' }

function textOf({ tag, body }: Element): string {
  if (tag === 0x87) return `(${body.toString()}=*)`
  const parts = elements(body)
  const [first, second] = parts
  const sign = SIGNS[tag]
  if (sign !== undefined) return `(${first?.body}${sign}${value(second)})`
  switch (tag) {
    case 0xa0:
      return `(&${parts.map(textOf).join('')})`
    case 0xa1:
      return `(|${parts.map(textOf).join('')})`
    case 0xa2:
      return `(!${parts.map(textOf).join('')})`
    case 0xa4:
      return `(${first?.body}=${pieces(elements(second?.body ?? Buffer.alloc(0)))})`
    case 0xa9:
      return `(${extensible(parts)})`
    default:
      throw new Error(`no filter: ${tag}`)
  }
}

function pieces(parts: readonly Element[]): string {
  const of = (wanted: number) => parts.filter(({ tag }) => tag === wanted).map(value)
  const all = [...of(0x80), ...of(0x81), ...of(0x82)]
  if (all.length !== parts.length || all.includes('')) throw new Error('no substrings')
  return [of(0x80)[0] ?? '', ...of(0x81), of(0x82)[0] ?? ''].join('*')
}

function extensible(parts: readonly Element[]): string {
  const of = (wanted: number) => parts.find(({ tag }) => tag === wanted)
  const [rule, attribute, dn] = [of(0x81)?.body, of(0x82)?.body, of(0x84)?.body]
  return `${attribute ?? ''}${dn?.[0] ? ':dn' : ''}${rule ? `:${rule}` : ''}:=${value(of(0x83))}`
}

const value = (element: Element | undefined): string =>
  (element?.body ?? Buffer.alloc(0))
    .toString()
    .replace(/[*()\\\0]/g, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`)

function elements(data: Buffer): readonly Element[] {
  const found: Element[] = []
  for (let at = 0; at < data.length; ) {
    const first = data[at + 1] ?? 0
    const long = first & 0x80 ? first & 0x7f : 0
    const start = at + 2 + long
    const end = start + (long ? data.readUIntBE(at + 2, long) : first)
    if (end > data.length) throw new Error('longer than what it is in')
    found.push({ tag: data[at] ?? 0, body: data.subarray(start, end) })
    at = end
  }
  return found
}
