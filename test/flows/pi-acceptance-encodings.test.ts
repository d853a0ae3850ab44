/** privacyIDEA's wire: how often the values of a client are decoded (contract G.1, trap 1). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enroll, type Harness, startHarness, times } from '../support/harness.ts'
import { type PiClient, piClient } from '../support/privacyidea.ts'

let h: Harness
let pi: PiClient
beforeAll(async () => {
  h = await startHarness()
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  pi = piClient(h)
  await enroll(h, 'ada', 'EM1')
})
afterAll(() => h.close())

describe('G.1 byte vectors', () => {
  const FREERADIUS = 'FreeRADIUS'
  const KEYCLOAK = 'privacyIDEA-Keycloak/1.5.1 Keycloak/26'

  it.each([
    // The bytes of trap 1.
    ['a b+c%d&ü', FREERADIUS, 'a%2520b%2Bc%2525d%26%25C3%25BC'],
    ['a b+c%d&ü', KEYCLOAK, 'a%2Bb%252Bc%2525d%2526%25C3%25BC'],
    ['a b+c%d&ü', 'PAM/1.1.0', 'a+b%2Bc%25d%26%C3%BC'],
    ['a b+c%d&ü', 'FreeRADIUS 3.2.1', 'a%20b%2Bc%25d%26%C3%BC'],
    ['a b+c%d&ü', 'privacyidea-cp/3.5', 'a%20b%2Bc%25d%26%C3%BC'],
    ['a b+c%d&ü', 'curl/7.88', 'a%20b%2Bc%25d%26%C3%BC'],
    ['100%41', FREERADIUS, '100%252541'],
    ['100%41', KEYCLOAK, '100%252541'],
    ['100%41', 'entraid-via-keycloak/1', '100%252541'],
    ['100%41', 'FreeRADIUS 3.2.1', '100%2541'],
    ['100%41', 'LinOTP/1', '100%2541'],
    ['%25', FREERADIUS, '%252525'],
    ['%25', KEYCLOAK, '%252525'],
    ['%25', 'PAM/2.15.0', '%2525'],
    ['+', FREERADIUS, '%2B'],
    ['+', KEYCLOAK, '%252B'],
    ['+', 'PAM/1.1.0', '%2B'],
    ['ä', FREERADIUS, '%25E4'],
    ['ä', 'libwww-perl/6.67', '%E4'],
  ])('reads the PIN %j as %s sends it', async (pin, agent, bytes) => {
    await h.admin('/admin/set', { serial: 'EM1', pin })

    const replies = [
      await pi.send('POST', '/validate/check', `user=ada&pass=${bytes}`, {
        agent,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
      await pi.get(`/validate/check?user=ada&pass=${bytes}`, { agent }),
    ]
    await h.admin('/admin/set', { serial: 'EM1', pin: 'pin-' })

    expect(replies.map(({ authentication }) => authentication)).toEqual(['CHALLENGE', 'CHALLENGE'])
  })

  it('decodes what an unknown agent sends once, and JSON and multipart of known ones not at all', async () => {
    await h.admin('/admin/set', { serial: 'EM1', pin: '100%41' })
    const multipart = new FormData()
    for (const [name, value] of [
      ['user', 'ada'],
      ['pass', '100%41'],
    ] as const)
      multipart.append(name, value)
    const json = { agent: KEYCLOAK, headers: { 'content-type': 'application/json' } }

    const replies = [
      await pi.check({ user: 'ada', pass: '100%41' }, { agent: 'somebody/1.0' }),
      await pi.check({ user: 'ada', pass: '100%41' }),
      await pi.send('POST', '/validate/check', '{"user": "ada", "pass": "100%41"}', json),
      await pi.send('POST', '/validate/check', multipart, { agent: KEYCLOAK }),
      await pi.check({ user: 'ada', pass: '100%2541' }, { agent: 'somebody/1.0' }),
    ]
    await h.admin('/admin/set', { serial: 'EM1', pin: 'pin-' })

    expect(replies.map(({ authentication }) => authentication)).toEqual([...times(4, () => 'CHALLENGE'), 'REJECT'])
  })
})
