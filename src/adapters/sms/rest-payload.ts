/**
 * The payload of RestSMSProvider (contract 4.9): where message and number go, and how templates are filled.
 *
 * A place is a key of the payload, or a path such as `recipients[0].msisdn`; what is missing on the way is made, an
 * index beyond the end of a list appends. Nothing is changed in place, and own members only are looked at, so that no
 * path reaches a prototype.
 */

export type Path = readonly (string | number)[]
type Members = Readonly<Record<string, unknown>>

/** A key that the payload has wins over a path that looks the same. null: neither a key nor a path. */
export function readPath(place: string, payload: Members): Path | null {
  if (Object.hasOwn(payload, place) || !/[.[\]]/.test(place)) return [place]
  if (!/^[^.[\]]+(?:\[\d{1,4}\])*(?:\.[^.[\]]+(?:\[\d{1,4}\])*)*$/.test(place)) return null
  return place.split('.').flatMap((part) => {
    const [name = '', ...indexes] = part.split('[')
    return [name, ...indexes.map((index) => Number.parseInt(index, 10))]
  })
}

/** Whether each step of the path finds a value of its kind, or nothing. */
export function isReachable(value: unknown, path: Path): boolean {
  const [step, ...rest] = path
  if (step === undefined || value === undefined) return true
  if (typeof step === 'number') return Array.isArray(value) && isReachable(value[step], rest)
  return isMembers(value) && isReachable(memberOf(value, step), rest)
}

/** @param change makes the new value of what stands at `path`, `undefined` where nothing does */
export function changeAt(value: unknown, path: Path, change: (value: unknown) => unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return change(value)
  if (typeof step === 'number') {
    const list: readonly unknown[] = Array.isArray(value) ? value : []
    const index = Math.min(step, list.length)
    return [...list.slice(0, index), changeAt(list[index], rest, change), ...list.slice(index + 1)]
  }
  const members = isMembers(value) ? value : {}
  return { ...members, [step]: changeAt(memberOf(members, step), rest, change) }
}

/** A template that holds `<message>` is filled, anything else becomes the message. */
export const messageInto =
  (message: string) =>
  (template: unknown): unknown =>
    typeof template === 'string' && template.includes('<message>') ? fill(template, '<message>', message) : message

/** A text, or the texts of a list, that hold `<phone>` are filled; anything else becomes the number. */
export const phoneInto =
  (phone: string) =>
  (template: unknown): unknown => {
    const holds = (text: unknown): text is string => typeof text === 'string' && text.includes('<phone>')
    if (Array.isArray(template) && template.some(holds))
      return template.map((item: unknown) => (holds(item) ? fill(item, '<phone>', phone) : item))
    return holds(template) ? fill(template, '<phone>', phone) : phone
  }

/** The value is put in as it is: `$&` in a message is no command. */
const fill = (template: string, name: string, value: string): string => template.replaceAll(name, () => value)

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const memberOf = (members: Members, name: string): unknown => (Object.hasOwn(members, name) ? members[name] : undefined)
