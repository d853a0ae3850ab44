/** Languages of messages: which ones somebody reads, the best first. */

/** A language tag (RFC 5646) as it may stand in the name of a file: language, maybe script, region or variant. */
const TAG = /^[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}$/
export const isLanguageTag = (text: string): boolean => TAG.test(text.toLowerCase())

/** More is not asked for: each may cost a look-up. */
const MOST = 5

/** Attributes of a user that hold a language; `preferredLanguage` may be a list with weights (RFC 2798 §2.7). */
const ATTRIBUTES = ['language', 'preferredLanguage'] as const

export type LanguageSources = {
  /** What policy decided for the user; empty: nothing. */
  readonly decided: string
  readonly attributes: Readonly<Record<string, string>>
  /** `Accept-Language` of the request; empty: none. */
  readonly accepted: string
}

/** Lower-case tags without repetition: the decision, then the user's own, then the client's. `de-at` is followed by `de`. */
export function preferredLanguages({ decided, attributes, accepted }: LanguageSources): readonly string[] {
  const own = ATTRIBUTES.map((name) => (Object.hasOwn(attributes, name) ? (attributes[name] ?? '') : ''))
  const tags = [decided, ...own, accepted].flatMap(readTags)
  return [...new Set(tags.flatMap((tag) => (tag.includes('-') ? [tag, tag.split('-')[0] ?? tag] : [tag])))]
}

/** Reads a list in the form of `Accept-Language` (RFC 9110 §12.5.4); what is no tag is left out. */
function readTags(list: string): readonly string[] {
  return list
    .slice(0, 200)
    .split(',')
    .map((entry) => {
      const [tag = '', weight = ''] = entry.split(';')
      const q = /^\s*q\s*=\s*([\d.]+)\s*$/i.exec(weight)?.[1]
      return { tag: tag.trim().toLowerCase().replaceAll('_', '-'), q: q === undefined ? 1 : Number(q) }
    })
    .filter(({ tag, q }) => TAG.test(tag) && q > 0)
    .sort((a, b) => b.q - a.q)
    .slice(0, MOST)
    .map(({ tag }) => tag)
}

/** Does somebody who asks for `wanted` read `written`? The language counts, not the region. */
export const isSameLanguage = (wanted: string, written: string): boolean =>
  wanted.split('-')[0] === written.toLowerCase().split('-')[0]
