import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { prometheus } from '../../src/adapters/metrics/prometheus.ts'
import { backUp } from '../../src/cli/backup.ts'
import { readConfig } from '../../src/config.ts'
import { enroll, type Harness, NODE, startHarness } from '../support/harness.ts'
import { findLeaks } from '../support/leaks.ts'
import { startPeople, usePeople } from '../support/people.ts'
import { startScriptedServer } from '../support/smtp-server.ts'

let h: Harness
beforeAll(async () => {
  const { metrics, page } = prometheus('node')
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: 'admin-pass-4711' }, NODE, { metrics, metricsPage: page })
})
afterAll(() => h.close())

it('leaves no OTP, PIN, seed, password, API token or key anywhere, on the log level debug', async () => {
  const seed = '3132333435363738393031323334353637383930'
  const secrets: string[] = [
    'pin-of-ada-0815',
    seed,
    Buffer.from(seed, 'hex').toString('latin1'),
    'smtp-pass-0190',
    'admin-pass-4711',
    'conf-pass-1234',
    'people-secret',
    'json-key-5678',
  ]
  const replies: string[] = []
  const note = async (reply: Promise<{ readonly text: string }>): Promise<void> => void replies.push((await reply).text)
  /** Of these the database may hold what it is told to; nobody else. */
  const personal = ['ada@mail.test', 'ops@mail.test', 'zoe@mail.test', 'Dear user']
  const policy = {
    name: 'words',
    scope: 'authentication',
    realm: '*',
    action: 'emailsubject=Dear user',
    active: 'True',
  }
  await h.admin('/system/setPolicy', policy)
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await enroll(h, 'ada', 'SECRET1', { pin: 'pin-of-ada-0815', otpkey: seed })
  await note(h.admin('/system/setConfig', { key: 'some.password', value: 'conf-pass-1234', type: 'password' }))
  await note(h.admin('/system/setConfig', { EmailProviderConfig: '{"SMTP_PASSWORD": "smtp-pass-0190"}' }))
  for (const pass of ['admin-pass-4711', 'wrong'])
    await note(h.post('/admin/login', { username: 'admin', password: pass }))

  // Right, wrong and late answers, in one pass and with a transaction.
  const otps: string[] = []
  for (const late of [false, true]) {
    const { otp, transactionId, reply } = await h.trigger('ada', 'pin-of-ada-0815')
    otps.push(otp)
    replies.push(reply.text)
    if (late) h.pass(500)
    await note(h.check({ user: 'ada', pass: `pin-of-ada-0815${otp}`, state: transactionId }))
    await note(h.check({ user: 'ada', pass: `pin-of-ada-0815${otp}` }))
    await note(h.check({ user: 'nobody', pass: `pin-of-ada-0815${otp}` }))
  }

  // What breaks, what cannot be read, and paths that hold what they must not.
  await note(h.post('/validate/check&user=ada&pass=pin-of-ada-0815'))
  await note(h.request('/validate/check?user=ada&pass=pin-of-ada-0815', { method: 'DELETE' }))
  const body = '{"user": "ada", "pass": "pin-of-ada-0815"'
  await note(h.request('/validate/check', { method: 'POST', body, headers: { 'content-type': 'application/json' } }))
  await h.client.execute('ALTER TABLE deliveries RENAME TO hidden')
  await note(h.check({ user: 'ada', pass: 'pin-of-ada-0815' }))
  await h.client.execute('ALTER TABLE hidden RENAME TO deliveries')
  expect(h.log.at(-1)).toContain('request_failed')

  // Users in a directory with a password of its own, which answers and then is down.
  const people = await startPeople()
  await usePeople(h, people.url, 'away')
  await enroll(h, 'zoe', 'AWAY', { realm: 'away', pin: 'pin-of-ada-0815', email_address: 'zoe@mail.test' })
  otps.push((await h.trigger('zoe@away', 'pin-of-ada-0815')).otp)
  people.answer = () => ({ status: 503, body: { error: 'json-key-5678 pin-of-ada-0815' } })
  await note(h.check({ user: 'zoe@away', pass: 'pin-of-ada-0815' }))
  await people.close()

  // A login at a server that takes the password and then fails with the whole message in its mouth.
  const server = await startScriptedServer({
    EHLO: { say: '250-hello\r\n250 AUTH PLAIN\r\n' },
    message: { say: '554 5.6.0 I read your OTP\r\n' },
  })
  const config = JSON.stringify({
    SMTP_SERVER: '127.0.0.1',
    SMTP_PORT: server.port,
    SMTP_USER: 'mailer',
    SMTP_PASSWORD: 'smtp-pass-0190',
  })
  await note(
    h.admin('/system/setProvider', {
      name: 'catcher',
      type: 'email',
      class: 'SMTPEmailProvider',
      timeout: '120',
      config,
    }),
  )
  await note(h.admin('/system/getProvider', { type: 'email' }))
  await note(h.check({ user: 'ada', pass: 'pin-of-ada-0815' }))
  await note(h.admin('/system/testProvider', { type: 'email', name: 'catcher', to: 'ops@mail.test' }))
  otps.push(/\r\n\r\n(\d{6})\r\n/.exec(server.heard())?.[1] ?? '')
  expect(server.heard()).toContain(Buffer.from('\0mailer\0smtp-pass-0190').toString('base64'))
  await server.close()
  const made = await h.admin('/otpost/api-tokens', { username: 'admin', name: 'ci' })
  const { token = '' } = (made.json.result?.value ?? {}) as { token?: string } // the one reply that shows it
  for (const authorization of [`Bearer ${token}`, `Basic ${btoa(`radius:${token}`)}`, `Bearer ${token}x`])
    for (const path of ['/validate/check?user=ada&pass=x', '/system/getConfig', '/metrics'])
      await note(h.request(path, { headers: { authorization } }))
  secrets.push(token.split('_')[2] ?? '', btoa(`radius:${token}`), ...h.keys.split(':').slice(1))

  expect(otps).toHaveLength(4)
  expect(otps.every((otp) => /^\d{6}$/.test(otp))).toBe(true)
  expect(secrets.every((secret) => secret.length > 3)).toBe(true)
  await h.client.execute('PRAGMA wal_checkpoint(PASSIVE)')
  const folder = dirname(h.file)
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('latin1')] as const)
  expect(files.map(([name]) => name).sort()).toEqual(['otpost.db', 'otpost.db-shm', 'otpost.db-wal'])
  const audit = JSON.stringify((await h.client.execute('SELECT * FROM audit')).rows)
  const settings = readConfig({ OTPOST_DATABASE_URL: pathToFileURL(h.file).href })
  if (!settings.ok) throw new Error(settings.error)
  await backUp(settings.value, folder, join(folder, 'copy.db'))
  const shown: readonly (readonly [string, string])[] = [
    ['log', h.fullLog.join('\n')],
    ['metrics', (await h.request('/metrics', {}, 'operator')).text],
    ['audit', audit],
    ['export', (await h.request('/otpost/audit/export', {}, 'operator')).text],
    ['export as CSV', (await h.request('/otpost/audit/export?format=csv', {}, 'operator')).text],
  ]
  const places: readonly (readonly [string, string])[] = [
    ...files,
    ['backup', readFileSync(join(folder, 'copy.db')).toString('latin1')],
    ...shown,
    ['replies', replies.join('\n')],
  ]
  const events = h.fullLog.map((line) => (JSON.parse(line) as { event: string }).event) // as the harness writes them
  expect(events).toEqual(expect.arrayContaining(['request', 'request_failed', 'provider_asked', 'directory_asked']))
  const named = (texts: readonly string[]) => texts.map((text, n) => ({ name: `secret ${n}`, text }))
  const placed = (some: readonly (readonly [string, string])[]) => some.map(([name, content]) => ({ name, content }))
  for (const [place, content] of places) expect(content.length, place).toBeGreaterThan(0)
  expect(findLeaks(named(personal), placed(shown))).toEqual([])
  expect(findLeaks(named([...secrets, ...otps]), placed(places))).toEqual([])
})
