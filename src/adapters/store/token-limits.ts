/** Numbers of tokens that must not be exceeded, as conditions of a change. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type { NewToken, TokenLimit } from '../../ports/store.ts'
import { type Condition, list } from './statements.ts'

/** A token that joins is counted once, whether or not it is there already. */
export function withinLimit(limit: TokenLimit): Condition<TokenLimit['kind']> {
  const counted = (): SQL => {
    if (limit.kind === 'activeInRealm')
      return sql`t.active = 1 AND EXISTS (SELECT 1 FROM json_each(t.realms) j WHERE j.value = ${limit.realm})`
    const owned = sql`t.user_id = ${limit.owner.userId} AND t.resolver = ${limit.owner.resolver}`
    return limit.kind === 'ofUser' ? owned : sql`${owned} AND t.type = ${limit.type}`
  }
  const others = sql`(SELECT COUNT(*) FROM tokens t WHERE ${counted()} AND t.serial NOT IN ${list(limit.joining)})`
  return [limit.kind, sql`${others} <= ${limit.atMost - limit.joining.length}`]
}

/** Each limit that is set for a new token. */
export function limitsOfNew({ serial, owner, type, realms, active, limits = {} }: NewToken): readonly TokenLimit[] {
  const { ofUser, ofUserAndType, activeInRealm } = limits
  const joining = [serial]
  return [
    ...(owner && ofUser !== undefined ? [{ kind: 'ofUser', owner, joining, atMost: ofUser } as const] : []),
    ...(owner && ofUserAndType !== undefined
      ? [{ kind: 'ofUserAndType', owner, type, joining, atMost: ofUserAndType } as const]
      : []),
    ...(active && activeInRealm !== undefined
      ? realms.map((realm) => ({ kind: 'activeInRealm', realm, joining, atMost: activeInRealm }) as const)
      : []),
  ]
}
