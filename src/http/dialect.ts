/**
 * Dialect: the wire of one product. Its folder holds the pure half, parameters to commands and outcomes to replies;
 * its routes put them around the flows. Which dialect answers is decided by the path it is mounted under (ADR 0005).
 */
import type { Context, Hono } from 'hono'
import type { Result } from '../core/result.ts'
import type { Env } from './env.ts'
import type { DialectParts } from './parts.ts'

export type Dialect = {
  /** As written in OTPOST_DIALECTS. */
  readonly name: string
  /** First segments of the paths that it serves: nothing can be mounted under them. */
  readonly segments: readonly string[]
  /** It has the administration that the command line speaks, so it is always mounted somewhere. */
  readonly administers: boolean
  /** Reads the process settings that are its own. An error names the variable and the rule. */
  readonly configure: (variables: Readonly<Record<string, string | undefined>>) => Result<ConfiguredDialect, string>
}

export type ConfiguredDialect = {
  readonly routes: (parts: DialectParts) => Hono<Env>
  /** There is no such page. */
  readonly notFound: (c: Context<Env>) => Response | Promise<Response>
  /** A broken edge, never an expected failure; the log knows more. */
  readonly broken: (c: Context<Env>) => Response | Promise<Response>
  /** What cannot work in its settings, found out only by trying; null: nothing. */
  readonly problem?: () => Promise<string | null>
}

export const defineDialect = (dialect: Dialect): Dialect => dialect
