/** Mail templates in the store. The version of the settings moves with each change: nodes keep what they have read. */
import { sql } from 'drizzle-orm/sql'
import type { AuditRow, Batch, Store, TemplateRecord } from '../../ports/store.ts'
import { number, text } from './rows.ts'
import { changeWhere, insertAudit, list, moveVersion, read, write } from './statements.ts'

type TemplateStore = Pick<Store, 'saveTemplate' | 'deleteTemplate' | 'findTemplates' | 'listTemplates'>

export function templateStore(batch: Batch): TemplateStore {
  return {
    saveTemplate: async ({ name, source, changedAt }: TemplateRecord, audit: AuditRow) => {
      await write(batch, [
        insertAudit(audit),
        sql`INSERT INTO templates (name, source, changed_at) VALUES (${name}, ${source}, ${changedAt})
          ON CONFLICT (name) DO UPDATE SET source = excluded.source, changed_at = excluded.changed_at`,
        moveVersion(sql`1`),
      ])
    },

    deleteTemplate: async (name: string, audit: AuditRow) => {
      const done = await changeWhere(
        batch,
        audit,
        sql`EXISTS (SELECT 1 FROM templates WHERE name = ${name})`,
        (won) => [sql`DELETE FROM templates WHERE name = ${name} AND ${won}`, moveVersion(won)],
      )
      return done ? 'done' : 'unknown'
    },

    findTemplates: async (names: readonly string[]) => {
      const [rows = []] = await read(batch, [
        sql`SELECT name, source, changed_at FROM templates WHERE name IN ${list(names)}`,
      ])
      return rows.map((row) => ({
        name: text(row, 'name'),
        source: text(row, 'source'),
        changedAt: number(row, 'changed_at'),
      }))
    },

    listTemplates: async () => {
      const [rows = []] = await read(batch, [
        sql`SELECT name, length(CAST(source AS BLOB)) AS bytes, changed_at FROM templates ORDER BY name`,
      ])
      return rows.map((row) => ({
        name: text(row, 'name'),
        bytes: number(row, 'bytes'),
        changedAt: number(row, 'changed_at'),
      }))
    },
  }
}
