/** Injection into directories, folders and configurations: what an LDAP server is asked, which files are read, what a provider is made of. */
import { readdirSync } from 'node:fs'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import { provider as smtpMail } from '../../src/adapters/mail/smtp.ts'
import { smsProviders } from '../../src/adapters/sms/index.ts'
import { resolverClasses } from '../../src/adapters/users/index.ts'
import { searchFilters } from '../support/ldap-filter.ts'
import { startLdapServer } from '../support/ldap-server.ts'
import { type Attack, type Outcome, pick, randomOf, type Start } from './attack.ts'
import { foreignRows, settle } from './grounds.ts'
import { faultOf, logReader } from './injection.ts'
import { EVE, OUTSIDE, PATHS, PAYLOADS, POLYGLOTS } from './payloads.ts'
import { type Answer, openSite, type Site } from './site.ts'

type Fields = Readonly<Record<string, string>>
type Post = (path: string, fields: Fields) => Promise<Answer>

const posts =
  (site: Site, token: string): Post =>
  (path, fields) =>
    site.send('POST', path, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    })

const DIRECTORY: Fields = {
  ...{ name: 'directory', type: 'ldapresolver', LDAPBASE: 'dc=example,dc=com', BINDDN: 'cn=x', BINDPW: 'x' },
  ...{ LOGINNAMEATTRIBUTE: 'uid', LDAPSEARCHFILTER: '(uid=*)(objectClass=person)', EnforceTLS: 'False', UIDTYPE: 'dn' },
  ...{ LDAPFILTER: '(&(uid=%s)(objectClass=person))', USERINFO: '{"username": "uid", "email": "mail"}', TIMEOUT: '5' },
}

/** Ways in which a login or a pattern reaches a directory; a login has no wildcards. */
const WAYS: readonly { readonly path: string; readonly fields: (text: string) => Fields; readonly wild: boolean }[] = [
  { path: '/validate/check', fields: (user) => ({ user, realm: 'directory', pass: 'x' }), wild: false },
  { path: '/pi/validate/check', fields: (user) => ({ user, realm: 'directory', pass: 'x' }), wild: false },
  { path: '/userservice/login', fields: (login) => ({ login, realm: 'directory', password: 'x' }), wild: false },
  { path: '/system/testResolver', fields: (user) => ({ name: 'directory', user }), wild: false },
  { path: '/admin/userlist', fields: (username) => ({ realm: 'directory', username }), wild: true },
  { path: '/admin/userlist', fields: (email) => ({ realm: 'directory', email }), wild: true },
  { path: '/admin/userlist', fields: (userid) => ({ realm: 'directory', userid }), wild: true },
  { path: '/admin/show', fields: (user) => ({ user, realm: 'directory' }), wild: true },
]

/** A filter without its values; of a pattern, without its wildcards too. */
const shapeOf = (filter: string, wild: boolean): string =>
  filter.replace(/=([^()]*)\)/g, (_, value: string) => (wild || !value.includes('*') ? '=…)' : `=${value})`))

async function attackDirectory(start: Start): Promise<Outcome> {
  const site = await openSite()
  const server = await startLdapServer()
  const random = randomOf(start.seed)
  const through: string[] = []
  let tries = 0
  let asked = 0
  try {
    const post = posts(site, (await settle(site)).own)
    await site.admin('/system/setConfig', { splitAtSign: 'False' })
    await site.admin('/system/setResolver', { ...DIRECTORY, LDAPURI: `ldap://127.0.0.1:${server.port}` })
    await site.admin('/system/setRealm', { realm: 'directory', resolvers: 'directory' })
    for (const { path, fields, wild } of WAYS) {
      const shapes = async (text: string): Promise<readonly string[]> => {
        const from = server.wire().length
        await post(path, fields(text))
        const filters = searchFilters(server.wire().subarray(from))
        asked += filters.length
        return filters.map((filter) => shapeOf(filter, wild))
      }
      const harmless = new Set<string>()
      for (const text of wild ? ['ada', 'a*', '*', '*a*', 'uid=ada,dc=example,dc=com'] : ['ada', ''])
        for (const shape of await shapes(text)) harmless.add(shape)
      for (const payload of start.profile === 'full' ? PAYLOADS : PAYLOADS.filter(() => random() < 0.15)) {
        tries++
        const foreign = (await shapes(payload)).find((shape) => !harmless.has(shape))
        if (foreign !== undefined) through.push(`${path} ${JSON.stringify(payload.slice(0, 80))} asked for ${foreign}`)
      }
      start.say(`${tries} logins and patterns`)
    }
    if (asked < tries / 2) through.push(`${asked} searches for ${tries} texts: little was shown`)
    return { tries, through: through.slice(0, 20), note: `${asked} searches` }
  } finally {
    await server.close()
    await site.close()
  }
}

