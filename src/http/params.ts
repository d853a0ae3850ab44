/**
 * Parameters: one record from query, form, JSON or multipart, as LinOTP reads them (contract 1.5).
 *
 * The query wins over the form, the first of repeated values wins, `name[]` makes a list under `name`. A JSON object
 * replaces both, and a body of text/csv is the parameter `csv`. Bytes that are not UTF-8 are read as latin-1, so that no client gets an error for its encoding.
 */
import { err, ok, type Result } from '../core/result.ts'

export type Params = ReadonlyMap<string, string | readonly string[]>

/** The text of a parameter; a list counts by its first entry. null: absent. */
export function param(params: Params, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = params.get(name)
    if (value !== undefined) return typeof value === 'string' ? value : (value[0] ?? '')
  }
  return null
}

/** A parameter that may be a list: `name[]=A&name[]=B`, or one text. null: absent. */
export function paramList(params: Params, name: string): readonly string[] | null {
  const value = params.get(name)
  if (value === undefined) return null
  return typeof value === 'string' ? [value] : value
}

/** Parameter names in lower case, for the endpoints that do not mind (contract 1.5). */
export const lowerCased = (params: Params): Params =>
  new Map([...params].map(([name, value]) => [name.toLowerCase(), value]))

/** Far more than any client sends; parsers take quadratic time for many. */
const MAX_PARAMETERS = 10_000
const TOO_MANY = `must have at most ${MAX_PARAMETERS} parameters`

/** What a dialect does in its own way. */
export type ParamRules = {
  /** A JSON object replaces the query, or only wins over it; then any body that is one counts, whatever its type says. */
  readonly json: 'replaces' | 'wins'
  /** Decodes the values of query and form once more; JSON and multipart are encoded by nobody. */
  readonly decodeAgain: ((value: string, decodePercent: (text: string) => string) => string) | null
  /** Parameters that must not be given twice with different values. */
  readonly unambiguous: readonly string[]
}
const PLAIN: ParamRules = { json: 'replaces', decodeAgain: null, unambiguous: [] }

/** @returns the parameters, or the rule that the body breaks */
export async function readParams(request: Request, rules: ParamRules = PLAIN): Promise<Result<Params, string>> {
  const sources = await readSources(request, rules)
  if (!sources.ok) return sources
  const twice = rules.unambiguous.find((name) => {
    const values = sources.value.flat().flatMap(([given, value]) => (given === name ? [JSON.stringify(value)] : []))
    return new Set(values).size > 1
  })
  return twice === undefined ? ok(merge(sources.value)) : err(`must not have different values of ${twice}`)
}

/** Where parameters come from; what comes first wins. */
async function readSources(request: Request, rules: ParamRules): Promise<Result<readonly Pairs[], string>> {
  const query = new URL(request.url).search.slice(1)
  if (isTooMany(query)) return err(TOO_MANY)
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const form = (text: string): Pairs => {
    const { decodeAgain } = rules
    return decodeAgain === null
      ? decodeForm(text)
      : decodeForm(text).map(([name, value]) => [name, decodeAgain(String(value), decodePercent)] as const)
  }
  if (['GET', 'HEAD'].includes(request.method)) return ok([form(query)])
  if (type === 'multipart/form-data') {
    const pairs = await readMultipart(request)
    return pairs.ok ? ok([form(query), pairs.value]) : pairs
  }
  // A file may begin with a byte order mark.
  const body = decodeBytes(new Uint8Array(await request.arrayBuffer())).replace(/^\ufeff/, '')
  const besides = rules.json === 'wins' ? [form(query)] : []
  if (type === 'application/json' || type.endsWith('+json')) {
    const object = body.trim() === '' ? ok([]) : readJson(body)
    return object.ok ? ok([object.value, ...besides]) : object
  }
  if (rules.json === 'wins' && body.startsWith('{')) {
    const object = readJson(body)
    if (object.ok) return ok([object.value, ...besides])
  }
  if (type === 'text/csv') return ok([form(query), [['csv', body]]])
  return isTooMany(body) ? err(TOO_MANY) : ok([form(query), form(body)])
}

const isTooMany = (form: string): boolean =>
  form.length > MAX_PARAMETERS && form.split('&', MAX_PARAMETERS + 1).length > MAX_PARAMETERS

type Pairs = readonly (readonly [string, string | readonly string[]])[]

function merge(sources: readonly Pairs[]): Params {
  const params = new Map<string, string | readonly string[]>()
  for (const pairs of sources) {
    const lists = new Map<string, string[]>()
    for (const [name, value] of pairs) {
      if (!name.endsWith('[]') || typeof value !== 'string') {
        if (!params.has(name)) params.set(name, value)
        continue
      }
      const list = lists.get(name.slice(0, -2))
      if (list) list.push(value)
      else lists.set(name.slice(0, -2), [value])
    }
    for (const [name, values] of lists) if (!params.has(name)) params.set(name, values)
  }
  return params
}

function decodeForm(text: string): readonly (readonly [string, string])[] {
  if (text === '') return []
  const pairs = [...new URLSearchParams(text)]
  return pairs.some(([name, value]) => name.includes('\ufffd') || value.includes('\ufffd'))
    ? decodeFormBytes(text)
    : pairs
}

/** Percent-decoding part by part, each read as UTF-8 if it is that, else as latin-1. */
function decodeFormBytes(text: string): readonly (readonly [string, string])[] {
  return text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
      return [decodePart(name), decodePart(value)] as const
    })
}

const decodePart = (part: string): string => decodePercent(part.replace(/\+/g, ' '))

function decodePercent(text: string): string {
  const utf8 = new TextEncoder()
  const bytes: number[] = []
  for (const piece of text.split(/(%[0-9a-f]{2})/i)) {
    if (/^%[0-9a-f]{2}$/i.test(piece)) bytes.push(Number.parseInt(piece.slice(1), 16))
    else for (const byte of utf8.encode(piece)) bytes.push(byte)
  }
  return decodeBytes(Uint8Array.from(bytes))
}

/** Without `fatal`: an exception for each of ten thousand parts takes half a second. */
function decodeBytes(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  if (!text.includes('\ufffd') || isSent(text, bytes)) return text
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('') // not UTF-8: latin-1, byte by byte
}

/** Whether these are the bytes of this text: U+FFFD may have been sent as itself. */
function isSent(text: string, bytes: Uint8Array): boolean {
  const own = new TextEncoder().encode(text)
  return own.length === bytes.length && own.every((byte, n) => byte === bytes[n])
}

function readJson(body: string): Result<Pairs, string> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return err('must be valid JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return err('must be a JSON object')
  const params = new Map<string, string | readonly string[]>()
  try {
    for (const [name, entry] of Object.entries(value)) {
      if (entry === null) continue
      const texts = Array.isArray(entry) ? entry.map(asText) : asText(entry)
      params.set(name.endsWith('[]') ? name.slice(0, -2) : name, texts)
    }
  } catch {
    return err('is nested too deeply') // what JSON.parse reads, JSON.stringify need not be able to write
  }
  return ok([...params])
}

const asText = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)

async function readMultipart(request: Request): Promise<Result<Pairs, string>> {
  try {
    const form = await request.formData()
    const pairs: (readonly [string, string])[] = []
    for (const [name, value] of form) pairs.push([name, typeof value === 'string' ? value : await value.text()])
    return ok(pairs)
  } catch {
    return err('must be valid multipart/form-data')
  }
}
