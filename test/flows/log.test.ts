/** The log: what stands there in normal life and on level debug, and that one id leads from a line to audit and reply. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { jsonLog } from '../../src/adapters/log/json.ts'
import { LOG_LEVELS } from '../../src/ports/edges.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'
import { type People, startPeople, usePeople } from '../support/people.ts'

type Line = { readonly level: string; readonly event: string } & Readonly<Record<string, unknown>>

let h: Harness
let people: People
beforeAll(async () => {
  h = await startHarness()
  people = await startPeople()
  await usePeople(h, people.url, 'away')
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await enroll(h, 'ada', 'LOG')
  await enroll(h, 'zoe', 'AWAY', { realm: 'away' })
})
afterAll(async () => {
  await h.close()
  await people.close()
})
beforeEach(() => {
  h.fullLog.length = 0
  people.answer = null
})

const lines = (): readonly Line[] => h.fullLog.map((line) => JSON.parse(line) as Line) // as the harness writes them
const events = (level?: string) => lines().flatMap((line) => (level && line.level !== level ? [] : [line.event]))
const auditOf = async (id: string | null) =>
  (await h.client.execute({ sql: 'SELECT action_detail FROM audit WHERE request_id = ?', args: [id] })).rows

describe('a request', () => {
  it('has one id in all its lines, in its reply and in the audit', async () => {
    const { headers } = await h.check({ user: 'zoe@away', pass: 'pin-' })
    const id = headers.get('x-request-id')

    expect(events()).toEqual([
      ...['directory_asked', 'directory_answered', 'message_sending', 'provider_asked', 'provider_answered'],
      ...['check_challenged', 'request'],
    ])
    expect(lines().map(({ request }) => request)).toEqual(Array(7).fill(id))
    expect(await auditOf(id)).toHaveLength(1)
  })

  it('leaves in normal life what it comes to, and nothing of how it got there', async () => {
    await h.check({ user: 'zoe@away', pass: 'wrong' })
    await h.check({ user: 'zoe@away', pass: 'pin-' })
    await h.admin('/system/getConfig')

    expect(events('info')).toEqual(['check_rejected', 'message_sending', 'check_challenged'])
  })

  it('is told on level debug with its route, its status and its reason', async () => {
    await h.check({ user: 'ada', pass: 'wrong' })
    await h.check({ user: 'ada', pass: 'pin-' })
    await h.request('/pi/validate/check', { method: 'POST', body: new URLSearchParams({ user: 'ada', pass: 'no' }) })
    await h.admin('/admin/assign', { serial: 'NONE', user: 'ada' })
    await h.post('/admin/show')
    await h.post('/validate/check&user=ada&pass=pin-')

    const shown = lines().filter(({ event }) => event === 'request')
    expect(shown.map(({ method, route, path, status, reason }) => [method, route ?? path, status, reason])).toEqual([
      ['POST', '/validate/check', 200, 'pin_wrong'],
      ['POST', '/validate/check', 200, 'challenged'],
      ['POST', '/pi/validate/check', 200, 'pin_wrong'],
      ['POST', '/admin/assign', 200, 'token_unknown'],
      ['POST', '/admin/show', 401, undefined],
      ['POST', '/validate/…', 404, undefined],
    ])
    expect(shown.every(({ milliseconds }) => typeof milliseconds === 'number')).toBe(true)
  })

  it('whose directory or provider fails has its id in their lines too', async () => {
    people.answer = () => ({ status: 503 })
    const away = await h.check({ user: 'zoe@away', pass: 'pin-' })
    people.answer = null
    const down = { name: 'down', type: 'email', class: 'SMTPEmailProvider', timeout: '9', default: 'true' }
    await h.admin('/system/setProvider', { ...down, config: '{"SMTP_SERVER": "127.0.0.1", "SMTP_PORT": 9}' })
    const unsent = await h.check({ user: 'ada', pass: 'pin-' })
    await h.admin('/system/setDefaultProvider', { name: 'catcher', type: 'email' })
    const idOf = (event: string) => lines().find((line) => line.event === event)?.request

    expect(idOf('resolver_unavailable')).toBe(away.headers.get('x-request-id'))
    expect([idOf('delivery_failed'), idOf('message_undelivered')]).toEqual(
      Array(2).fill(unsent.headers.get('x-request-id')),
    )
  })

  it('that breaks has its id in the line that says why, without what was asked', async () => {
    await h.client.execute('ALTER TABLE policies RENAME TO hidden')
    const { headers, status } = await h.admin('/system/getPolicy', { name: 'secret-name' })
    await h.client.execute('ALTER TABLE hidden RENAME TO policies')
    const failed = lines().find(({ event }) => event === 'request_failed')

    expect([status, failed?.request, failed?.path]).toEqual([500, headers.get('x-request-id'), '/system/getPolicy'])
    expect(h.fullLog.join('')).not.toContain('secret-name')
  })
})

describe('a level', () => {
  it.each(LOG_LEVELS.map((level, n) => [level, LOG_LEVELS.slice(n)] as const))('%s writes %j', (level, written) => {
    const found: string[] = []
    const log = jsonLog((line) => found.push((JSON.parse(line) as Line).level), level)

    for (const each of LOG_LEVELS) log[each]('event')

    expect(found).toEqual(written)
  })
})
