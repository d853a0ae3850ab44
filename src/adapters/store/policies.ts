/** Policies in the store. A change is made on the version of the settings that it was judged by. */
import { sql } from 'drizzle-orm/sql'
import type { PolicyRecord } from '../../core/policy/policy.ts'
import type { AuditRow, Batch, Store } from '../../ports/store.ts'
import { changeWhere, json, list, moveVersion, unmoved } from './statements.ts'

type PolicyStore = Pick<Store, 'savePolicies' | 'deletePolicies'>

export function policyStore(batch: Batch): PolicyStore {
  return {
    savePolicies: async (policies: readonly PolicyRecord[], version: number, audit: AuditRow) => {
      const done = await changeWhere(batch, audit, unmoved(version), (won) => [
        sql`INSERT INTO policies (name, scope, action, realm, user, client, time, active, position)
          SELECT p.value ->> '$.name', p.value ->> '$.scope', p.value ->> '$.action', p.value ->> '$.realm', p.value ->> '$.user',
            p.value ->> '$.client', p.value ->> '$.time', p.value ->> '$.active',
            (SELECT COALESCE(MAX(position), 0) FROM policies) + p.key + 1
          FROM json_each(${json(policies)}) p WHERE ${won}
          ON CONFLICT (name) DO UPDATE SET scope = excluded.scope, action = excluded.action, realm = excluded.realm, user = excluded.user,
            client = excluded.client, time = excluded.time, active = excluded.active`,
        moveVersion(won),
      ])
      return done ? 'done' : 'lost'
    },

    deletePolicies: async (names: readonly string[], version: number, audit: AuditRow) => {
      const done = await changeWhere(batch, audit, unmoved(version), (won) => [
        sql`DELETE FROM policies WHERE name IN ${list(names)} AND ${won}`,
        moveVersion(won),
      ])
      return done ? 'done' : 'lost'
    },
  }
}
