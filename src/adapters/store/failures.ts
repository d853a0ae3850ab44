/**
 * What an operator reads when a database fails: which one, what is wrong with it, what to do next. By codes of SQLite and
 * of the system, and by what a libSQL server answered; the library's own error stays beneath as the cause.
 */
import type { Batch } from '../../ports/store.ts'

export type DatabasePlace = {
  /** Path of a file, or address of a server without anything secret. */
  readonly name: string
  /** A file of this machine, not a server. */
  readonly embedded: boolean
}

/** @param url as in OTPOST_DATABASE_URL; behind its question mark there may be a token */
export function placeOf(url: string): DatabasePlace {
  const [address = ''] = url.split('?')
  if (!address.startsWith('file:')) return { name: address, embedded: false }
  return { name: decoded(address.replace(/^file:(\/\/(localhost)?(?=\/))?/, '')), embedded: true }
}

/** As libSQL decodes it; what is none in its eyes stays as it was written. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** A batch whose failures are explained. */
export const explained =
  (batch: Batch, place: DatabasePlace): Batch =>
  async (...asked) => {
    try {
      return await batch(...asked)
    } catch (error) {
      throw explain(error, place)
    }
  }

/** The failure with a sentence around it, or as it is where there is nothing to add. */
export function explain(error: unknown, place: DatabasePlace): unknown {
  const chain = causesOf(error)
  // It has been said below.
  if (chain.some(({ message }) => message.startsWith(`${place.name} `))) return error
  // The library repeats the address, and with it what is secret there.
  if (chain.some((cause) => codeOf(cause).startsWith('URL_')))
    return new Error(`${place.name} is no address of a database that libSQL knows: correct OTPOST_DATABASE_URL`)
  const said = sentence(chain, place)
  return said === null ? error : new Error(`${place.name} ${said}`, { cause: error })
}

function sentence(chain: readonly Error[], { embedded }: DatabasePlace): string | null {
  for (const code of chain.map(codeOf)) {
    const rule = RULES.find(([pattern]) => pattern.test(code))
    if (rule) return rule[1]
  }
  return embedded ? null : serverSentence(chain)
}

const RULES: readonly (readonly [RegExp, string])[] = [
  [
    /^SQLITE_(BUSY|LOCKED)/,
    'is locked by another process, for longer than otpost waits: end what holds it (a copy, a backup, a database tool), and try again',
  ],
  [
    /^(SQLITE_(READONLY|PERM|AUTH)|EACCES|EPERM|EROFS)/,
    'cannot be written: give the user that runs otpost the right to write the file and its folder, on a file system that is not read-only',
  ],
  [/^(SQLITE_FULL|ENOSPC|EDQUOT)/, 'has no room: make some on its file system, and try again; nothing is lost'],
  [
    /^SQLITE_NOTADB/,
    'is no database: name another folder, or put a backup in its place by `otpost restore FILE --replace`',
  ],
  [
    /^SQLITE_CORRUPT/,
    'is damaged: put a backup in its place by `otpost restore FILE --replace`, which keeps it beside',
  ],
  [
    /^(SQLITE_CANTOPEN|EISDIR|ENOTDIR|ENOENT|ELOOP)/,
    'cannot be opened: is it a file, and may the user that runs otpost read and write it and its folder?',
  ],
  [/^(SQLITE_IOERR|EIO)/, 'cannot be read or written: is there room on its disk, and is the disk sound?'],
]

function serverSentence(chain: readonly Error[]): string | null {
  const status = chain
    .map((error) => ('status' in error ? error.status : undefined))
    .find((found) => found !== undefined)
  if (status === 401 || status === 403)
    return 'does not accept the token: set OTPOST_DATABASE_TOKEN to one that is good for this database'
  if (status !== undefined)
    return `answers with status ${status}: is OTPOST_DATABASE_URL right, and is the server well?`
  // What cannot be read as JSON, or as the protocol.
  if (chain.some((error) => error instanceof SyntaxError || codeOf(error).startsWith('HRANA_')))
    return 'does not answer as a libSQL server does: is OTPOST_DATABASE_URL right?'
  // Each runtime has words of its own for it, but this kind of error.
  if (chain[0] instanceof TypeError)
    return 'cannot be reached: is the server running, and is OTPOST_DATABASE_URL right?'
  return null
}

function causesOf(error: unknown): readonly Error[] {
  const chain: Error[] = []
  for (let cause = error; cause instanceof Error && chain.length < 10; cause = cause.cause) chain.push(cause)
  return chain
}

const codeOf = (error: Error): string => ('code' in error ? String(error.code) : '')