/** Names of templates, in every way in. */
async function attackFolder(start: Start): Promise<Outcome> {
  const site = await openSite()
  const through: string[] = []
  let tries = 0
  try {
    const { own } = await settle(site)
    const post = posts(site, own)
    const { host, port } = site.catcher
    const files = () =>
      readdirSync(site.folder, { recursive: true })
        .filter((name) => !/otpost\.db/.test(String(name)))
        .join()
    const before = { files: files(), rows: await foreignRows(site) }
    await site.admin('/system/setResolver', {
      name: 'people',
      type: 'passwdresolver',
      'passwdresolver.content': 'ada:x:1:1:::',
    })
    await site.admin('/system/setRealm', { realm: 'people', resolvers: 'people' })
    const token = { type: 'email', user: 'ada', realm: 'people', serial: 'FOLDER', pin: 'pin-' }
    await site.admin('/admin/init', { ...token, email_address: 'ada@mail.test' })
    const get = (method: string, path: string, name: string) =>
      site.send(method, `${path}?${new URLSearchParams({ name, user: 'ada', realm: 'people' })}`, {
        headers: { authorization: `Bearer ${own}` },
      })
    for (const payload of start.profile === 'full' ? PAYLOADS : PATHS) {
      const config = {
        SMTP_SERVER: host,
        SMTP_PORT: port,
        EMAIL_FROM: 'otp@example.org',
        TEMPLATE: `file://${payload}`,
      }
      const provider = { name: 'catcher', type: 'email', class: 'SMTPEmailProvider', timeout: '60' }
      const answers = [
        await get('GET', '/otpost/templates/source', payload),
        await get('GET', '/otpost/templates/preview', payload),
        await post('/otpost/templates', { name: payload, source: 'Subject: x\n\n${otp}\n' }),
        await post('/system/setProvider', { ...provider, config: JSON.stringify(config) }),
        await post('/validate/check_s', { serial: 'FOLDER', pass: 'pin-' }),
        await get('DELETE', '/otpost/templates', payload),
      ]
      tries += answers.length
      for (const answer of answers) {
        const fault = faultOf(answer, { by: 'administrator' })
        if (fault !== null) through.push(`${JSON.stringify(payload.slice(0, 80))}: ${fault}`)
      }
      start.say(`${tries} requests`)
    }
    if (site.catcher.mails().some(({ raw }) => raw.includes(OUTSIDE))) through.push('a mail holds a file from outside')
    if (files() !== before.files) through.push(`there are other files than before: ${files()}`)
    if ((await foreignRows(site)).join() !== before.rows.join()) through.push('a foreign row was changed')
    return { tries, through: through.slice(0, 20), note: `${site.catcher.mails().length} mails` }
  } finally {
    await site.close()
  }
}

