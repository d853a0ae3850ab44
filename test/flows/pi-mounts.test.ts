/** Dialects under paths: one otpost behind both, wherever each of them is mounted. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localClient } from '../../src/cli/target.ts'
import { readConfig } from '../../src/config.ts'
import { startOtpost } from '../../src/testing/index.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'
import { PASSWORD, piClient } from '../support/privacyidea.ts'

describe('OTPOST_DIALECTS', () => {
  it.each([
    [undefined, { '': 'linotp', '/pi': 'privacyidea' }],
    ['/=linotp', { '': 'linotp' }],
    ['/=privacyidea, /linotp=linotp', { '': 'privacyidea', '/linotp': 'linotp' }],
    ['/a/b=privacyidea /c=linotp', { '/a/b': 'privacyidea', '/c': 'linotp' }],
    [
      '/=linotp,/pi=privacyidea,/privacyidea=privacyidea',
      { '': 'linotp', '/pi': 'privacyidea', '/privacyidea': 'privacyidea' },
    ],
  ])('%s', (OTPOST_DIALECTS, mounts) => {
    const read = readConfig({ OTPOST_DIALECTS })

    expect(read.ok && Object.fromEntries(read.value.mounts.map(({ base, name }) => [base, name]))).toEqual(mounts)
  })

  it.each([
    [{ OTPOST_DIALECTS: '/=edumfa' }, "OTPOST_DIALECTS: there is no dialect 'edumfa', only linotp and privacyidea"],
    [{ OTPOST_DIALECTS: 'linotp' }, "OTPOST_DIALECTS: 'linotp' must be a path and a dialect, as in /pi=privacyidea"],
    [
      { OTPOST_DIALECTS: 'pi=linotp' },
      "OTPOST_DIALECTS: 'pi=linotp' must be a path and a dialect, as in /pi=privacyidea",
    ],
    [
      { OTPOST_DIALECTS: '/pi/=linotp' },
      "OTPOST_DIALECTS: '/pi/=linotp' must be a path and a dialect, as in /pi=privacyidea",
    ],
    [{ OTPOST_DIALECTS: '/=linotp,/=privacyidea' }, 'OTPOST_DIALECTS: / is mounted twice'],
    [
      { OTPOST_DIALECTS: '/=linotp,/validate=privacyidea' },
      "OTPOST_DIALECTS: /validate must not hold 'validate', which otpost itself serves",
    ],
    [
      { OTPOST_DIALECTS: '/=linotp,/x/Token=privacyidea' },
      "OTPOST_DIALECTS: /x/Token must not hold 'Token', which otpost itself serves",
    ],
    [
      { OTPOST_DIALECTS: '/=privacyidea' },
      'OTPOST_DIALECTS must mount linotp, which administers otpost, as in /=linotp,/pi=privacyidea',
    ],
    [
      { OTPOST_PI_ENCODED_TWICE: 'a(b)' },
      "OTPOST_PI_ENCODED_TWICE: 'a(b)' must be the name of an agent, or a name and /*",
    ],
    [
      { OTPOST_PI_SERIAL_PREFIXES: 'hotp=X' },
      "OTPOST_PI_SERIAL_PREFIXES: 'hotp=X' must be a token type and 1 to 16 letters, digits, _ or -, as in email=PIEM",
    ],
    [{ OTPOST_PI_UNKNOWN_USER: 'maybe' }, 'OTPOST_PI_UNKNOWN_USER must be error or reject'],
    [
      { OTPOST_PI_OVERRIDE_CLIENT: 'here' },
      "OTPOST_PI_OVERRIDE_CLIENT: 'here' is neither an address nor a network like 10.0.0.0/8",
    ],
    [
      { OTPOST_TRUSTED_PROXIES: '10.0.0.1 010.0.0.0/8' },
      "OTPOST_TRUSTED_PROXIES: '010.0.0.0/8' is neither an address nor a network like 10.0.0.0/8",
    ],
    [
      { OTPOST_PI_SIGNING_KEY: 'secret' },
      'OTPOST_PI_SIGNING_KEY must be an RSA private key in PEM (PKCS #8, BEGIN PRIVATE KEY)',
    ],
  ])('%o is refused', (variables, error) => expect(readConfig(variables)).toEqual({ ok: false, error }))

  it('and the settings of a dialect that is not mounted are not read', () => {
    expect(readConfig({ OTPOST_DIALECTS: '/=linotp', OTPOST_PI_UNKNOWN_USER: 'maybe' }).ok).toBe(true)
  })
})

describe('privacyIDEA at the root and LinOTP below', () => {
  let h: Harness
  beforeAll(async () => {
    h = await startHarness({ OTPOST_DIALECTS: '/=privacyidea,/linotp=linotp' })
    await h.admin('/linotp/admin/init', {
      type: 'email',
      user: 'ada',
      serial: 'EM1',
      pin: 'pin-',
      email_address: 'a@b.test',
    })
  })
  afterAll(() => h.close())

  it('is one otpost with one fail count', async () => {
    const pi = piClient(h, '')
    const { transaction } = await pi.trigger('ada', 'pin-')
    const otp = h.catcher.mails().at(-1)?.text.trim() ?? ''
    await pi.check({ user: 'ada', pass: 'nope' })
    await h.post('/linotp/validate/check', { user: 'ada', pass: 'nope' })
    const failures = await h.failCount('EM1')
    const other = await h.post('/linotp/validate/check', { user: 'ada', pass: otp, state: transaction })

    expect([failures, other.json.result?.value]).toEqual([2, true])
  })

  it('leaves nothing of the other dialect at the root', async () => {
    const replies = [
      await h.admin('/admin/show'),
      await h.post('/validate/simplecheck', { user: 'ada', pass: 'x' }),
      await h.request('/linotp/auth'),
      await h.request('/linotp/validate/polltransaction?transaction_id=1'),
    ]

    expect(replies.map(({ status }) => status)).toEqual([404, 404, 404, 404])
    expect(replies[0]?.json.result?.error?.code).toBe(601)
    expect(replies[2]?.text).toContain('<html>')
  })

  it('answers plain checks and broken bodies in the words of each', async () => {
    const broken = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }
    const [simple, radius, here, there] = [
      await h.post('/linotp/validate/simplecheck', { user: 'ada', pass: 'nope' }),
      await h.request('/linotp/validate/simplecheck', broken),
      await h.request('/validate/check', broken),
      await h.request('/linotp/validate/check', broken),
    ]

    expect([simple.text, radius.text]).toEqual([':-(', ':-('])
    expect([here.status, here.json.result?.error?.code, there.status]).toEqual([400, 905, 200])
    expect(there.json.result).toEqual({ status: true, value: false })
  })

  it('is administered by the command line all the same', async () => {
    const client = localClient(h)

    expect((await client.realms()).map(({ name }) => name)).toContain('home')
  })

  it('is found by otpost/testing', async () => {
    await using otpost = await startOtpost({ variables: { OTPOST_DIALECTS: '/=privacyidea,/linotp=linotp' } })
    const { user, pin, email } = await otpost.enroll()
    const asked = await otpost.check({ user, pass: pin })
    const fields = { user, pass: await otpost.nextOtp(email), state: asked.detail?.transactionid ?? '' }
    const answered = await fetch(`${otpost.url}/validate/check`, { method: 'POST', body: new URLSearchParams(fields) })

    expect(await answered.json()).toMatchObject({ result: { value: true, authentication: 'ACCEPT' } })
  })

  it('shows logins of both in the audit in the same words', async () => {
    await h.post('/validate/check', { user: 'ada', pass: 'nope' })
    await h.post('/linotp/validate/check', { user: 'ada', pass: 'nope' })
    const { json } = await h.admin('/linotp/audit/search', { rp: '2', sortname: 'number', sortorder: 'desc' })

    const rows = (json as unknown as { rows: { cell: string[] }[] }).rows // LinOTP's grid
    const of = (text: string) => rows.filter(({ cell }) => cell.some((one) => String(one).includes(text)))
    expect([of('validate/check').length, of('wrong otp pin -1').length, of('linotp/validate/check').length]).toEqual([
      2, 2, 1,
    ])
  })
})

describe('a signing key', () => {
  const pem = (type: 'rsa' | 'ec') =>
    String(
      (type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })
      ).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    )

  it('signs replies and errors, with the nonce that was sent', async () => {
    const h = await startHarness({ OTPOST_PI_SIGNING_KEY: pem('rsa') })
    const pi = piClient(h)
    const replies = [
      await pi.check({ user: 'ada', pass: 'x', nonce: 'abc' }),
      await pi.check({ user: 'nobody', pass: 'x', nonce: 'abc' }),
      await pi.get('/validate/polltransaction?transaction_id=1'),
    ]
    await h.close()

    for (const { root } of replies) expect(root.signature).toMatch(/^rsa_sha256_pss:[0-9a-f]{512}$/)
    expect(replies.map(({ root }) => root.nonce)).toEqual(['abc', 'abc', undefined])
  })

  it('of another kind keeps the server from starting, and says why', async () => {
    await expect(startHarness({ OTPOST_PI_SIGNING_KEY: pem('ec') })).rejects.toThrow('503')
  })
})

describe('client', () => {
  const clients = async (variables: Record<string, string>) => {
    const h = await startHarness(variables)
    await piClient(h).check({ user: 'ada', pass: 'x', client: '198.51.100.9' })
    await piClient(h).check({ user: 'ada', pass: 'x', client: 'nonsense' })
    // Asked over and over, and the same for everybody: no row.
    await piClient(h).get('/validate/polltransaction/1?client=198.51.100.9')
    await piClient(h).post('/auth', { username: 'admin', password: 'x', client: '198.51.100.9' })
    const { rows } = await h.client.execute("SELECT client FROM audit WHERE action LIKE 'pi/%' ORDER BY number")
    await h.close()
    return rows.map(({ client }) => client)
  }

  it('counts from those who may name another one, and from nobody else; never at a login of administrators', async () => {
    expect(await clients({ OTPOST_PI_OVERRIDE_CLIENT: '192.0.2.0/24' })).toEqual([
      '198.51.100.9',
      '192.0.2.7',
      '192.0.2.7',
    ])
    expect(await clients({})).toEqual(['192.0.2.7', '192.0.2.7', '192.0.2.7'])
  })

  it('is no matter of the rights of who names it: those are for where the request comes from', async () => {
    const h = await startHarness({ OTPOST_PI_OVERRIDE_CLIENT: '192.0.2.7', OTPOST_ADMIN_PASSWORD: PASSWORD })
    await enroll(h, 'ada', 'EM1')
    const [pi, policy] = [piClient(h), { name: 'rights', scope: 'admin', action: '*', realm: '*', user: '*' }]
    const token = await pi.auth()
    const trigger = async (address: string) => {
      await h.admin('/system/setPolicy', { ...policy, client: address })
      return pi.post('/validate/triggerchallenge', { user: 'ada', client: '198.51.100.9' }, { token })
    }

    const replies = [await trigger('198.51.100.9'), await trigger('192.0.2.7')]
    const { rows } = await h.client.execute('SELECT client FROM audit ORDER BY number DESC LIMIT 1')
    await h.close()

    expect(replies.map(({ status }) => status)).toEqual([403, 200])
    expect(rows).toMatchObject([{ client: '198.51.100.9' }])
  })
})
