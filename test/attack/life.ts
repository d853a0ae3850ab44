/** A life of logins: tokens, settings, sessions and answers, each also in a way that is refused. */
import { admin, check, type Fields, type Life, PERSONAL, posted, SECRETS } from './life-canaries.ts'
import { cookieOf, jsonOf } from './site.ts'
import { PASSWORD } from './target.ts'

/** Users, tokens, settings, and what is wrong with the same values in it, so that it is refused. */
export async function settle(life: Life): Promise<void> {
  const { found, site } = life
  const user = {
    resolver: 'people',
    username: 'ada',
    password: SECRETS.userPassword,
    email: PERSONAL.address,
    mobile: PERSONAL.phone,
  }
  const token = { user: 'ada', realm: 'people', pin: SECRETS.pin }
  const config = { key: 'some.password', value: SECRETS.setting, type: 'password' }
  const steps: readonly (readonly [string, Fields])[] = [
    ['/system/setResolver', { name: 'people', type: 'localresolver' }],
    ['/system/setRealm', { realm: 'people', resolvers: 'people' }],
    ['/otpost/users', user],
    ['/otpost/users', { ...user, username: 'eve', email: 'no address', userid: '\n' }],
    [
      '/admin/init',
      { ...token, type: 'email', serial: 'LIFE1', otpkey: SECRETS.seed, email_address: PERSONAL.address },
    ],
    ['/admin/init', { ...token, type: 'sms', serial: 'LIFE2', phone: PERSONAL.phone }],
    [
      '/admin/init',
      { ...token, type: 'email', serial: 'LIFE3', otpkey: `${SECRETS.seed}x`, email_address: PERSONAL.address },
    ],
    ['/admin/init', { ...token, type: 'email', serial: 'LIFE3', email_address: `${PERSONAL.address}, x` }],
    ['/admin/init', { ...token, type: 'sms', serial: 'LIFE3', phone: `${PERSONAL.phone}\r\n` }],
    ['/admin/set', { serial: 'LIFE1', pin: SECRETS.newPin, MaxFailCount: 'many' }],
    ['/admin/set', { serial: 'LIFE1', pin: SECRETS.pin, MaxFailCount: '1000000' }],
    ['/admin/set', { serial: 'LIFE2', MaxFailCount: '1000000' }],
    ['/admin/setPin', { serial: 'LIFE1', userpin: SECRETS.newPin }],
    ['/admin/setPin', { serial: 'NOBODY', userpin: SECRETS.newPin }],
    ['/admin/setPin', { serial: 'LIFE1', userpin: SECRETS.pin }],
    ['/system/setConfig', config],
    ['/system/setConfig', { 'other.password': PERSONAL.setting }],
    ['/system/setConfig', { EmailProviderConfig: JSON.stringify({ SMTP_PASSWORD: SECRETS.smtpPassword }) }],
    ['/otpost/admins', { username: 'clerk', password: SECRETS.clerkPassword }],
    ['/otpost/admins', { username: 'clerk', password: SECRETS.clerkPassword }],
    ['/otpost/admins/clerk/password', { password: SECRETS.newPassword }],
    ['/otpost/admins/nobody/password', { password: SECRETS.newPassword }],
    [
      '/system/setPolicy',
      {
        name: 'text',
        scope: 'authentication',
        action: `emailtext="${PERSONAL.text} <otp>", smstext="${PERSONAL.text} <otp>"`,
        realm: 'people',
        user: '*',
        client: '*',
        time: '',
        active: 'True',
      },
    ],
    [
      '/system/setPolicy',
      {
        name: 'self',
        scope: 'selfservice',
        action: 'setOTPPIN, history',
        realm: 'people',
        user: '*',
        client: '*',
        time: '',
        active: 'True',
      },
    ],
    ['/otpost/templates', { name: 'life.eml', source: `Subject: x\n\n${PERSONAL.template} \${otp}\n` }],
    [
      '/otpost/tokens/import',
      { csv: `serial,type,pin,otpkey\nLIFE4,email,${SECRETS.newPin},${SECRETS.seed}\nLIFE5,email,${SECRETS.newPin},x` },
    ],
  ]
  for (const [path, fields] of steps) await admin(life, path, fields)
  // Not even a request that cannot be read shows what is in it.
  for (const [path, body] of [
    ['/admin/login', `{"username": "admin", "password": ${JSON.stringify(PASSWORD)}`],
    ['/validate/check', `{"user": "ada", "pass": ${JSON.stringify(SECRETS.pin)}, `],
    ['/pi/auth', `{"password": ${JSON.stringify(SECRETS.clerkPassword)}]`],
  ] as const)
    await life.ask('POST', path, { headers: { 'content-type': 'application/json' }, body })
  await logIns(life)
  const rows = await site.query('SELECT COUNT(*) AS n FROM tokens WHERE serial LIKE ?', ['LIFE%'])
  if (Number(rows[0]?.n) < 2) throw new Error(`there are no tokens: ${life.replies.join('\n')}`)
  found.push(...Object.entries(PERSONAL).map(([name, text]) => ({ name, text })))
}

