/** Injection into messages: attributes, descriptions, texts and addresses, read from what a mail catcher and a gateway really got. */
import PostalMime from 'postal-mime'
import { oneLine } from '../../src/core/template.ts'
import type { CaughtMail } from '../../src/ports/catcher.ts'
import { startGateway } from '../support/gateway.ts'
import { COMMON, headerNames, squeezed, TEMPLATE, unescapeHtml } from '../support/hostile-mail.ts'
import { USER_HASH } from '../support/self.ts'
import { type Attack, type Outcome, randomOf, type Start } from './attack.ts'
import { settle } from './grounds.ts'
import { EVE, PAYLOADS } from './payloads.ts'
import { FORM, formOf, isDone, openSite, type Site } from './site.ts'

type Fields = Readonly<Record<string, string>>

const some = ({ profile, seed }: Start): readonly string[] => {
  const random = randomOf(seed)
  return profile === 'full' ? PAYLOADS : PAYLOADS.filter(() => random() < 0.15)
}

/** A POST in JSON, which can hold any text. */
const sendJson = (site: Site, token: string, path: string, fields: Fields) =>
  site.send('POST', path, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  })

/** What a mail must not be, whatever is in it. */
function faultOf({ raw, to }: CaughtMail, address: string, names: readonly string[]): string | null {
  if (to.length !== 1 || to[0] !== address) return `went to ${JSON.stringify(to)}`
  const found = headerNames(raw).filter((name) => !/^(X-Name|X-Serial|Content-Transfer-Encoding)$/.test(name))
  // A subject that has become empty is left out.
  const wanted = found.includes('Subject') ? names : names.filter((name) => name !== 'Subject')
  if (found.join() !== wanted.toSorted().join()) return `has the header fields ${found}`
  return /\r(?!\n)|(?<!\r)\n|\0/.test(raw) ? 'has a bare line break or NUL' : null
}

const HTML = /^<p title="([^"<>]*)" id='([^'<>]*)' lang=\d{6}>([^<>"'`]*)<\/p>\s*$/

async function attackMails(start: Start): Promise<Outcome> {
  const site = await openSite()
  const through: string[] = []
  let tries = 0
  try {
    const { own } = await settle(site)
    const payloads = some(start)
    const { host, port } = site.catcher
    const provider = { name: 'catcher', type: 'email', class: 'SMTPEmailProvider', timeout: '60' }
    const config = { SMTP_SERVER: host, SMTP_PORT: port, EMAIL_FROM: 'OTP <otp@example.org>' }
    const text = {
      scope: 'authentication',
      action: 'emailtext="${givenname}|${surname}|<otp>", emailsubject="${surname}"',
    }
    await site.admin('/system/setPolicy', {
      name: 'text',
      ...text,
      realm: 'people',
      user: '*',
      client: '*',
      time: '',
      active: 'True',
    })
    await site.admin('/system/setResolver', { name: 'people', type: 'localresolver' })
    await site.admin('/system/setRealm', { realm: 'people', resolvers: 'people' })
    for (const [n, payload] of payloads.entries()) {
      const user = { resolver: 'people', username: `user${n}`, givenname: payload, surname: payload }
      await sendJson(site, own, '/otpost/users', { ...user, email: `user${n}@mail.test` })
      const token = { type: 'email', user: `user${n}`, realm: 'people', serial: `MAIL${n}`, pin: 'pin-' }
      await sendJson(site, own, '/admin/init', { ...token, email_address: `user${n}@mail.test`, description: payload })
    }
    for (const template of [TEMPLATE, undefined]) {
      const keys = template === undefined ? config : { ...config, TEMPLATE: template }
      await site.admin('/system/setProvider', { ...provider, config: JSON.stringify(keys) })
      for (const [n, payload] of payloads.entries()) {
        const address = `user${n}@mail.test`
        tries++
        const before = site.catcher.mails().length
        await site.send('POST', '/validate/check', formOf({ user: `user${n}`, realm: 'people', pass: 'pin-' }))
        const [mail, ...more] = site.catcher.mails().slice(before)
        const fault = !mail
          ? (await knows(site, n)) && 'no mail came'
          : more.length > 0
            ? `${more.length} more mails came`
            : (faultOf(mail, address, template ? [...COMMON, 'Reply-To'] : COMMON) ??
              (await shows(mail, payload, template !== undefined)))
        if (fault)
          through.push(
            `${template ? 'template' : 'policy'}, ${JSON.stringify(payload.slice(0, 80))}: the mail ${fault}`,
          )
        if (n % 20 === 0) start.say(`${tries} mails`)
      }
    }
    const came = site.catcher.mails().length
    if (came < tries / 2) through.push(`${came} mails for ${tries} challenges: little was shown`)
    return { tries, through: through.slice(0, 20), note: `${came} mails` }
  } finally {
    await site.close()
  }
}

/** Some texts are no attributes, and their user was refused. */
const knows = async ({ query }: Site, n: number): Promise<boolean> =>
  (await query('SELECT serial FROM tokens WHERE serial = ?', [`MAIL${n}`])).length > 0

