/**
 * Metrics port: what is counted and timed while the server works. Labels have few values each, and none of them names a
 * user, a token or an address.
 */

/** Name, what it says, its labels. Names are those of the Prometheus text, without `otpost_` and without their unit. */
export const COUNTERS = {
  requests: { help: 'Requests by route, method and status.', labels: ['route', 'method', 'status'] },
  checks: { help: 'Answers of /validate by verdict, and by reason where it is no.', labels: ['verdict', 'reason'] },
  messages: { help: 'Tries to send a message, by provider and outcome.', labels: ['type', 'provider', 'outcome'] },
  database_errors: { help: 'Batches that failed.', labels: [] },
  log_lines: { help: 'Warnings and errors in the log, by event.', labels: ['level', 'event'] },
} as const
export const DURATIONS = {
  request: { help: 'Time to answer a request.', labels: ['route'] },
  message: { help: 'Time that a provider took for a message.', labels: ['type', 'provider'] },
  database: { help: 'Time for one batch, the wait for its turn included.', labels: ['mode'] },
  connection_wait: { help: 'Time that somebody waited for a connection to be free.', labels: ['pool'] },
} as const
/** What goes up and down. */
export const GAUGES = {
  connections: { help: 'Connections in use.', labels: ['pool'] },
  connections_waiting: { help: 'How many wait for a connection to be free.', labels: ['pool'] },
} as const

type Labels<L extends readonly string[]> = Readonly<Record<L[number], string>>

export type Metrics = {
  readonly count: <N extends keyof typeof COUNTERS>(name: N, labels: Labels<(typeof COUNTERS)[N]['labels']>) => void
  readonly move: <N extends keyof typeof GAUGES>(
    name: N,
    labels: Labels<(typeof GAUGES)[N]['labels']>,
    by: 1 | -1,
  ) => void
  /** Starts a stopwatch; calling what it returns stops it and takes down the time. */
  readonly time: <N extends keyof typeof DURATIONS>(
    name: N,
  ) => (labels: Labels<(typeof DURATIONS)[N]['labels']>) => void
}

/** Where metrics are shown as Prometheus text (exposition format 0.0.4). */
export type MetricsPage = () => Promise<{ readonly type: string; readonly text: string }>

/** Where nobody looks. */
export const noMetrics: Metrics = { count: () => {}, move: () => {}, time: () => () => {} }
