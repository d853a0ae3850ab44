/** The part of the admin client that reads and keeps the audit (http/audit-lines.ts). */
import * as v from 'valibot'
import type { Call, Fields } from './request.ts'

const Row = v.looseObject({
  ...{ number: v.number(), time: v.string(), requestId: v.string(), action: v.string(), success: v.boolean() },
  ...{ serial: v.string(), user: v.string(), realm: v.string(), administrator: v.string(), detail: v.string() },
  ...{ info: v.string(), client: v.string(), intact: v.boolean(), tokenType: v.string(), server: v.string() },
  ...{ cites: v.nullable(v.number()), mac: v.string() },
  deliveries: v.array(v.object({ serial: v.string(), provider: v.string(), status: v.string(), reason: v.string() })),
})
const Progress = v.object({ verified: v.number(), of: v.number() })
const Findings = v.array(v.object({ kind: v.string(), first: v.number(), last: v.number(), text: v.string() }))
const Verdict = v.object({
  ...{ verdict: v.picklist(['intact', 'broken']), first: v.number(), last: v.number(), rows: v.number() },
  ...{ deliveries: v.number(), cuts: v.number(), checkpoints: v.number(), sealed: v.number(), found: v.number() },
  ...{ findings: Findings, warnings: Findings, unseen: v.array(v.string()), anchor: v.nullable(v.string()) },
})
const Pruned = v.object({ first: v.number(), last: v.number(), findings: v.number() })

export type AuditRecord = v.InferOutput<typeof Row>
export type AuditVerdict = v.InferOutput<typeof Verdict>
export type AuditPruned = v.InferOutput<typeof Pruned>

const unreadable = new Error("the server's answer cannot be read: is it another version of otpost?")

export function createAuditClient(call: Call) {
  return {
    rows: async function* (filter: Fields): AsyncGenerator<AuditRecord> {
      for await (const value of call.lines('/otpost/audit/export', filter)) yield parse(Row, value)
    },
    /** @param progress is told how far it has come */
    verify: async (
      anchor: string | undefined,
      progress: (done: { readonly verified: number; readonly of: number }) => void,
    ): Promise<AuditVerdict> => {
      let last: unknown = null
      for await (const value of call.lines('/otpost/audit/verify', { anchor })) {
        last = value
        const step = v.safeParse(Progress, value)
        if (step.success) progress(step.output)
      }
      return parse(Verdict, last)
    },
    checkpoint: async (): Promise<number> =>
      parse(v.object({ sealed: v.number() }), (await call('POST', '/otpost/audit/checkpoint')).value).sealed,
    prune: async (what: { readonly before?: string; readonly keepDays?: number; readonly force?: true }) => {
      const { before, keepDays, force } = what
      const fields = { before, keep_days: keepDays?.toString(), force: force ? 'true' : undefined }
      return parse(Pruned, (await call('POST', '/otpost/audit/prune', fields)).value)
    },
  }
}

function parse<S extends v.GenericSchema>(schema: S, given: unknown): v.InferOutput<S> {
  const read = v.safeParse(schema, given)
  if (read.success) return read.output
  throw unreadable
}