/** Every key of every class of providers and resolvers. */
async function attackConfigurations(start: Start): Promise<Outcome> {
  const site = await openSite({ OTPOST_SEND_DEADLINE: '1' })
  const through: string[] = []
  const random = randomOf(start.seed)
  let tries = 0
  try {
    const { own } = await settle(site)
    const post = posts(site, own)
    const strayLines = logReader(site)
    const before = (await foreignRows(site)).join()
    const say = (what: string, payload: string, answer: Answer) => {
      tries++
      const fault = faultOf(answer, { by: 'administrator' })
      if (fault !== null) through.push(`${what}=${JSON.stringify(payload.slice(0, 80))}: ${fault}`)
    }
    const providers = { email: mailProviders, sms: smsProviders(smtpMail) }
    for (const type of ['email', 'sms'] as const)
      for (const { name, sample } of providers[type])
        for (const key of [...Object.keys(sample), 'TEMPLATE', 'EMAIL_SUBJECT', '__proto__'])
          for (const payload of chosen(start, random)) {
            // As a value, and as a key that nobody knows.
            const config = JSON.stringify({
              ...sample,
              ...Object.fromEntries([
                [key, payload],
                [payload, 'x'],
              ]),
            })
            const fields = { name: 'hostile', type, class: name, timeout: '1', config }
            say(`${name} ${key}`, payload, await post('/system/setProvider', fields))
          }
    const { host, port } = site.catcher
    for (const key of ['EMAIL_FROM', 'EMAIL_SUBJECT', 'SMTP_USER', 'SMTP_PASSWORD', 'EHLO'])
      for (const payload of start.profile === 'full' ? PAYLOADS : [...POLYGLOTS, ...chosen(start, random)]) {
        const config = { SMTP_SERVER: host, SMTP_PORT: port, EMAIL_FROM: 'otp@example.org', [key]: payload }
        const fields = { name: 'hostile', type: 'email', class: 'SMTPEmailProvider', timeout: '1' }
        say(`SMTP ${key}`, payload, await post('/system/setProvider', { ...fields, config: JSON.stringify(config) }))
        say(
          `SMTP ${key}`,
          payload,
          await post('/system/testProvider', { type: 'email', name: 'hostile', to: 'ops@mail.test' }),
        )
      }
    for (const { to, raw } of site.catcher.mails()) {
      const head = raw.split('\r\n\r\n')[0] ?? ''
      if (to.join() !== 'ops@mail.test') through.push(`a mail went to ${to}`)
      if (/^(bcc|cc|x-forged):/im.test(head)) through.push(`a mail has a header field of ours: ${head.slice(0, 300)}`)
      if (/\r(?!\n)|(?<!\r)\n|\0/.test(raw))
        through.push(`a mail has a bare line break: ${JSON.stringify(head.slice(0, 300))}`)
    }
    for (const { name, sample } of resolverClasses)
      for (const key of [...Object.keys(sample), '__proto__'])
        for (const payload of chosen(start, random)) {
          const fields = Object.entries({ ...sample, [key]: payload }).map(([one, value]) => [one, String(value)])
          const resolver = { ...Object.fromEntries(fields), name: 'hostile', type: name }
          say(`${name} ${key}`, payload, await post('/system/setResolver', resolver))
          await post('/system/delResolver', { resolver: 'hostile' })
        }
    through.push(...strayLines().map((line) => `a line that is no event: ${line.slice(0, 200)}`))
    if ((await foreignRows(site)).join() !== before) through.push('a foreign row was changed')
    return { tries, through: through.slice(0, 20), note: `${site.catcher.mails().length} mails, none to ${EVE}` }
  } finally {
    await site.close()
  }
}

const chosen = ({ profile }: Start, random: () => number): readonly string[] =>
  Array.from({ length: profile === 'full' ? 12 : 3 }, () => pick(PAYLOADS, random))

export const placeAttacks: readonly Attack[] = [
  { name: 'hostile logins and patterns for a directory', on: 'file, LDAP', run: attackDirectory },
  { name: 'hostile names of templates', on: 'file', run: attackFolder },
  { name: 'hostile keys of providers and resolvers', on: 'file', run: attackConfigurations },
]
