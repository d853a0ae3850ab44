import { copyFileSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { Agent, fetch } from 'undici'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testCertificates } from '../support/certificates.ts'
import type { RunningChild } from '../support/runtimes.ts'
import { SCRATCH } from '../support/scratch.ts'
import { cleanUp, newDataDir, otpost, startOtpost } from './otpost.ts'

afterAll(cleanUp)

const { authority, server, selfSigned, otherHost } = testCertificates()
const folder = mkdtempSync(join(SCRATCH, 'otpost-tls-'))
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
let running: RunningChild

beforeAll(async () => {
  copyFileSync(server.certificateFile, cert)
  copyFileSync(server.keyFile, key)
  running = await startOtpost(['serve', '--data', newDataDir(), '--tls-cert', cert, '--tls-key', key])
})

const trusting = new Agent({ connect: { ca: authority.certificate } })

/** Serial number of the certificate that a new connection is shown. */
const shown = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: Number(new URL(running.url).port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })

it('serves HTTPS, and cookies for HTTPS alone', async () => {
  expect(running.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
  const reply = await fetch(`${running.url}/validate/ok`, { dispatcher: trusting })
  expect(reply.status).toBe(200)
  expect(reply.headers.get('strict-transport-security')).toBe('max-age=31536000')

  const password = /password (\S+)/.exec(running.output())?.[1] ?? ''
  const login = await fetch(`${running.url}/admin/login`, {
    method: 'POST',
    body: new URLSearchParams({ username: 'admin', password }),
    dispatcher: trusting,
  })
  expect(login.headers.getSetCookie().every((cookie) => /; Secure/.test(cookie))).toBe(true)
})

it('takes up a renewed certificate without a restart, and keeps the old one while the files do not fit', async () => {
  const before = await shown()
  copyFileSync(selfSigned.certificateFile, cert)
  await expect.poll(() => running.output(), { timeout: 10_000 }).toContain('certificate_unusable')
  expect(await shown()).toBe(before)

  copyFileSync(selfSigned.keyFile, key)

  await expect.poll(shown, { timeout: 10_000 }).not.toBe(before)
  expect(running.output()).toContain('certificate_changed')
})

it.each([
  ['a key alone', ['--tls-key', key], 2, '--tls-cert and --tls-key belong together'],
  ['no such file', ['--tls-cert', 'none.pem', '--tls-key', key], 1, '--tls-cert: none.pem cannot be read'],
  [
    'the key of another certificate',
    ['--tls-cert', otherHost.certificateFile, '--tls-key', server.keyFile],
    1,
    'are not a certificate',
  ],
])('says what is wrong with %s', async (_, options, code, message) => {
  const ran = await otpost(['serve', '--port', '0', '--data', newDataDir(), ...options])

  expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(message)])
})

it.each(['deno', 'bun'] as const)('says that %s does not serve it', async (runtime) => {
  const options = ['--tls-cert', server.certificateFile, '--tls-key', server.keyFile]
  const { code, stderr } = await otpost(['serve', '--port', '0', '--data', newDataDir(), ...options], { runtime })

  expect([code, stderr]).toEqual([1, expect.stringContaining('--tls-cert is served on Node')])
})
