import { expect, it } from 'vitest'
import { type AnalyticsBinding, analytics } from '../../src/adapters/metrics/analytics.ts'

it('writes a data point for each count and each time, labels in the order of their declaration', () => {
  const points: Parameters<AnalyticsBinding['writeDataPoint']>[0][] = []
  const metrics = analytics({ writeDataPoint: (point) => void points.push(point) })

  metrics.count('checks', { reason: 'otp_wrong', verdict: 'rejected' })
  metrics.time('message')({ provider: 'mail', type: 'email' })

  expect(points).toEqual([
    { indexes: ['checks'], blobs: ['rejected', 'otp_wrong'], doubles: [1] },
    { indexes: ['message'], blobs: ['email', 'mail'], doubles: [expect.any(Number)] },
  ])
  expect(points[1]?.doubles[0]).toBeLessThan(60)
})
