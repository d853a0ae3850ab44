/** Reading the configuration of an SMS provider: the first problem by key, and the keys nobody knows. */
import * as v from 'valibot'
import { err, ok, type Result } from '../../core/result.ts'
import type { ConfigProblem, RawConfig, ReadConfig } from '../../ports/provider.ts'

/** Merged in by the server, known to every class. */
const COMMON = ['timeout', 'Managed']

/** An empty text of an optional key counts as absent. */
export function readConfig<S extends v.GenericSchema<unknown, unknown>>(
  schema: S,
  raw: RawConfig,
  known: readonly string[],
): Result<ReadConfig<v.InferOutput<S>>, ConfigProblem> {
  const given = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== '' && value !== null))
  const read = v.safeParse(schema, given)
  if (!read.success) {
    const [issue] = read.issues
    const key = v.getDotPath(issue) ?? 'config'
    return err({ key, rule: issue.received === 'undefined' ? 'is required' : issue.message })
  }
  const warnings = Object.keys(raw).filter((key) => !known.includes(key) && !COMMON.includes(key))
  return ok({ config: read.output, warnings })
}