/** Of administrators and of users, right and wrong, whose sessions are secrets from then on. */
export async function logIns(life: Life): Promise<void> {
  const { ask, found } = life
  const note = (name: string, text: string) => text.length > 8 && found.push({ name, text })
  for (const [username, password] of [
    ['admin', PASSWORD],
    ['clerk', SECRETS.newPassword],
    ['admin', SECRETS.wrongPassword],
  ] as const) {
    const answer = await ask('POST', '/admin/login', posted({ username, password }))
    note(`session of ${username}`, cookieOf(answer, 'access_token_cookie'))
    note(`CSRF token of ${username}`, cookieOf(answer, 'csrf_access_token'))
    // The reply that shows it is for its owner.
    const jwt = await life.site.send('POST', '/pi/auth', posted({ username, password }))
    note(`JWT of ${username}`, (jsonOf(jwt)?.result.value as { token?: string } | undefined)?.token ?? '')
    await ask('GET', '/admin/show', {
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    })
  }
  for (const password of [SECRETS.userPassword, SECRETS.wrongPassword]) {
    const answer = await ask('POST', '/userservice/login', posted({ login: 'ada', realm: 'people', password }))
    const session = cookieOf(answer, 'user_selfservice')
    note('session of ada', session)
    const cookie = { cookie: `user_selfservice=${session}` }
    for (const [call, fields] of [
      ['setpin', { serial: 'LIFE1', userpin: SECRETS.pin }],
      ['history', {}],
      ['context', {}],
    ] as const)
      await ask('POST', `/userservice/${call}`, posted({ session, ...fields }, cookie))
  }
}

/** Triggers, right, wrong and late answers, on both wires, by GET as well. */
export async function answers(life: Life, otps: () => readonly string[]): Promise<void> {
  const { ask, found } = life
  for (const serial of ['LIFE1', 'LIFE2'])
    for (const pin of [SECRETS.pin, SECRETS.wrongPin]) {
      const before = otps().length
      const reply = await check(life, { serial, pass: pin }, '/validate/check_s')
      await check(life, { user: 'ada', realm: 'people', pass: pin, transaction_id: '1' }, '/pi/validate/check')
      for (const otp of otps().slice(before)) found.push({ name: 'OTP', text: otp })
      const otp = otps().at(-1) ?? '000000'
      const transactionid = /"transactionid": "(\d+)"/.exec(reply.text)?.[1] ?? '1'
      await check(life, { user: 'nobody', realm: 'people', pass: `${pin}${otp}` })
      await ask('GET', `/validate/check?${new URLSearchParams({ serial, user: 'x', pass: `${pin}${otp}x` })}`)
      await check(life, { transactionid, pass: `${otp}1` }, '/validate/check_t')
      await check(life, { transactionid, pass: pin }, '/validate/check_status')
      for (let again = 0; again < 2; again++) await check(life, { transactionid, pass: otp }, '/validate/check_t')
    }
}
