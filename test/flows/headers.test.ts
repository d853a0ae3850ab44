import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Harness, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
})
afterAll(() => h.close())

it.each([
  ['/validate/check', 200],
  ['/validate/radiuscheck', 400],
  ['/validate/check?httperror=1', 200],
  ['/admin/show', 401],
  ['/no/such/page', 404],
  ['/healthcheck/status', 200],
])('%s is kept from scripts, frames and caches', async (path, status) => {
  const reply = await h.request(path, { headers: { origin: 'https://evil.example' } })

  expect(reply.status).toBe(status)
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
  })
  expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  expect(reply.headers.has('strict-transport-security')).toBe(false)
})

it('holds browsers to https where a request came by it', async () => {
  const request = new Request('https://otpost.test/validate/ok')
  const { headers } = await h.app.fetch(request, { peer: '192.0.2.7', secure: true })

  expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
})

it('answers no preflight', async () => {
  const reply = await h.request('/validate/check', {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  })

  expect(reply.status).toBe(405)
  expect(reply.headers.has('access-control-allow-origin')).toBe(false)
})
