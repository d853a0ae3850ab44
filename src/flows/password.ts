/**
 * Password: does a text match the password of the user that a request names?
 *
 * A hash of passwords is slow on purpose, so an answer that comes at once would say that there is nobody, or nobody with
 * a password. There the hash of another user of the same resolvers is computed: nothing else is known of what this one's
 * would cost. Where users have hashes of several formats, time may still tell those of one from those of another.
 */
import type { MatchesPin } from '../core/pass.ts'
import type { UserRecord } from '../core/users.ts'
import type { PasswordMatches } from '../ports/passwords.ts'
import type { Store } from '../ports/store.ts'

type Parts = { readonly store: Pick<Store, 'passwordHashes'>; readonly passwordMatches: PasswordMatches }

/**
 * Reads the hashes when it is first asked; compares each candidate once.
 *
 * @param user null: nobody by that name; no candidate is right then
 * @param resolvers where the user was looked for
 */
export function passwordOf(
  { store, passwordMatches }: Parts,
  user: UserRecord | null,
  resolvers: readonly string[],
): MatchesPin {
  const answers = new Map<string, Promise<boolean>>()
  let hashes: ReturnType<Store['passwordHashes']> | undefined
  const compare = async (candidate: string): Promise<boolean> => {
    hashes ??= store.passwordHashes(user, resolvers)
    const { own, other } = await hashes
    return passwordMatches(candidate, own, other)
  }
  return (candidate) => {
    const known = answers.get(candidate) ?? compare(candidate)
    answers.set(candidate, known)
    return known
  }
}
