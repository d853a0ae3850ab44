/**
 * Search filters (RFC 4515) as data: read once from a configuration, filled in for each search.
 *
 * What a user typed becomes a value of the filter that was read, never a part of its text, so no login can change what
 * is asked: nothing has to be escaped. `%s` stands for the login. Taken beyond the grammar, since configurations have
 * it: several filters in a row (all must hold), one without its parentheses, blanks and line breaks between filters.
 */
import { err, ok, type Result } from '../../core/result.ts'

export type Comparison = 'equal' | 'at_least' | 'at_most' | 'similar'

/** @template Value text, or bytes that are no UTF-8 */
export type Filter<Value = string | Uint8Array> =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter<Value>[] }
  | { readonly kind: 'not'; readonly filter: Filter<Value> }
  | { readonly kind: 'present'; readonly attribute: string }
  | { readonly kind: Comparison; readonly attribute: string; readonly value: Value }
  /** At least two parts; between them any text. */
  | { readonly kind: 'parts'; readonly attribute: string; readonly parts: readonly Value[] }
  | {
      readonly kind: 'extensible'
      readonly attribute: string
      readonly rule: string
      readonly dnAttributes: boolean
      readonly value: Value
    }

/** Pieces of text between which the login goes, or bytes. */
type Template = readonly string[] | Uint8Array
export type FilterTemplate = Filter<Template>

/** More than any directory is asked with; bounds the recursion below. */
const MAX_LENGTH = 8192
const MAX_DEPTH = 32
const ATTRIBUTE = String.raw`(?:[A-Za-z][\w-]*|\d+(?:\.\d+)+)(?:;[\w-]+)*`
const ATTRIBUTE_ALONE = new RegExp(`^${ATTRIBUTE}$`)
const ITEM = new RegExp(`^(?:(${ATTRIBUTE})(=|>=|<=|~=)|(${ATTRIBUTE})?((?::dn)?)(?::(${ATTRIBUTE}))?:=)([^]*)$`, 'i')

/** Attribute description (RFC 4512 §2.5); the underscore is not of the grammar, but of some directories. */
export const isAttribute = (text: string): boolean => ATTRIBUTE_ALONE.test(text)

/** @returns the filter, or in words what is wrong with the text */
export function readFilter(text: string): Result<FilterTemplate, string> {
  if (text.length > MAX_LENGTH) return err(`must have at most ${MAX_LENGTH} characters`)
  const trimmed = text.trim()
  const reader = { text: trimmed.startsWith('(') ? trimmed : `(${trimmed})`, at: 0 }
  const read = readFilters(reader, 0)
  if (!read.ok) return err(`must be an LDAP filter; ${read.error}`)
  if (reader.at < reader.text.length) return err('must be an LDAP filter; something follows its last parenthesis')
  const [only, ...others] = read.value
  return ok(only && others.length === 0 ? only : { kind: 'and', filters: read.value })
}

/** Whether the login has a place in it. */
export function takesLogin(filter: FilterTemplate): boolean {
  return valuesOf(filter).some((value) => !(value instanceof Uint8Array) && value.length > 1)
}

/** @param login null for whatever login */
export function fillFilter(filter: FilterTemplate, login: string | null): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, filters: filter.filters.map((one) => fillFilter(one, login)) }
    case 'not':
      return { kind: 'not', filter: fillFilter(filter.filter, login) }
    case 'present':
      return filter
    case 'parts': {
      const parts = filter.parts.flatMap((part) => (login === null ? spread(part) : [fillValue(part, login)]))
      return partsFilter(filter.attribute, parts)
    }
    case 'equal':
      if (login === null) return partsFilter(filter.attribute, spread(filter.value))
      return { ...filter, value: fillValue(filter.value, login) }
    default:
      // An order, a likeness and a rule have no «whatever»: what is known of the value is that there is one.
      if (login === null && spread(filter.value).length > 1) {
        return { kind: 'present', attribute: filter.attribute || 'objectClass' }
      }
      return { ...filter, value: fillValue(filter.value, login ?? '') }
  }
}

/** Values of `attribute` that fit a pattern in which `*` stands for any text; the empty pattern is for those without. */
export function patternFilter(attribute: string, pattern: string): Filter {
  if (pattern === '') return { kind: 'not', filter: { kind: 'present', attribute } }
  return partsFilter(attribute, pattern.split('*'))
}

function partsFilter(attribute: string, parts: readonly (string | Uint8Array)[]): Filter {
  const [first = '', ...others] = parts
  if (others.length === 0) return { kind: 'equal', attribute, value: first }
  return parts.every(({ length }) => length === 0)
    ? { kind: 'present', attribute }
    : { kind: 'parts', attribute, parts }
}

const spread = (value: Template): readonly (string | Uint8Array)[] => (value instanceof Uint8Array ? [value] : value)

const fillValue = (value: Template, login: string): string | Uint8Array =>
  value instanceof Uint8Array ? value : value.join(login)

