/** Metrics of a process, in the text that Prometheus reads; with those of the process itself where it has them. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { COUNTERS, DURATIONS, GAUGES, type Metrics, type MetricsPage } from '../../ports/metrics.ts'
import version from '../../version.ts'

/** Seconds: a check takes some milliseconds, a message up to a minute. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function prometheus(runtime: string): { readonly metrics: Metrics; readonly page: MetricsPage } {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  // Event loop, memory, file handles. Deno and Bun lack parts of what it asks Node for.
  if (runtime === 'node') collectDefaultMetrics({ register: registry, prefix: 'otpost_' })
  new Gauge({ name: 'otpost_info', help: 'Version and runtime.', labelNames: ['version', 'runtime'], registers }).set(
    { version, runtime },
    1,
  )
  const counters = new Map(
    Object.entries(COUNTERS).map(([name, { help, labels }]) => [
      name,
      new Counter<string>({ name: `otpost_${name}_total`, help, labelNames: labels, registers }),
    ]),
  )
  const gauges = new Map(
    Object.entries(GAUGES).map(([name, { help, labels }]) => [
      name,
      new Gauge<string>({ name: `otpost_${name}`, help, labelNames: labels, registers }),
    ]),
  )
  const durations = new Map(
    Object.entries(DURATIONS).map(([name, { help, labels }]) => [
      name,
      new Histogram<string>({ name: `otpost_${name}_seconds`, help, labelNames: labels, buckets: BUCKETS, registers }),
    ]),
  )
  return {
    metrics: {
      count: (name, labels) => counters.get(name)?.inc(labels),
      move: (name, labels, by) => gauges.get(name)?.inc(labels, by),
      time: (name) => {
        const stop = durations.get(name)?.startTimer()
        return (labels) => void stop?.(labels)
      },
    },
    page: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}
