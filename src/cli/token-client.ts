/** The part of the admin client that changes tokens and imports them (contract 7.1). */
import * as v from 'valibot'
import { failCountTimeout } from '../core/setting-keys.ts'
import { type Call, type Fields, isNotAllowed } from './request.ts'

const Refused = v.object({ line: v.number(), outcome: v.literal('refused'), field: v.string(), rule: v.string() })
const Taken = v.object({
  ...{ line: v.number(), outcome: v.picklist(['imported', 'importable']), serial: v.nullable(v.string()) },
})
const Row = v.variant('outcome', [Refused, Taken])
const Replacement = v.object({ serial: v.string(), token_typ: v.string(), end_date: v.string() })

const Config = v.object({ failcounter_clear_timeout: v.optional(v.string(), '') })

export type ImportedRow = v.InferOutput<typeof Row>
export type Change = 'remove' | 'enable' | 'disable' | 'reset'

const unreadable = new Error("the server's answer cannot be read: is it another version of otpost?")

export function createTokenClient(call: Call) {
  return {
    /** @returns how many there were, 0 when there is none with this serial */
    change: async (change: Change, serial: string): Promise<number> =>
      parse(v.number(), (await call('POST', `/admin/${change}`, { serial })).value),
    assign: (fields: {
      readonly serial: string
      readonly user: string
      readonly realm?: string
      readonly pin?: string
    }) => done('/admin/assign', fields),
    unassign: (serial: string) => done('/admin/unassign', { serial }),
    setPin: async (serial: string, pin: string): Promise<number> => {
      const { value } = await call('POST', '/admin/set', { serial, pin })
      return parse(v.object({ 'set pin': v.number() }), value)['set pin']
    },
    lost: async (fields: {
      readonly serial: string
      readonly type: string
      readonly email?: string
      readonly mobile?: string
    }) => {
      const {
        serial,
        token_typ: type,
        end_date: validUntil,
      } = parse(Replacement, (await call('POST', '/admin/losttoken', fields)).value)
      return { serial, type, validUntil }
    },
    /** Minutes after which a lock ends by itself; 0: it does not, null: who may see tokens need not see settings. */
    lockMinutes: async (): Promise<number | null> => {
      const answer = await call('GET', '/system/getConfig').catch((error: unknown) => {
        if (isNotAllowed(error)) return null
        throw error
      })
      const written = answer && parse(Config, answer.value).failcounter_clear_timeout
      return written === null ? null : (failCountTimeout.read(written) ?? failCountTimeout.fallback)
    },
    /** What became of each row, as the server tells it. */
    importRows: async function* (csv: string, dryRun: boolean): AsyncGenerator<ImportedRow> {
      let whole = false
      for await (const value of call.lines('/otpost/tokens/import', { csv, dry_run: String(dryRun) }, 'POST')) {
        whole = v.is(v.object({ summary: v.unknown() }), value)
        if (!whole) yield parse(Row, value)
      }
      if (!whole) throw unreadable
    },
  }

  async function done(path: string, fields: Fields): Promise<void> {
    await call('POST', path, fields)
  }
}

function parse<S extends v.GenericSchema>(schema: S, given: unknown): v.InferOutput<S> {
  const read = v.safeParse(schema, given)
  if (read.success) return read.output
  throw unreadable
}
