/** What otpost/testing promises, on either of its runtimes. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startOtpost, type TestOtpost, type TestRuntime } from '../../src/testing/index.ts'
import { SCRATCH } from '../support/scratch.ts'

export function testingSuite(runtime: TestRuntime): void {
  let otpost: TestOtpost
  /** A folder for temporary files that no other test has. */
  let temporary: string
  const leftBehind = () => readdir(temporary)

  beforeAll(async () => {
    otpost = await startOtpost({ runtime })
    temporary = await mkdtemp(join(SCRATCH, 'otpost-suite-'))
    process.env.TMPDIR = temporary
  })
  afterAll(async () => {
    await otpost?.stop()
    await rm(temporary, { recursive: true, force: true })
  })

  it('starts a server on a port of this machine', async () => {
    const status = await fetch(`${otpost.url}/healthcheck/status`)

    expect(otpost.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(otpost.runtime).toBe(runtime)
    expect(await status.json()).toMatchObject({ status: 'alive' })
  })

  it('enrols a user of a name and PIN of its own choice', async () => {
    const first = await otpost.enroll()
    const second = await otpost.enroll()

    expect(first).toMatchObject({ realm: 'test', pin: '1234', email: `${first.user}@example.org` })
    expect(second.user).not.toBe(first.user)
  })

  it('enrols as it is told', async () => {
    const enrolment = await otpost.enroll({ user: 'grace', email: 'hopper@example.net', pin: '' })

    const reply = await otpost.check({ user: 'grace', pass: '' })
    expect(enrolment).toMatchObject({ user: 'grace', email: 'hopper@example.net', pin: '' })
    expect(reply.detail).toMatchObject({ linotp_tokenserial: enrolment.serial, linotp_tokentype: 'email' })
    expect(await otpost.nextOtp('hopper@example.net')).toMatch(/^\d{6}$/)
  })

  it('enrols many at once, and a second token for a user who is there', async () => {
    const users = Array.from({ length: 10 }, (_, n) => `many${n % 5}`)

    const enrolments = await Promise.all(users.map((user) => otpost.enroll({ user })))

    expect(new Set(enrolments.map(({ serial }) => serial)).size).toBe(10)
    const { detail } = await otpost.check({ user: 'many0', pass: '1234' })
    expect(Object.keys(detail?.challenges ?? {}).sort()).toEqual([enrolments[0]?.serial, enrolments[5]?.serial].sort())
  })

  it('says what a user may not be called, and goes on', async () => {
    await expect(otpost.enroll({ user: 'a:b' })).rejects.toThrow("'a:b'")

    await expect(otpost.enroll({ user: 'after-that' })).resolves.toMatchObject({ user: 'after-that' })
  })

  it('hands out the OTP of each mail once, in order, also to those who ask before it comes', async () => {
    const { user, pin, email } = await otpost.enroll()
    const [first, second] = [otpost.nextOtp(email), otpost.nextOtp(email.toUpperCase())]

    const accepted: boolean[] = []
    for (const otp of [first, second]) {
      await otpost.check({ user, pass: pin })
      accepted.push((await otpost.check({ user, pass: pin + (await otp) })).result.value)
    }

    expect(accepted).toEqual([true, true])
    expect(otpost.mails().filter((mail) => mail.to.includes(email))).toHaveLength(2)
  })

  it('explains by the log why no mail came', async () => {
    const { user, pin, email } = await otpost.enroll()
    await otpost.admin.setProvider('dead', { SMTP_SERVER: '127.0.0.1', SMTP_PORT: 1 }, { default: true })

    const reply = await otpost.check({ user, pass: pin })
    const wait = otpost.nextOtp(email, { timeoutMs: 50 })

    await expect(wait).rejects.toThrow(new RegExp(`no mail to ${email}[\\s\\S]*message_undelivered`))
    expect(reply.result.value).toBe(false)
    await otpost.admin.call('/system/setDefaultProvider', { type: 'email', name: 'catcher' })
  })

  it('administers: users, realms, settings, tokens', async () => {
    const { admin } = otpost
    await admin.importUsers('staff', [{ login: 'ada' }])
    await admin.importUsers('staff', [{ login: 'ada' }, { login: 'bob', name: 'Bob Bobson', email: 'bob@example.org' }])
    await admin.setRealm('staff', ['staff'])
    await admin.setConfig({ DefaultMaxFailCount: 3 })

    const serial = await admin.init({ user: 'bob', realm: 'staff', email: 'bob@example.org', pin: 'p', digits: 8 })
    await otpost.check({ user: 'bob', realm: 'staff', pass: 'wrong' })
    const failed = await admin.show(serial)
    await admin.reset(serial)
    const reset = await admin.show(serial)
    await otpost.check({ user: 'bob', realm: 'staff', pass: 'p' })
    const otp = await otpost.nextOtp('bob@example.org')
    await admin.remove(serial)

    expect(failed).toMatchObject({ 'LinOtp.FailCount': 1, 'LinOtp.MaxFail': 3, 'User.username': 'bob' })
    expect(reset).toMatchObject({ 'LinOtp.FailCount': 0 })
    expect(otp).toMatch(/^\d{8}$/)
    await expect(admin.show(serial)).rejects.toThrow(serial)
  })

  it('throws what the server refused, and hands it out as it is by call', async () => {
    const saved = otpost.admin.setProvider('p', { SMTP_PORT: 587 })
    await expect(saved).rejects.toThrow('config.SMTP_SERVER is required')

    const { result } = await otpost.admin.call('admin/init', { type: 'nonsense' })
    expect(result).toMatchObject({ status: false, error: { code: 1610 } })
  })

  it('runs many servers side by side that know nothing of each other', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => startOtpost({ runtime })))
    const enrolments = await Promise.all(servers.map((one) => one.enroll({ user: 'same' })))
    const [first, ...others] = servers

    await first?.check({ user: 'same', pass: '1234' })
    const otp = await first?.nextOtp('same@example.org')

    const pass = `1234${otp}`
    expect(others.flatMap((one) => one.mails())).toEqual([])
    expect(
      await Promise.all(servers.map(async (one) => (await one.check({ user: 'same', pass })).result.value)),
    ).toEqual([true, false, false])
    expect(enrolments).toHaveLength(3)
    await Promise.all(servers.map((one) => one.stop()))
  })

  it('is gone after stop, which may be called twice and at the end of a block', async () => {
    let url = ''
    {
      await using short = await startOtpost({ runtime })
      url = short.url
      await short.stop()
    }

    await expect(fetch(`${url}/healthcheck/status`)).rejects.toThrow()
    expect(await leftBehind()).toEqual([])
  })

  it('says why it cannot start, and leaves nothing behind', async () => {
    const start = startOtpost({ runtime, variables: { OTPOST_SEND_DEADLINE: 'soon' } })

    await expect(start).rejects.toThrow('OTPOST_SEND_DEADLINE')
    expect(await leftBehind()).toEqual([])
  })
}
