/** Phone numbers as SMS providers want them (contract 4.7), in this order: `MSISDN`, then `SUPPRESS_PREFIX`. */
import * as v from 'valibot'
import { booleanWord } from '../../core/fields.ts'

export const numberKeys = {
  MSISDN: v.optional(booleanWord),
  SUPPRESS_PREFIX: v.optional(v.string('must be text')),
} as const

export type NumberRules = { readonly MSISDN?: boolean | undefined; readonly SUPPRESS_PREFIX?: string | undefined }

/** Keeps digits only, and a leading `+`, where `MSISDN` says so; then takes the prefix away. */
export function formatNumber(number: string, rules: NumberRules): string {
  const trimmed = number.trim()
  const plain = rules.MSISDN ? `${trimmed.startsWith('+') ? '+' : ''}${trimmed.replace(/\D/g, '')}` : number
  const prefix = rules.SUPPRESS_PREFIX ?? ''
  const left = plain.trimStart()
  return prefix !== '' && left.startsWith(prefix) ? left.slice(prefix.length) : plain
}
