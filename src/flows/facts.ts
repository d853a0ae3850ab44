/** Facts of one request that every flow gets; the HTTP floor reads them. */
import type { Administrator, Within } from '../core/policy/reach.ts'
import type { Instant, LocalTime } from '../core/time.ts'
import type { Asker } from './admission.ts'

export type Facts = {
  readonly requestId: string
  readonly now: Instant
  /** The same moment in the server's own time zone. */
  readonly time: LocalTime
  /** Address of the client, from the runtime's own source. */
  readonly client: string
  /** `Accept-Language` of the request. */
  readonly acceptLanguage?: string
  /** Who asks at /validate, for flows to judge once they know which settings hold; absent elsewhere. */
  readonly asker?: Asker
  /** Under which a client may ask again; see flows/repeat.ts. */
  readonly idempotencyKey?: string
  /** The same below the mount of its dialect. */
  readonly path?: string
  /** Path of the request without the leading slash, for the audit. */
  readonly action: string
  /** Who administers; empty in /validate. */
  readonly administrator: string
  /**
   * The administrator whose rights count; absent: nobody's do, as for the operator of the machine, and for users who see
   * to their own tokens.
   */
  readonly by?: Administrator
  /** Where `by` may do what this request is about; absent: everywhere. */
  readonly within?: Within
}
