/**
 * Metrics on Workers: a data point for each count and each time in an Analytics Engine data set, whose rows are asked by
 * SQL. `index1` is the name, `blob1` to `blob3` are the labels in the order of ports/metrics.ts, `double1` is 1 or the
 * seconds. Gauges are of no use there: a connection belongs to its request. https://developers.cloudflare.com/analytics/analytics-engine/
 */
import { COUNTERS, DURATIONS, type Metrics } from '../../ports/metrics.ts'

export type AnalyticsBinding = {
  readonly writeDataPoint: (point: {
    readonly indexes: readonly string[]
    readonly blobs: readonly string[]
    readonly doubles: readonly number[]
  }) => void
}

export function analytics(binding: AnalyticsBinding): Metrics {
  const write = (name: string, order: readonly string[], labels: Readonly<Record<string, string>>, value: number) =>
    binding.writeDataPoint({ indexes: [name], blobs: order.map((label) => labels[label] ?? ''), doubles: [value] })
  return {
    count: (name, labels) => write(name, COUNTERS[name].labels, labels, 1),
    move: () => {},
    time: (name) => {
      const began = performance.now()
      return (labels) => write(name, DURATIONS[name].labels, labels, (performance.now() - began) / 1000)
    },
  }
}