function valuesOf(filter: FilterTemplate): readonly Template[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.flatMap(valuesOf)
    case 'not':
      return valuesOf(filter.filter)
    case 'present':
      return []
    case 'parts':
      return filter.parts
    default:
      return [filter.value]
  }
}

type Reader = { readonly text: string; at: number }
type Read<T> = Result<T, string>

/** Filters in a row, up to the end or to a closing parenthesis. */
function readFilters(reader: Reader, depth: number): Read<readonly FilterTemplate[]> {
  const filters: FilterTemplate[] = []
  for (;;) {
    skipBlanks(reader)
    if (reader.text[reader.at] !== '(') return ok(filters)
    const read = readOne(reader, depth)
    if (!read.ok) return read
    filters.push(read.value)
  }
}

/** One filter with its parentheses. */
function readOne(reader: Reader, depth: number): Read<FilterTemplate> {
  if (depth > MAX_DEPTH) return err(`its parentheses are nested more than ${MAX_DEPTH} deep`)
  reader.at += 1
  skipBlanks(reader)
  const operator = reader.text[reader.at] ?? ''
  const read = '&|!'.includes(operator) && operator !== '' ? readSet(reader, operator, depth) : readUpToEnd(reader)
  if (!read.ok) return read
  if (reader.text[reader.at] !== ')') return err('a closing parenthesis is missing')
  reader.at += 1
  return read
}

function readSet(reader: Reader, operator: string, depth: number): Read<FilterTemplate> {
  reader.at += 1
  const read = readFilters(reader, depth + 1)
  if (!read.ok) return read
  if (operator !== '!') return ok({ kind: operator === '&' ? 'and' : 'or', filters: read.value })
  const [filter, ...others] = read.value
  return filter && others.length === 0 ? ok({ kind: 'not', filter }) : err('! takes exactly one filter')
}

function readUpToEnd(reader: Reader): Read<FilterTemplate> {
  const end = reader.text.indexOf(')', reader.at)
  if (end < 0) return err('a closing parenthesis is missing')
  const item = reader.text.slice(reader.at, end)
  reader.at = end
  return readItem(item)
}

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': 'equal',
  '>=': 'at_least',
  '<=': 'at_most',
  '~=': 'similar',
}

function readItem(item: string): Read<FilterTemplate> {
  const [, attribute, sign = '', ruled = '', dn = '', rule = '', written = ''] = ITEM.exec(item) ?? []
  const parts = written.split('*').map(readValue)
  const values = parts.flatMap((part) => (part.ok ? [part.value] : []))
  const broken = parts.find((part) => !part.ok)
  const [value] = values
  if (broken && !broken.ok) return broken
  if (value === undefined) return err('a value cannot be read')
  if (attribute !== undefined) {
    const kind = COMPARISONS[sign] ?? 'equal'
    if (values.length === 1) return comparison(kind, attribute, value)
    if (kind !== 'equal') return err('* is only for =')
    if (written === '*') return ok({ kind: 'present', attribute })
    if (values.some((part) => part instanceof Uint8Array)) return err('text around * must be UTF-8')
    return ok({ kind: 'parts', attribute, parts: values })
  }
  if (ruled === '' && rule === '') return err('a part of it has no attribute and no comparison')
  if (values.length > 1) return err('* is only for =')
  if (value instanceof Uint8Array) return err('the value of a matching rule must be UTF-8')
  return ok({ kind: 'extensible', attribute: ruled, rule, dnAttributes: dn !== '', value })
}

function comparison(kind: Comparison, attribute: string, value: Template): Read<FilterTemplate> {
  if (kind !== 'equal' && value instanceof Uint8Array) return err('bytes that are no UTF-8 are only for =')
  return ok({ kind, attribute, value })
}

/** A value without `*`. Escapes are bytes: `\c3\bc` is one letter (RFC 4515 §3). */
function readValue(written: string): Read<Template> {
  if (written.includes('(')) return err('a parenthesis in a value must be written \\28')
  if (/\\(?![\da-f]{2})/i.test(written)) return err('a backslash must be followed by two hexadecimal digits')
  const pieces = written.split('%s').map(unescaped)
  const texts = pieces.map(decode)
  if (texts.every((text) => text !== null)) return ok(texts)
  const [only, ...others] = pieces
  return only && others.length === 0 ? ok(only) : err('text around %s must be UTF-8')
}

function unescaped(written: string): Uint8Array {
  const bytes: number[] = []
  for (const [, hex, text = ''] of written.matchAll(/\\(..)|([^\\]+)/gs)) {
    if (hex === undefined) bytes.push(...new TextEncoder().encode(text))
    else bytes.push(Number.parseInt(hex, 16))
  }
  return Uint8Array.from(bytes)
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null // what is no UTF-8 stays bytes
  }
}

function skipBlanks(reader: Reader): void {
  while (/\s/.test(reader.text[reader.at] ?? '')) reader.at += 1
}
