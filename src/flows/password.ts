/**
 * Password: does a text match the password of the user that a request names?
 *
 * A hash of passwords is slow on purpose, so an answer that comes at once would say that there is nobody, or nobody with
 * a password. There the hash of another user of the same resolvers is computed: nothing else is known of what this one's
 * would cost. Where users have hashes of several formats, time may still tell those of one from those of another. Of
 * nobody the first directory of the realm is asked, if it has one.
 */
import type { MatchesPin } from '../core/pass.ts'
import { isDirectory, type Settings } from '../core/settings.ts'
import type { UserRecord } from '../core/users.ts'
import type { PasswordMatches } from '../ports/passwords.ts'
import type { Store } from '../ports/store.ts'
import type { Lookups, Unavailable } from './directories.ts'

type Parts = {
  readonly store: Pick<Store, 'passwordHashes'>
  readonly passwordMatches: PasswordMatches
  readonly directories: Lookups
}
type Subject = {
  readonly settings: Settings
  /** null: nobody by that name; no candidate is right then. */
  readonly user: UserRecord | null
  /** Where the user was looked for. */
  readonly resolvers: readonly string[]
}

export type Password = {
  readonly matches: MatchesPin
  /** Why the directory could not be asked, once it was; a "no" then says nothing of the password. */
  readonly failure: () => Unavailable | null
}

/** Reads the hashes when it is first asked; compares each candidate once. */
export function passwordOf(parts: Parts, subject: Subject): Password {
  const { settings, user, resolvers } = subject
  const resolver = user?.resolver ?? resolvers.find((name) => isDirectory(settings, name))
  return resolver !== undefined && isDirectory(settings, resolver)
    ? ofDirectory(parts.directories, subject, resolver)
    : ofDatabase(parts, subject)
}

function ofDatabase({ store, passwordMatches }: Parts, { user, resolvers }: Subject): Password {
  let hashes: ReturnType<Store['passwordHashes']> | undefined
  const compare = async (candidate: string): Promise<boolean> => {
    hashes ??= store.passwordHashes(user, resolvers)
    const { own, other } = await hashes
    return passwordMatches(candidate, own, other)
  }
  return { matches: once(compare), failure: () => null }
}

/**
 * One candidate after the other, and none after the right one: directories count wrong passwords, and lock whoever has
 * given too many of them.
 */
function ofDirectory(directories: Lookups, { settings, user }: Subject, resolver: string): Password {
  let failure: Unavailable | null = null
  let before: Promise<boolean> = Promise.resolve(false)
  const compare = async (candidate: string): Promise<boolean> => {
    if (candidate === '') return false
    const answer = await directories.passwordMatches(settings, resolver, user, candidate)
    if (answer.ok) return answer.value
    failure = answer.error
    return false
  }
  const matches = once((candidate) => {
    // The same person has no two passwords, so after the right one every other is wrong.
    const answer = before.then((found) => (found || failure ? false : compare(candidate)))
    before = Promise.all([before, answer]).then((found) => found.includes(true))
    return answer
  })
  return { matches, failure: () => failure }
}

function once(compare: MatchesPin): MatchesPin {
  const answers = new Map<string, Promise<boolean>>()
  return (candidate) => {
    const known = answers.get(candidate) ?? compare(candidate)
    answers.set(candidate, known)
    return known
  }
}
