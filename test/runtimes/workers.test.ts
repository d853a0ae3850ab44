/** otpost in workerd, as it is deployed: the flow over D1 and over libSQL, and what this runtime cannot do. */
import { generateKeyPairSync } from 'node:crypto'
import { createClient } from '@libsql/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { libsqlBatch } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import { startOtpost, type TestOtpost } from '../../src/testing/index.ts'
import { type HranaServer, startHranaServer } from '../support/hrana-server.ts'
import { COMPLETE, startWorker } from './workers-fixture.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const SIGNING_KEY = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
type PiEnvelope = {
  readonly result: { readonly value: unknown; readonly authentication: string }
  readonly detail?: { readonly transaction_id?: string }
  readonly nonce: string
  readonly signature: string
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n))

/** The password is alice-pw. */
const ALICE = 'alice:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:1001:100:Alice A,room,,,'
type Body = { readonly result: { readonly value?: unknown }; readonly detail?: Readonly<Record<string, string>> }

const databases: HranaServer[] = []
afterAll(() => Promise.all(databases.map((database) => database.close())))

/** A migrated database of its own: one otpost has other keys than another. */
async function libsqlVariables() {
  const hrana = await startHranaServer()
  databases.push(hrana)
  const client = createClient({ url: hrana.url, authToken: hrana.token })
  await migrateDatabase(client, createStore(libsqlBatch(client)))
  client.close()
  return { OTPOST_DATABASE_URL: hrana.url, OTPOST_DATABASE_TOKEN: hrana.token }
}

