/**
 * Frames of LDAP (RFC 4511 §5.1): cuts what a server sends into whole messages, and lets through only those whose shape
 * is that of an answer we may get.
 *
 * ldapts trusts lengths inside a message: one that reaches beyond its end keeps it busy for ever, in the middle of this
 * process. It also keeps and copies whatever was not yet a whole message. So it sees nothing that was not looked at here.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** A user has some attributes of some dozen bytes each. */
const MAX_MESSAGE = 1024 * 1024
/** Of all that is answered to one request, which is for a page of users at most. */
const MAX_ANSWER = 16 * 1024 * 1024

const INTEGER = 0x02
const OCTETS = 0x04
const ENUMERATED = 0x0a
const BOOLEAN = 0x01
const SEQUENCE = 0x30
const SET = 0x31
const CONTROLS = 0xa0
export const BIND_RESPONSE = 0x61
export const SEARCH_ENTRY = 0x64
export const SEARCH_DONE = 0x65
export const SEARCH_REFERENCE = 0x73
export const EXTENDED_RESPONSE = 0x78

/** One element: where its contents lie in `data`. */
type Element = { readonly tag: number; readonly start: number; readonly end: number }

/**
 * Cuts chunks into messages.
 *
 * @returns a function that takes the next chunk and gives the messages that are whole now; null from the first byte on
 *   that is none of an answer
 */
export function createFrames(): (chunk: Buffer) => readonly Buffer[] | null {
  let chunks: Buffer[] = []
  let size = 0
  let needed = 0

  return (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    if (size < needed) return []
    let data = Buffer.concat(chunks)
    const messages: Buffer[] = []
    for (;;) {
      const head = readHead(data, 0)
      if (head === 'broken' || (data.length > 0 && data[0] !== SEQUENCE)) return null
      if (head && head.end > MAX_MESSAGE) return null
      if (!head || head.end > data.length) {
        needed = head?.end ?? data.length + 1
        break
      }
      const message = data.subarray(0, head.end)
      if (!isAnswer(message)) return null
      messages.push(message)
      data = data.subarray(head.end)
    }
    chunks = [data]
    size = data.length
    return messages
  }
}

export type Frames = {
  /** What is read from it are whole messages, one at a time. It closes with the socket, and closes it. */
  readonly stream: Duplex
  /** The server sent something that is no answer; the stream is closed then. */
  readonly isSpoilt: () => boolean
}

/** A stream for ldapts over a connected socket. */
export function frameSocket(socket: Socket): Frames {
  const frames = createFrames()
  let answered = 0
  let spoilt = false
  const stream = new Duplex({
    readableObjectMode: true,
    read: () => undefined, // the socket flows; MAX_ANSWER bounds what waits
    write: (chunk: Buffer, _encoding, done) => {
      answered = 0
      socket.write(chunk, () => done()) // of an error, the socket tells by its end
    },
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    answered += chunk.length
    const messages = answered > MAX_ANSWER ? null : frames(chunk)
    if (messages) for (const message of messages) stream.push(message)
    else {
      spoilt = true
      stream.destroy()
    }
  })
  socket.on('error', () => stream.destroy())
  socket.on('close', () => stream.destroy())
  if (socket.destroyed) stream.destroy()
  return { stream, isSpoilt: () => spoilt }
}

/** Tag of the operation, and the code of its result where it has one. */
export function readAnswer(message: Buffer): { readonly tag: number; readonly result: number | null } {
  const [, operation] = children(message, readHead(message, 0)) ?? []
  if (!operation) return { tag: 0, result: null }
  const [code] = children(message, operation) ?? []
  return { tag: operation.tag, result: code?.tag === ENUMERATED ? (message[code.start] ?? null) : null }
}

/** LDAPMessage with one of the operations that answer a bind, a search or StartTLS (RFC 4511 §4.1.1). */
function isAnswer(message: Buffer): boolean {
  const [id, operation, controls, ...others] = children(message, readHead(message, 0)) ?? []
  if (id?.tag !== INTEGER || lengthOf(id) < 1 || lengthOf(id) > 4 || !operation || others.length > 0) return false
  return isOperation(message, operation) && (controls === undefined || isControls(message, controls))
}

function isOperation(message: Buffer, operation: Element): boolean {
  const parts = children(message, operation)
  if (!parts) return false
  const [first, second, third] = parts
  switch (operation.tag) {
    case SEARCH_ENTRY:
      return (
        first?.tag === OCTETS && second?.tag === SEQUENCE && parts.length === 2 && all(message, second, isAttributeOf)
      )
    case SEARCH_REFERENCE:
      return parts.every(({ tag }) => tag === OCTETS)
    case BIND_RESPONSE:
    case SEARCH_DONE:
    case EXTENDED_RESPONSE:
      return first?.tag === ENUMERATED && lengthOf(first) === 1 && second?.tag === OCTETS && third?.tag === OCTETS
    default:
      return false
  }
}

/** PartialAttribute: a name, and a set of values. */
function isAttributeOf(message: Buffer, element: Element): boolean {
  const [name, values, ...others] = children(message, element) ?? []
  if (element.tag !== SEQUENCE || name?.tag !== OCTETS || values?.tag !== SET || others.length > 0) return false
  return all(message, values, (_, { tag }) => tag === OCTETS)
}

const isControls = (message: Buffer, element: Element): boolean =>
  element.tag === CONTROLS && all(message, element, isControl)

/** Control: a name, maybe a criticality, maybe a value (RFC 4511 §4.1.11). */
function isControl(message: Buffer, element: Element): boolean {
  const [name, ...rest] = children(message, element) ?? []
  if (element.tag !== SEQUENCE || name?.tag !== OCTETS) return false
  const tags = rest.map(({ tag }) => tag).join()
  return ['', `${BOOLEAN}`, `${OCTETS}`, `${BOOLEAN},${OCTETS}`].includes(tags)
}

function all(message: Buffer, parent: Element, holds: (message: Buffer, element: Element) => boolean): boolean {
  return children(message, parent)?.every((element) => holds(message, element)) ?? false
}

const lengthOf = ({ start, end }: Element): number => end - start

/** What lies in `parent`; undefined unless it fills it exactly. */
function children(data: Buffer, parent: Element | 'broken' | undefined): readonly Element[] | undefined {
  if (parent === undefined || parent === 'broken') return undefined
  const found: Element[] = []
  for (let at = parent.start; at < parent.end; ) {
    const element = readHead(data, at)
    if (element === undefined || element === 'broken' || element.end > parent.end) return undefined
    found.push(element)
    at = element.end
  }
  return found
}

/** Tag and length at `at`; undefined when there are too few bytes yet. Only definite lengths of at most four bytes. */
function readHead(data: Buffer, at: number): Element | 'broken' | undefined {
  const tag = data[at]
  const first = data[at + 1]
  if (tag === undefined || first === undefined) return undefined
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first }
  const bytes = first - 0x80
  if (bytes < 1 || bytes > 4) return 'broken'
  if (data.length < at + 2 + bytes) return undefined
  const start = at + 2 + bytes
  return { tag, start, end: start + data.readUIntBE(at + 2, bytes) }
}
