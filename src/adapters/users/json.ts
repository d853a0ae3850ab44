/** Paths into JSON, and templates of URLs and bodies, for httpresolver. */

type Values = Readonly<Record<string, string>>

/** The value at `a.b.0`; undefined: there is none. Only what the reply itself has is found. */
export function at(value: unknown, path: string): unknown {
  let found = value
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    found = (found as Readonly<Record<string, unknown>>)[name] // it has one, lists by their index
  }
  return found
}

/** As text; of a list the first that is not empty. What is no text, number or truth is empty. */
export function textAt(value: unknown, path: string): string {
  const found = at(value, path)
  const list = Array.isArray(found) ? found : [found]
  const texts = list.map((one) => (['string', 'number', 'boolean'].includes(typeof one) ? String(one) : ''))
  return texts.find((text) => text !== '') ?? ''
}

const PLACEHOLDER = /\{(\w+)\}/g

export const placeholdersIn = (template: string): readonly string[] =>
  [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name)

/** null: a value would be a step in the path, `.` or `..`, which no encoding hides (WHATWG URL §4.3). */
export function fillUrl(template: string, values: Values): URL | null {
  const filled = template.replace(PLACEHOLDER, (_, name: string) =>
    encodeURIComponent((values[name] ?? '').toWellFormed()),
  )
  return /\/\.{1,2}(?:\/|$)/.test(filled.split('?')[0] ?? '') ? null : new URL(filled)
}

/** One pass, so that a value which looks like a placeholder stays as it is. */
export const fillBody = (body: Values, values: Values): Record<string, string> =>
  Object.fromEntries(
    Object.entries(body).map(([key, text]) => [
      key,
      text.replace(PLACEHOLDER, (whole, name: string) => (Object.hasOwn(values, name) ? (values[name] ?? '') : whole)),
    ]),
  )
