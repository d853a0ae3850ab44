/** Time inside otpost: epoch seconds. Only `Edges.clock` knows what time it is. */

/** A point in time, whole seconds since 1970-01-01T00:00:00Z. */
export type Instant = number
/** A length of time in whole seconds. */
export type Seconds = number
