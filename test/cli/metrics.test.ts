import { afterAll, expect, it } from 'vitest'
import { check, cleanUp, newDataDir, otpost, startOtpost } from './otpost.ts'

afterAll(cleanUp)

it.each(['node', 'deno', 'bun'] as const)('%s shows metrics at an address of their own', async (runtime) => {
  const server = await startOtpost(['serve', '--data', newDataDir(), '--metrics', '127.0.0.1:0'], { runtime })
  const address = /^Metrics are shown without a login at (\S+)$/m.exec(server.output())?.[1] ?? ''
  await check(server.url, { user: 'nobody', pass: 'x' })

  const response = await fetch(address)
  const text = await response.text()

  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(text).toContain(`runtime="${runtime}"`)
  expect(text).toContain('otpost_checks_total{verdict="rejected",reason="realm_unknown"} 1')
  expect((await fetch(new URL('/validate/check', address))).status).toBe(404)
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

it.each(['9464', '127.0.0.1:99999', ':9464'])('refuses --metrics %s', async (address) => {
  const { code, stderr } = await otpost(['serve', '--metrics', address], { runtime: 'bun' })

  expect([code, stderr]).toEqual([2, expect.stringContaining('It must be an address and a port')])
})
