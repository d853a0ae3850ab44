/** Patterns with wildcards over short texts. ASCII letters match in either case, as SQLite's LIKE has it. */

export type Pattern = {
  readonly matches: (text: string) => boolean
  /** The longest text that whatever matches must hold; empty when there is none. */
  readonly holds: string
}

/** @param wildcards `any` stands for any text, `one` for one character (UTF-16 unit); null: there is no such wildcard */
export function readPattern(
  written: string,
  wildcards: { readonly any: string; readonly one: string | null },
): Pattern {
  const { any, one } = wildcards
  const parts = fold(written).split(any)
  const fits = (text: string, part: string, at: number): boolean => {
    for (let n = 0; n < part.length; n++) if (part[n] !== one && part[n] !== text[at + n]) return false
    return true
  }
  const search = (text: string, part: string, from: number, end: number): number => {
    for (let at = from; at + part.length <= end; at++) if (fits(text, part, at)) return at
    return -1
  }

  function matches(given: string): boolean {
    const text = fold(given)
    const [first = '', ...rest] = parts
    const last = rest.pop()
    if (last === undefined) return text.length === first.length && fits(text, first, 0)
    const end = text.length - last.length
    if (first.length > end || !fits(text, first, 0) || !fits(text, last, end)) return false
    // The leftmost place for each part leaves most room for the others.
    let at = first.length
    for (const part of rest) {
      const found = search(text, part, at, end)
      if (found < 0) return false
      at = found + part.length
    }
    return true
  }

  const literals = parts.flatMap((part) => (one === null ? [part] : part.split(one)))
  return { matches, holds: literals.reduce((longest, text) => (text.length > longest.length ? text : longest), '') }
}

const fold = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** Of a pattern with `*` for any text: everything matches it. */
export const isAnything = (written: string): boolean => /^\*+$/.test(written)
