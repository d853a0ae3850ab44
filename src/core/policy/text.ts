/**
 * The text of actions (contract 6.2): items separated by commas, `name`, `!name` or `name=value`; values may be quoted
 * with `'` or `"`, and separators inside quotes are text.
 */
import { err, ok, type Result } from '../result.ts'

/** By action name: what was written behind `=`, or whether the name stands there plain (true) or with `!` (false). */
export type WrittenActions = ReadonlyMap<string, string | boolean>

export function readActions(text: string): Result<WrittenActions, string> {
  const items = splitItems(text)
  if (!items.ok) return items
  const actions = new Map<string, string | boolean>()
  for (const item of items.value) {
    const equals = item.indexOf('=')
    const [name, value] =
      equals < 0 ? plain(item) : ([item.slice(0, equals).trim(), unquote(item.slice(equals + 1).trim())] as const)
    if (name === '') return err(`'${item}' has no name`)
    if (actions.has(name) && actions.get(name) !== value)
      return err(`'${name}' stands there twice with different values`)
    actions.set(name, value)
  }
  return ok(actions)
}

/** Writes actions so that `readActions` reads the same. */
export function writeActions(actions: WrittenActions): string {
  return [...actions]
    .map(([name, value]) => (value === true ? name : value === false ? `!${name}` : `${name}=${quote(value)}`))
    .join(', ')
}

const plain = (item: string): readonly [string, boolean] =>
  item.startsWith('!') ? [item.slice(1).trim(), false] : [item, true]

/** Splits at commas outside quotes. A quote opens where a value begins, so that an apostrophe inside a text is one. */
function splitItems(text: string): Result<readonly string[], string> {
  const items: string[] = []
  let item = ''
  let quoted = ''
  for (const char of text) {
    if (quoted) {
      if (char === quoted) quoted = ''
      item += char
    } else if (char === ',') {
      items.push(item)
      item = ''
    } else {
      if ((char === "'" || char === '"') && /=\s*$/.test(item)) quoted = char
      item += char
    }
  }
  if (quoted) return err(`a ${quoted} is not closed`)
  items.push(item)
  return ok(items.map((one) => one.trim()).filter((one) => one !== ''))
}

/** A value literally `false` is the boolean. */
function unquote(value: string): string | boolean {
  const first = value[0] ?? ''
  if (value.length >= 2 && (first === "'" || first === '"') && value.indexOf(first, 1) === value.length - 1)
    return value.slice(1, -1)
  return value.toLowerCase() === 'false' ? false : value
}

/** The first way of writing that is read back as it was; a value that no text of actions can hold is written in quotes. */
function quote(value: string): string {
  const ways = [value, `'${value}'`, `"${value}"`]
  return ways.find((written) => isReadAs(written, value)) ?? `'${value}'`
}

function isReadAs(written: string, value: string): boolean {
  const read = readActions(`name=${written}, next`)
  return read.ok && read.value.size === 2 && read.value.get('name') === value
}
