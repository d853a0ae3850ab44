/** Whose a token is: assign, unassign, the user of another token, and who owns one (contract 7.1). */
import type { AdminFailure } from '../core/failures.ts'
import { policyFor } from '../core/policy/subject.ts'
import { err, ok, type Result } from '../core/result.ts'
import { realmsWith } from '../core/settings.ts'
import type { UserRecord } from '../core/users.ts'
import { place } from '../ports/vault.ts'
import type { Facts } from './facts.ts'
import { ELSEWHERE } from './rights.ts'
import { CHANGED_MEANWHILE, type Choice, detailsOf, policyOfToken, type TokenParts } from './token-choice.ts'
import { type Joining, limitsOf } from './token-limits.ts'
import { SETTERS } from './token-settings.ts'
import type { UserSelection } from './users.ts'

export type AssignCommand = {
  readonly serials: readonly string[]
  readonly user: UserSelection
  /** null: the tokens keep theirs. */
  readonly pin: string | null
}

export type TokenOwners = ReturnType<typeof createTokenOwners>

export function createTokenOwners({ store, vault, audit, settings: cache }: TokenParts, choice: Choice) {
  return { assign, unassign, copyUser, owner }

  /** All of the tokens or none. A token that somebody owns goes over, as it does in LinOTP. */
  async function assign(command: AssignCommand, facts: Facts): Promise<Result<number, AdminFailure>> {
    const { serials, pin } = command
    const user = await choice.user(command.user, facts)
    if (!user.ok) return user
    const pinRead = pin === null ? ok({}) : SETTERS.pin?.read(pin)
    if (pinRead && !pinRead.ok) return err({ code: 'parameter_invalid', field: 'pin', rule: pinRead.error })
    const tokens = await choice.bySerials(serials, facts)
    if (!tokens.ok) return tokens
    const settings = await cache.known()
    const { userId, resolver } = user.value
    const realms = realmsWith(settings, resolver)
    const { client, time, within } = facts
    const policy = policyFor(settings, { user: user.value, realm: realms[0] ?? null, client, time })
    const changes = await Promise.all(
      tokens.value.map(async ({ serial, revision }) => ({
        ...{ serial, revision },
        set: {
          ...{ owner: { userId, resolver }, realms, failCount: 0 as const },
          ...(pin === null ? {} : { sealedPin: await vault.sealPin(pin, place.pin(serial)) }),
        },
      })),
    )
    const joining: readonly Joining[] = tokens.value.map((token) => ({
      token: { ...token, owner: { userId, resolver }, realms },
      policy,
    }))
    const limits = limitsOf(joining, ['ofUser', 'ofUserAndType', 'activeInRealm'])
    const who = { user: user.value.login, realm: realms[0] ?? '' }
    const row = await choice.row(facts, tokens.value, who)
    return committed(await store.changeTokens(changes, row, { limits, within }), changes)
  }

  /** PIN and realms stay. */
  async function unassign(serials: readonly string[], facts: Facts): Promise<Result<number, AdminFailure>> {
    const tokens = await choice.bySerials(serials, facts)
    if (!tokens.ok) return tokens
    const set = { owner: null, failCount: 0 as const }
    const changes = tokens.value.map(({ serial, revision }) => ({ serial, revision, set }))
    return committed(await store.changeTokens(changes, await choice.row(facts, tokens.value), facts), changes)
  }

  /** Owner and realms of one token become those of another, too. */
  async function copyUser(from: string, to: string, facts: Facts): Promise<Result<number, AdminFailure>> {
    const pair = await pairOf(choice, from, to, facts)
    if (!pair.ok) return pair
    const [source, target] = pair.value
    if (source.owner === null)
      return err({ code: 'parameter_invalid', field: 'from', rule: 'must be a token that somebody owns' })
    const known = await choice.ownerOf(source, facts)
    if (!known.ok) return known
    const { owner: newOwner, realms } = source
    const { serial, revision } = target
    const changes = [{ serial, revision, set: { owner: newOwner, realms } }]
    const policy = policyOfToken(await cache.known(), source, facts)
    const limits = limitsOf(
      [{ token: { ...target, owner: newOwner, realms }, policy }],
      ['ofUser', 'ofUserAndType', 'activeInRealm'],
    )
    const row = await choice.row(facts, [target], { ...whoOf(source), info: `from ${source.serial}` })
    return committed(
      await store.changeTokens(changes, row, { unchanged: [source], limits, within: facts.within }),
      changes,
    )
  }

  async function owner(serial: string, facts: Facts): Promise<Result<UserRecord | null, AdminFailure>> {
    const tokens = await choice.bySerials([serial], facts)
    if (!tokens.ok) return tokens
    const [token] = tokens.value
    const owner = token ? await choice.ownerOf(token, facts) : ok(null)
    if (owner.ok) await audit.write(facts, { ...detailsOf(tokens.value) })
    return owner
  }
}

const whoOf = (token: Parameters<typeof detailsOf>[0][number]) => {
  const { user = '', realm = '' } = detailsOf([token])
  return { user, realm }
}

/** The two tokens of a copy. */
export async function pairOf(choice: Choice, from: string, to: string, facts: Facts) {
  const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)
  if (from === to) return invalid('to', 'must be another token than from')
  const chosen = await choice.choose({ serials: [from, to], user: null }, facts)
  if (!chosen.ok) return chosen
  const [source, target] = [from, to].map((wanted) => chosen.value.find(({ serial }) => serial === wanted))
  if (!source) return invalid('from', 'must be the serial of a token')
  if (!target) return invalid('to', 'must be the serial of a token')
  return ok([source, target] as const)
}

/** How many were changed, or why none were. */
export function committed(
  done: Awaited<ReturnType<TokenParts['store']['changeTokens']>>,
  changes: readonly unknown[],
): Result<number, AdminFailure> {
  if (done === 'done') return ok(changes.length)
  if (done === 'lost') return err(CHANGED_MEANWHILE)
  return err(done === 'elsewhere' ? ELSEWHERE : { code: 'token_limit_reached', limit: done })
}