async function shows(mail: CaughtMail, payload: string, byTemplate: boolean): Promise<string | null> {
  const { html, text } = await PostalMime.parse(mail.raw)
  const value = squeezed(oneLine(payload))
  if (!byTemplate) {
    if (html !== undefined) return 'has a part in HTML'
    return squeezed(text ?? '').includes(squeezed(payload.toWellFormed()))
      ? null
      : `does not show the value as it is: ${JSON.stringify(text)}`
  }
  const [, title, , body] = HTML.exec(html ?? '') ?? []
  if (title === undefined || body === undefined) return `has other markup than its template: ${JSON.stringify(html)}`
  return squeezed(unescapeHtml(title)) === value ? null : `shows ${JSON.stringify(title)} instead of the value`
}

/** Addresses and numbers at enrolment, in each of the ways in: refused, or the one place that a message goes to. */
async function attackAddresses(start: Start): Promise<Outcome> {
  const site = await openSite()
  const gateway = await startGateway()
  const through: string[] = []
  let tries = 0
  const accepted = { email: 0, sms: 0 }
  try {
    const { own } = await settle(site)
    const people = `ada:${USER_HASH}:1:1:::`
    await site.admin('/system/setResolver', {
      name: 'people',
      type: 'passwdresolver',
      'passwdresolver.content': people,
    })
    await site.admin('/system/setRealm', { realm: 'people', resolvers: 'people' })
    const http = { URL: gateway.url, SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to' }
    const smtp = {
      mailserver: site.catcher.host,
      mailserver_port: site.catcher.port,
      mailsender: 'otp@example.org',
      mailto: '<phone>@gateway.test',
      subject: '<phone>',
      body: '<otp>',
    }
    for (const [kind, name, config] of [
      ['sms', 'HttpSMSProvider', http],
      ['sms', 'SmtpSMSProvider', smtp],
      ['email', '', {}],
    ] as const) {
      if (kind === 'sms')
        await site.admin('/system/setProvider', {
          name: 'sms',
          type: 'sms',
          class: name,
          timeout: '5',
          default: 'true',
          config: JSON.stringify(config),
        })
      // And one that is right.
      for (const payload of [kind === 'sms' ? '1' : 'ada@mail.test', ...some(start)]) {
        const place = kind === 'sms' ? `+49 170 ${payload}` : payload
        for (const path of ['/admin/init', '/pi/token/init']) {
          tries++
          const token = {
            type: kind,
            user: 'ada',
            realm: 'people',
            serial: `PLACE-${kind}`,
            pin: 'pin-',
            otppin: 'pin-',
          }
          const address = { email_address: place, email: place, phone: place }
          const made = await sendJson(site, own, path, { ...token, ...address })
          if (!isDone(made)) continue
          accepted[kind]++
          if (kind === 'email' && !/^[^\s@<>()[\]\\,;:"\p{Cc}]+@[^\s@<>()[\]\\,;:"\p{Cc}]+$/u.test(place.trim()))
            through.push(`${path} took ${JSON.stringify(place)} for one address`)
          const [mails, requests] = [site.catcher.mails().length, gateway.requests.length]
          const body = new URLSearchParams({
            serial: `PLACE-${kind}`,
            pass: 'pin-',
            data: `${payload.toWellFormed()} <otp>`,
          })
          await site.send('POST', '/validate/check_s', { headers: FORM, body: body.toString() })
          for (const mail of site.catcher.mails().slice(mails)) {
            const expected = kind === 'email' ? place.trim() : null
            const [to = '', ...more] = mail.to
            if (more.length > 0 || to.includes(EVE) || (expected !== null && to !== expected))
              through.push(`${path} ${JSON.stringify(place)}: a mail went to ${JSON.stringify(mail.to)}`)
            const fault = faultOf(mail, to, COMMON)
            if (fault !== null) through.push(`${path} ${JSON.stringify(place)}: the mail ${fault}`)
          }
          for (const one of gateway.requests.slice(requests)) {
            const names = [...Object.keys(one.query), ...Object.keys(one.form)].sort().join()
            const number = one.query.to ?? one.form.to ?? ''
            if (names !== 'text,to' || one.path !== '/send' || 'x-forged' in one.headers)
              through.push(`${JSON.stringify(place)}: the gateway got ${names} at ${one.path}`)
            if (!/^\+?[\d ()/.-]+$/.test(number)) through.push(`the gateway got the number ${JSON.stringify(number)}`)
          }
        }
        start.say(`${tries} addresses`)
      }
    }
    if (accepted.email === 0 || accepted.sms === 0) through.push('no address was accepted: nothing was shown')
    return { tries, through: through.slice(0, 20), note: `${accepted.email + accepted.sms} accepted` }
  } finally {
    await gateway.close()
    await site.close()
  }
}

export const mailAttacks: readonly Attack[] = [
  { name: 'hostile values in mails', on: 'file', run: attackMails },
  { name: 'hostile addresses and numbers of tokens', on: 'file', run: attackAddresses },
]
