/**
 * What users do with tokens that they have, and how they take one that nobody has (contract 10.3). Each call needs its
 * right; whether the token is theirs is decided by the statement that changes it, and one that is not is answered as one
 * that there is not.
 */
import type { AdminFailure } from '../core/failures.ts'
import type { Action } from '../core/policy/action.ts'
import {
  mayAssign,
  mayDelete,
  mayDisable,
  mayEnable,
  mayReset,
  maySetDescription,
  maySetPin,
  mayUnassign,
} from '../core/policy/selfservice.ts'
import { err, ok, type Result } from '../core/result.ts'
import { realmsWith } from '../core/settings.ts'
import type { Token } from '../core/token.ts'
import type { AuditRow } from '../ports/audit.ts'
import type { OwnToken } from '../ports/self-service.ts'
import type { Store, TokenLimit } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import { checkPin } from './self-pin.ts'
import { holds, ownerOf, type Self, whoIs } from './self-user.ts'
import { limitsOf } from './token-limits.ts'

type Done = Promise<Result<true, AdminFailure>>
type Change = (self: Self, serial: string, facts: Facts) => Done
export type Taken = { readonly serial: string; readonly pin: string | null; readonly description: string | null }

export type SelfTokens = {
  /** @param active only those that are */
  readonly list: (self: Self, active: boolean, facts: Facts) => Promise<readonly Token[]>
  readonly enable: Change
  readonly disable: Change
  readonly remove: Change
  readonly reset: Change
  readonly unassign: Change
  readonly setPin: (self: Self, change: { serial: string; pin: string }, facts: Facts) => Done
  readonly setDescription: (self: Self, change: { serial: string; description: string }, facts: Facts) => Done
  readonly assign: (self: Self, taken: Taken, facts: Facts) => Done
}

type Parts = { readonly store: Store; readonly vault: Vault; readonly audit: Audit }

/** One change of one token. */
type Step = {
  readonly right: Action<boolean>
  readonly serial: string
  /** What the token is to become keeps its rules. */
  readonly valid?: Result<unknown, AdminFailure>
  readonly act: (token: OwnToken, row: AuditRow) => Promise<'done' | 'unknown' | TokenLimit['kind']>
}

export function createSelfTokens({ store, vault, audit }: Parts): SelfTokens {
  const simple =
    (right: Action<boolean>, act: Step['act']): Change =>
    (self, serial, facts) =>
      change(self, { right, serial, act }, facts)

  return {
    list: async (self, active, facts) => {
      await audit.write(facts, { ...whoIs(self), success: true })
      return self.tokens.filter((token) => !active || token.active)
    },
    enable,
    disable: simple(mayDisable, (token, row) => store.changeOwnToken(token, { active: false }, [], row)),
    remove: simple(mayDelete, store.removeOwnToken),
    reset: simple(mayReset, store.resetOwnToken),
    unassign: simple(mayUnassign, store.releaseOwnToken),
    setPin,
    setDescription,
    assign,
  }

  async function change(self: Self, { right, serial, valid, act }: Step, facts: Facts): Done {
    const allowed = holds(self, right)
    if (!allowed.ok) return allowed
    if (valid && !valid.ok) return valid
    const tokenType = self.tokens.find((token) => token.serial === serial)?.type ?? ''
    const row = await audit.row(facts, { ...whoIs(self), success: true, serial, tokenType })
    const done = await act({ serial, owner: ownerOf(self) }, row)
    if (done === 'done') return ok(true)
    return err(done === 'unknown' ? { code: 'token_unknown', serial } : { code: 'token_limit_reached', limit: done })
  }

  /** An active token more in its realms. */
  function enable(self: Self, serial: string, facts: Facts): Done {
    const seen = self.tokens.find((token) => token.serial === serial)
    const limits = seen ? limitsOf([{ token: { ...seen, active: true }, policy: self.policy }], ['activeInRealm']) : []
    const act: Step['act'] = (token, row) => store.changeOwnToken(token, { active: true }, limits, row)
    return change(self, { right: mayEnable, serial, act }, facts)
  }

  function setPin(self: Self, { serial, pin }: { serial: string; pin: string }, facts: Facts): Done {
    const act: Step['act'] = async (token, row) =>
      store.changeOwnToken(token, { sealedPin: await vault.sealPin(pin, place.pin(serial)) }, [], row)
    return change(self, { right: maySetPin, serial, valid: checkPin(self, pin), act }, facts)
  }

  function setDescription(self: Self, to: { serial: string; description: string }, facts: Facts): Done {
    const { serial, description } = to
    const act: Step['act'] = (token, row) => store.changeOwnToken(token, { description }, [], row)
    return change(self, { right: maySetDescription, serial, valid: checkDescription(description), act }, facts)
  }

  async function assign(self: Self, { serial, pin, description }: Taken, facts: Facts): Done {
    const right = holds(self, mayAssign)
    if (!right.ok) return right
    if (pin !== null && !self.policy.value(maySetPin)) return err({ code: 'pin_not_allowed', user: self.user.login })
    const checked = pin === null ? ok(null) : checkPin(self, pin)
    if (!checked.ok) return checked
    const described = checkDescription(description ?? '')
    if (!described.ok) return described
    // Its type is for the limits, and never changes; everything else is asked of the token again when it is taken.
    const [token] = await store.findTokens({ serials: [serial] })
    if (!token) return err({ code: 'token_unknown', serial })
    const joining = { ...token, owner: ownerOf(self), realms: realmsWith(self.settings, self.user.resolver) }
    const taken = {
      ...{ serial, owner: joining.owner, realms: joining.realms },
      set: {
        ...(pin === null ? {} : { sealedPin: await vault.sealPin(pin, place.pin(serial)) }),
        ...(description === null ? {} : { description }),
      },
      limits: limitsOf([{ token: joining, policy: self.policy }], ['ofUser', 'ofUserAndType', 'activeInRealm']),
    }
    const details = { ...whoIs(self), success: true, serial, tokenType: token.type }
    const done = await store.takeToken(taken, await audit.row(facts, details))
    switch (done) {
      case 'done':
        return ok(true)
      case 'unknown':
        return err({ code: 'token_unknown', serial })
      case 'owned':
        return err({ code: 'token_owned', serial })
      case 'foreign_realm':
        return err({ code: 'token_realm_foreign', serial })
      default:
        return err({ code: 'token_limit_reached', limit: done })
    }
  }
}

const checkDescription = (description: string): Result<string, AdminFailure> =>
  description.length > 80
    ? err({ code: 'parameter_invalid', field: 'description', rule: 'must have at most 80 characters' })
    : ok(description)
