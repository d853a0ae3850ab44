/** Changes of tokens by their owners. Whose a token is, is a guard of each statement, never a read before it. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type { OwnToken, SelfServiceStore } from '../../ports/self-service.ts'
import type { AuditRow, Batch, TokenLimit } from '../../ports/store.ts'
import { somebodys } from './nobody.ts'
import { type Condition, changeUnless, json } from './statements.ts'
import { withinLimit } from './token-limits.ts'
import { assignments } from './tokens.ts'

type OwnTokenStore = Pick<
  SelfServiceStore,
  'changeOwnToken' | 'resetOwnToken' | 'removeOwnToken' | 'releaseOwnToken' | 'takeToken'
>

const isOwn = ({ serial, owner }: OwnToken): Condition<'unknown'> => [
  'unknown',
  sql`EXISTS (SELECT 1 FROM tokens WHERE serial = ${serial}
    AND user_id = ${owner.userId} AND resolver = ${owner.resolver} AND ${somebodys})`,
]

const endChallenges = (serial: string, won: SQL): SQL => sql`DELETE FROM challenges WHERE serial = ${serial} AND ${won}`

export function ownTokenStore(batch: Batch): OwnTokenStore {
  const change = (token: OwnToken, audit: AuditRow, changes: (won: SQL) => readonly SQL[]) =>
    changeUnless<'unknown'>(batch, audit, [isOwn(token)], changes)

  return {
    changeOwnToken: (token, set, limits, audit) =>
      changeUnless<'unknown' | TokenLimit['kind']>(batch, audit, [isOwn(token), ...limits.map(withinLimit)], (won) => [
        sql`UPDATE tokens SET ${assignments(set)} WHERE serial = ${token.serial} AND ${won}`,
      ]),

    resetOwnToken: (token, audit) =>
      change(token, audit, (won) => [sql`UPDATE tokens SET fail_count = 0 WHERE serial = ${token.serial} AND ${won}`]),

    removeOwnToken: (token, audit) =>
      change(token, audit, (won) => [
        endChallenges(token.serial, won),
        sql`DELETE FROM tokens WHERE serial = ${token.serial} AND ${won}`,
      ]),

    releaseOwnToken: (token, audit) =>
      change(token, audit, (won) => [
        endChallenges(token.serial, won),
        sql`UPDATE tokens SET ${assignments({ owner: null, failCount: 0 })} WHERE serial = ${token.serial} AND ${won}`,
      ]),

    takeToken: ({ serial, owner, realms, set, limits }, audit) => {
      const there = (condition: SQL): SQL =>
        sql`EXISTS (SELECT 1 FROM tokens WHERE serial = ${serial} AND ${somebodys} AND ${condition})`
      return changeUnless<'unknown' | 'owned' | 'foreign_realm' | TokenLimit['kind']>(
        batch,
        audit,
        [
          ['unknown', there(sql`1`)],
          ['owned', there(sql`user_id IS NULL`)],
          [
            'foreign_realm',
            there(sql`(json_array_length(realms) = 0 OR EXISTS (SELECT 1 FROM json_each(tokens.realms) has
              JOIN json_each(${json(realms)}) may ON may.value = has.value))`),
          ],
          ...limits.map(withinLimit),
        ],
        (won) => [
          endChallenges(serial, won),
          sql`UPDATE tokens SET ${assignments({ owner, realms, failCount: 0, ...set })} WHERE serial = ${serial} AND ${won}`,
        ],
      )
    },
  }
}