describe.each([
  ['D1', async () => ({})],
  ['libSQL over HTTP', libsqlVariables],
])('a Worker over %s', (_, given) => {
  let otpost: TestOtpost
  beforeAll(async () => {
    const variables = { ...(await given()), OTPOST_PI_SIGNING_KEY: SIGNING_KEY }
    otpost = await startOtpost({ runtime: 'miniflare', variables })
  })
  afterAll(() => otpost?.stop())

  /** A user whose PIN was right; the mail is on its way. */
  async function triggered() {
    const enrolment = await otpost.enroll()
    const reply = await otpost.check({ user: enrolment.user, pass: enrolment.pin })
    const otp = await otpost.nextOtp(enrolment.email)
    return { ...enrolment, otp, transactionid: reply.detail?.transactionid ?? '' }
  }

  it('sends a mail for a right PIN and accepts its OTP once', async () => {
    const { user, otp, transactionid } = await triggered()

    const first = await otpost.check({ user, pass: otp, transactionid })
    const second = await otpost.check({ user, pass: otp, transactionid })

    expect([first.result.value, second.result.value]).toEqual([true, false])
  })

  it("triggers, polls and answers on privacyIDEA's wire, and signs what it says", async () => {
    const { user, email } = await otpost.enroll()
    const made = await otpost.admin.call('/otpost/api-tokens', { username: 'admin', name: 'service' })
    const { token } = made.result.value as { token: string } // otpost's own answer
    const ask = async (path: string, fields: Record<string, string>, headers = {}) => {
      const body = new URLSearchParams({ nonce: 'n', ...fields })
      const response = await fetch(`${otpost.url}/pi${path}`, { method: 'POST', body, headers })
      return (await response.json()) as PiEnvelope // the envelope, which other tests look at
    }

    const challenge = await ask('/validate/triggerchallenge', { user }, { authorization: token })
    const transaction_id = challenge.detail?.transaction_id ?? ''
    const poll = await ask(`/validate/polltransaction/${transaction_id}`, {})
    const otp = await otpost.nextOtp(email)
    const answers = [
      await ask('/validate/check', { user, pass: otp, transaction_id }),
      await ask('/validate/check', { user, pass: otp, transaction_id }),
    ]

    const all = [challenge, poll, ...answers]
    expect(all.map(({ result }) => [result.value, result.authentication])).toEqual([
      ...[
        [1, 'CHALLENGE'],
        [false, 'REJECT'],
        [true, 'ACCEPT'],
        [false, 'REJECT'],
      ],
    ])
    for (const { signature, nonce } of all)
      expect([nonce, /^rsa_sha256_pss:[0-9a-f]{512}$/.test(signature)]).toEqual(['n', true])
  })

  it('lets those alone ask who have a key, where a setting says so', async () => {
    const { user, pin, otp } = await triggered()
    const made = await otpost.admin.call('/otpost/api-tokens', { username: 'admin', scope: 'validate' })
    const { token } = made.result.value as { token: string } // otpost's own answer
    const set = (value: string) => otpost.admin.call('/system/setConfig', { validate_api_key: value })
    const ask = (headers = {}) =>
      fetch(`${otpost.url}/validate/radiuscheck`, {
        ...{ method: 'POST', headers, body: new URLSearchParams({ user, pass: pin + otp }) },
      })
    await set('True')

    const replies = [await ask(), await ask({ authorization: `Basic ${btoa(`radius:${token}`)}` })]

    await set('False')
    expect(replies.map(({ status }) => status)).toEqual([401, 204])
  })

  it('accepts PIN and OTP in one pass, without the transaction', async () => {
    const { user, pin, otp } = await triggered()

    const reply = await otpost.check({ user, pass: pin + otp })

    expect(reply.result).toEqual({ status: true, value: true })
  })

  it('refuses a wrong OTP and counts it', async () => {
    const { user, otp, transactionid, serial } = await triggered()
    const wrong = otp === '000000' ? '000001' : '000000'

    const reply = await otpost.check({ user, pass: wrong, transactionid })

    expect(reply.result.value).toBe(false)
    expect(await otpost.admin.show(serial)).toMatchObject({ 'LinOtp.FailCount': 1 })
  })

  it('accepts one of fifty equal answers', async () => {
    const { user, otp, transactionid } = await triggered()

    const replies = await Promise.all(times(50, () => otpost.check({ user, pass: otp, transactionid })))

    expect(replies.filter((reply) => reply.result.value)).toHaveLength(1)
  })

  it('sends one mail for fifty equal triggers', async () => {
    const { user, pin, email } = await otpost.enroll()

    const replies = await Promise.all(times(50, () => otpost.check({ user, pass: pin })))

    expect(otpost.mails().filter((mail) => mail.to.includes(email))).toHaveLength(1)
    expect(new Set(replies.map((reply) => reply.detail?.transactionid)).size).toBe(1)
  })

  it('imports tokens from a file, and shows them page by page', async () => {
    const made = await otpost.admin.call('/otpost/api-tokens', { username: 'admin', name: 'import' })
    const { token } = made.result.value as { token: string } // as the route documents
    const rows = times(300, (n) => `W${String(n).padStart(3, '0')},w${n}@mail.test,"token ""${n}"""`)

    const imported = await fetch(`${otpost.url}/otpost/tokens/import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
      body: ['serial,email,description', 'W999,nothing,', ...rows].join('\n'),
    })

    const lines = (await imported.text()).trim().split('\n')
    expect(lines).toHaveLength(302)
    const summary = { imported: 300, importable: 0, refused: 1, dryRun: false }
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ summary })
    const page = { serial: 'W*', page: '6', pagesize: '50', sortby: 'TokenSerialnumber' }
    expect((await otpost.admin.call('/admin/show', page)).result.value).toMatchObject({
      data: { 49: { 'LinOtp.TokenSerialnumber': 'W299', 'LinOtp.TokenDesc': 'token "299"' } },
      resultset: { pages: 6, tokens: 300, page: 6 },
    })
  })

  it('lets users in by password, a few at a time, and has their tokens verified once', async () => {
    await otpost.admin.call('/system/setResolver', {
      name: 'staff',
      type: 'passwdresolver',
      'passwdresolver.content': ALICE,
    })
    await otpost.admin.call('/system/setRealm', { realm: 'staff', resolvers: 'staff' })
    const may = { name: 'self', scope: 'selfservice', realm: 'staff', action: 'enrollEMAIL, verify' }
    await otpost.admin.call('/system/setPolicy', may)
    const call = async (path: string, params: Record<string, string>, session = '') => {
      const init = { method: 'POST', headers: { cookie: `user_selfservice=${session}` } }
      const body = new URLSearchParams({ session, ...params })
      const reply = await fetch(`${otpost.url}/userservice/${path}`, { ...init, body })
      const [, text = ''] = /user_selfservice=(\w+)/.exec(reply.headers.get('set-cookie') ?? '') ?? []
      return { text, status: reply.status, json: (await reply.json()) as Body }
    }
    const email = 'alice@workers.test'

    const logins = await Promise.all(times(20, () => call('login', { login: 'alice@staff', password: 'alice-pw' })))
    const [session] = logins.flatMap(({ text }) => text || [])
    const enrolled = await call('enroll', { type: 'email', email_address: email }, session)
    const serial = enrolled.json.detail?.serial ?? ''
    const triggered = await call('verify', { serial }, session)
    const answer = {
      serial,
      transactionid: triggered.json.detail?.transactionId ?? '',
      otp: await otpost.nextOtp(email),
    }
    const answers = await Promise.all(times(10, () => call('verify', answer, session)))

    expect(new Set(logins.map(({ status }) => status))).toEqual(new Set([200, 429]))
    expect(answers.filter(({ json }) => json.result.value === true)).toHaveLength(1)
  })

  it('sends the mail although the client has hung up', async () => {
    const { user, pin, email } = await otpost.enroll()
    const client = new AbortController()
    const params = new URLSearchParams({ user, pass: pin })

    // The catcher greets after 100 ms, so the message cannot be out by then.
    const request = fetch(`${otpost.url}/validate/check`, { method: 'POST', body: params, signal: client.signal })
    const hungUp = expect(request).rejects.toThrow('aborted')
    setTimeout(() => client.abort(), 50)
    await hungUp

    expect(await otpost.nextOtp(email)).toMatch(/^\d{6}$/)
  })
})

it('answers a hundred requests that meet a Worker which has just begun', async () => {
  const worker = await startWorker({ ...COMPLETE, ...(await libsqlVariables()) }, false)

  const params = new URLSearchParams({ user: 'nobody', pass: 'x' })
  const statuses = await Promise.all(
    times(100, async () => (await fetch(`${worker.url}/validate/check`, { method: 'POST', body: params })).status),
  )

  expect(statuses.filter((status) => status !== 200)).toEqual([])
  expect(worker.logged().filter(({ level }) => level !== 'info')).toEqual([])
  await worker.stop()
})

describe('what Workers cannot do', () => {
  let otpost: TestOtpost
  beforeAll(async () => {
    otpost = await startOtpost({ runtime: 'miniflare' })
  })
  afterAll(() => otpost?.stop())

  const server = { SMTP_SERVER: 'mail.example.com', START_TLS: true, SMTP_PORT: 587 }

  it.each([
    ['port 25', { ...server, SMTP_PORT: 25 }, 'config.SMTP_PORT'],
    ['port 25 by default', { SMTP_SERVER: 'mail.example.com' }, 'config.SMTP_PORT'],
    ['port 25 under its other name', { SMTP_SERVER: 'mail.example.com', PORT: 25 }, 'config.SMTP_PORT'],
    ['no certificate check', { ...server, TLS_INSECURE: true }, 'config.TLS_INSECURE'],
    ['an authority of its own', { ...server, TLS_CA: '/etc/ca.pem' }, 'config.TLS_CA'],
    ['a client certificate', { ...server, CERTFILE: '/etc/client.pem' }, 'config.CERTFILE'],
    ['a client key', { ...server, CERTFILE: '', KEYFILE: '/etc/client.key' }, 'config.KEYFILE'],
  ])('a provider with %s is refused by the name of the key', async (_, config, key) => {
    const saved = otpost.admin.setProvider('out', config)

    await expect(saved).rejects.toThrow(key)
    const { result } = await otpost.admin.call('/system/getProvider', { type: 'email' })
    expect(Object.keys(result.value ?? {})).toEqual(['catcher'])
  })

  it('a provider on port 587 with STARTTLS is saved', async () => {
    await otpost.admin.setProvider('submission', server)

    const { result } = await otpost.admin.call('/system/getProvider', { type: 'email', name: 'submission' })
    expect(result.value).toMatchObject({ submission: { Class: 'SMTPEmailProvider' } })
  })

  it('a resolver by file name alone is refused, with what to send instead', async () => {
    const params = { name: 'files', type: 'passwdresolver', fileName: '/etc/passwd' }

    const { result } = await otpost.admin.call('/system/setResolver', params)

    expect(result.error?.message).toMatch(/^fileName .*passwdresolver\.content/)
  })
})
