/** Failures in a life of logins: mail servers, gateways and directories that fail in each way, with what they were given in their mouths. */
import { type GatewayReply, startGateway } from '../support/gateway.ts'
import { bound, bytes, type LdapScript, startLdapServer } from '../support/ldap-server.ts'
import {
  HANG_UP,
  type Reply,
  SILENCE,
  say,
  startScriptedServer,
  startSmtpServer,
  type Turn,
} from '../support/smtp-server.ts'
import { answers } from './life.ts'
import { admin, check, type Fields, type Life, PERSONAL, posted, SECRETS } from './life-canaries.ts'

type Failing = readonly [name: string, replies: Partial<Record<Turn, Reply>>]
const MAIL_FAILURES: readonly Failing[] = [
  ['greeting', { greeting: say('554 go away') }],
  ['login', { EHLO: say('250-hello\r\n250 AUTH PLAIN LOGIN'), AUTH: say(`535 wrong: ${SECRETS.smtpPassword}`) }],
  ['recipient', { RCPT: say(`550 no ${PERSONAL.address}`) }],
  ['message', { message: say(`554 I read ${PERSONAL.text}`) }],
  ['hang-up', { DATA: HANG_UP }],
  ['silence', { MAIL: SILENCE }],
]
const GATEWAY_FAILURES: readonly GatewayReply[] = [
  { status: 500, body: `no ${PERSONAL.phone} ${SECRETS.gatewayKey}` },
  { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
  { status: 302, headers: { location: `http://127.0.0.1:9/?key=${SECRETS.gatewayKey}` } },
  'reset',
  'hang',
]
const LDAP_FAILURES: readonly LdapScript[] = [{ bind: bound(49) }, { bind: bytes('garbage') }, { bind: 'silence' }, {}]

/** Providers and directories that fail in each way, with what they were given in their mouths. */
export async function failures(life: Life, rounds: number): Promise<void> {
  const { site } = life
  const gateway = await startGateway()
  const friendly = await startSmtpServer({ login: { user: 'mailer', password: SECRETS.smtpPassword } })
  const otps = () => [
    ...friendly.mails.map(({ parsed }) => /\d{6}/.exec(parsed.text ?? '')?.[0] ?? ''),
    ...gateway.requests.map((one) => /\d{6}/.exec(`${one.form.text ?? one.query.text}`)?.[0] ?? ''),
  ]
  const mail = (port: number) =>
    admin(life, '/system/setProvider', {
      ...{ name: 'catcher', type: 'email', class: 'SMTPEmailProvider', timeout: '1' },
      config: JSON.stringify({
        SMTP_SERVER: '127.0.0.1',
        SMTP_PORT: port,
        SMTP_USER: 'mailer',
        SMTP_PASSWORD: SECRETS.smtpPassword,
        EMAIL_FROM: 'otp@example.org',
      }),
    })
  const login = { USERNAME: 'gateway', PASSWORD: SECRETS.gatewayPassword, HEADERS: { 'X-Api-Key': SECRETS.gatewayKey } }
  const sms = { URL: gateway.url, SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to', ...login }
  const provider = { name: 'gateway', type: 'sms', class: 'HttpSMSProvider', timeout: '1', default: 'true' }
  try {
    await admin(life, '/system/setProvider', { ...provider, config: JSON.stringify(sms) })
    // Refused: a broken text, and keys that there are not.
    await admin(life, '/system/setProvider', { ...provider, config: JSON.stringify(sms).slice(0, -1) })
    await admin(life, '/system/setProvider', {
      ...provider,
      config: JSON.stringify({ ...sms, URL: `ftp://u:${SECRETS.gatewayKey}@x` }),
    })
    for (let round = 0; round < rounds; round++) {
      await mail(friendly.port)
      gateway.reply({})
      await answers(life, otps)
      for (const [, replies] of MAIL_FAILURES) {
        const server = await startScriptedServer(replies)
        await mail(server.port)
        await check(life, { serial: 'LIFE1', pass: SECRETS.pin }, '/validate/check_s')
        await admin(life, '/system/testProvider', { type: 'email', name: 'catcher', to: PERSONAL.address })
        const otp = /(?<!\d)\d{6}(?=\r\n)/.exec(server.heard().split('\r\n\r\n')[1] ?? '')?.[0]
        if (otp !== undefined) life.found.push({ name: 'OTP', text: otp })
        await server.close()
      }
      for (const reply of GATEWAY_FAILURES) {
        gateway.reply(reply)
        await check(life, { serial: 'LIFE2', pass: SECRETS.pin }, '/validate/check_s')
        await admin(life, '/system/testProvider', { type: 'sms', name: 'gateway', to: PERSONAL.phone })
      }
      await site.write('DELETE FROM provider_rests', [])
    }
    life.found.push(
      ...otps()
        .filter(Boolean)
        .map((text) => ({ name: 'OTP', text })),
    )
    if (!gateway.requests.some((one) => one.headers['x-api-key'] === SECRETS.gatewayKey))
      throw new Error('the gateway was never given its key')
    await directories(life)
  } finally {
    await friendly.close()
    await gateway.close()
  }
}

async function directories(life: Life): Promise<void> {
  const server = await startLdapServer()
  const ldap = {
    LDAPURI: `ldap://127.0.0.1:${server.port}`,
    LDAPBASE: 'dc=x',
    BINDDN: 'cn=x',
    BINDPW: SECRETS.bindPassword,
    LOGINNAMEATTRIBUTE: 'uid',
    LDAPSEARCHFILTER: '(uid=*)',
    LDAPFILTER: '(uid=%s)',
    USERINFO: '{"username": "uid"}',
    UIDTYPE: 'dn',
    TIMEOUT: '1',
    EnforceTLS: 'False',
  }
  const http = {
    USER_URL: 'http://127.0.0.1:9/users?login={login}',
    ID_URL: 'http://127.0.0.1:9/{userid}',
    HEADERS: JSON.stringify({ 'X-Api-Key': SECRETS.httpKey }),
    USERS_PATH: 'users',
    MAP: '{"userid": "id", "username": "login"}',
  }
  const sql = {
    Server: '127.0.0.1',
    Port: '9',
    Driver: 'postgresql',
    Database: 'x',
    User: 'x',
    Password: SECRETS.sqlPassword,
    Table: 'users',
    Map: '{"userid": "id", "username": "login", "password": "pw"}',
  }
  try {
    for (const [name, fields] of Object.entries({
      ldapresolver: ldap,
      httpresolver: http,
      sqlresolver: sql,
    }) as readonly (readonly [string, Fields])[]) {
      await admin(life, '/system/setResolver', { name, type: name, ...fields })
      await admin(life, '/system/setResolver', {
        name: `${name}2`,
        type: name,
        ...fields,
        TIMEOUT: 'x',
        Port: 'x',
        MAP: '{',
      })
      await admin(life, '/system/setRealm', { realm: name, resolvers: name })
      for (const script of name === 'ldapresolver' ? LDAP_FAILURES : [{}]) {
        server.play(script)
        await check(life, { user: 'ada', realm: name, pass: SECRETS.pin })
        await admin(life, '/system/testResolver', { name, user: 'ada' })
        await life.ask(
          'POST',
          '/userservice/login',
          posted({ login: 'ada', realm: name, password: SECRETS.userPassword }),
        )
      }
      await life.ask('GET', `/system/getResolver?resolver=${name}`, { headers: life.own })
    }
    if (!server.heard.join().includes(SECRETS.bindPassword))
      throw new Error('the directory was never given its password')
  } finally {
    await server.close()
  }
}
