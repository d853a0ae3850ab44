/** Mail templates from saving to the mailbox: where they are found, in which language, and what becomes of a bad one. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import PostalMime from 'postal-mime'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { templateFolder } from '../../src/adapters/templates/folder.ts'
import { MAX_TEMPLATE_BYTES, parseMailTemplate, templateWarnings } from '../../src/core/mail-template.ts'
import { enroll, type Fields, type Harness, NODE, startHarness } from '../support/harness.ts'

const SHIPPED = fileURLToPath(new URL('../../templates', import.meta.url))

let h: Harness
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'otpost-templates-'))
  h = await startHarness({}, NODE, {
    templates: [templateFolder('folder', folder), templateFolder('shipped', SHIPPED)],
  })
  await enroll(h, 'ada', 'MAIL1')
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
})
afterEach(async () => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
  for (const { name } of await h.store.listTemplates()) await remove(name)
  await h.admin('/system/delPolicy', { name: 'p' })
})
afterAll(async () => {
  await h.close()
  rmSync(folder, { recursive: true })
})

const put = (name: string, source: string) => h.admin('/otpost/templates', { name, source })
const remove = (name: string) =>
  h.request(`/otpost/templates?${new URLSearchParams({ name })}`, { method: 'DELETE' }, 'operator')
const provider = (config: Fields, name = 'catcher') =>
  h.admin('/system/setProvider', {
    ...{ name, type: 'email', class: 'SMTPEmailProvider', timeout: '300' },
    config: JSON.stringify({
      ...{ SMTP_SERVER: h.catcher.host, SMTP_PORT: h.catcher.port, EMAIL_FROM: 'OTP <otp@example.org>' },
      ...config,
    }),
  })
const policy = (action: string) =>
  h.admin('/system/setPolicy', { name: 'p', scope: 'authentication', realm: 'home', user: '*', client: '*', action })

/** Triggers, and reads what arrived. */
async function mailFor(headers: Readonly<Record<string, string>> = {}) {
  const before = h.catcher.mails().length
  const body = new URLSearchParams({ user: 'ada', pass: 'pin-' })
  const reply = await h.request('/validate/check', { method: 'POST', body, headers })
  const [mail, ...more] = h.catcher.mails().slice(before)
  if (!mail || more.length > 0) throw new Error(`${more.length + (mail ? 1 : 0)} mails: ${reply.text}`)
  return { ...(await PostalMime.parse(mail.raw)), envelope: mail.to, transactionId: reply.json.detail?.transactionid }
}
const lastTries = async (count: number) =>
  (await h.client.execute(`SELECT provider, status, reason FROM deliveries ORDER BY id DESC LIMIT ${count}`)).rows
const refusal = async (reply: ReturnType<typeof h.admin>) => (await reply).json.result?.error?.message

const named = (name: string) => `Subject: ${name}\nContent-Language: en\n\n${name}: \${otp}\n`

describe('a mail by template', () => {
  it('is text and HTML with the same OTP, which logs the user in', async () => {
    await provider({ TEMPLATE: 'file://otp.eml' })

    const mail = await mailFor()

    const [otp] = /^\d{6}$/m.exec(mail.text ?? '') ?? []
    expect(mail.html).toContain(`>${otp}</p>`)
    expect(`${mail.text}${mail.html}`).not.toMatch(/\$\{|undefined/)
    expect(mail).toMatchObject({
      subject: 'Your one-time password',
      from: { name: 'OTP', address: 'otp@example.org' },
      to: [{ name: '', address: 'ada@mail.test' }],
      envelope: ['ada@mail.test'],
      messageId: expect.stringMatching(/@example\.org>$/),
      date: expect.stringMatching(/^2027-/),
      attachments: [],
    })
    expect(mail.text).toContain('It is valid for 5 min')
    const check = await h.check({ user: 'ada', pass: otp ?? '', transactionid: String(mail.transactionId) })
    expect(check.json.result?.value).toBe(true)
  })

  it('fills in the owner, the token and the provider, and keeps its own sender and headers', async () => {
    const source = [
      'From: Service <service@corp.example>',
      'Reply-To: "${givenname} ${surname}" <help@corp.example>',
      'Subject: ${Subject} / ${nobody}',
      'X-Serial: ${serial}',
      'Bcc: eve@example.org',
      '',
      '${username} ${email} ${mobile} ${serial} ${transactionid} ${minutes} <otp> ${From} ${To} ${Date} ${cryptpass}',
    ].join('\n')
    await put('mine/all.eml', source)
    await provider({ TEMPLATE: 'file://mine/all.eml', EMAIL_SUBJECT: 'Hello ${givenname} ${Subject}' })

    const mail = await mailFor()

    expect(mail).toMatchObject({
      from: { name: 'Service', address: 'service@corp.example' },
      replyTo: [{ name: 'Ada Byron', address: 'help@corp.example' }],
      subject: 'Hello Ada ${Subject} / ${nobody}',
      envelope: ['ada@mail.test'],
    })
    expect(mail.bcc).toBeUndefined()
    expect(mail.headers).toContainEqual({ key: 'x-serial', originalKey: 'X-Serial', value: 'MAIL1' })
    expect(mail.text?.trim()).toBe(
      `ada ada@example.org +49 170 1111111 MAIL1 ${mail.transactionId} 5 <otp> OTP <otp@example.org> ada@mail.test Fri, 15 Jan 2027 08:00:00 -0000 \${cryptpass}`,
    )
  })

  it('is in the configuration itself', async () => {
    await provider({ TEMPLATE: 'Content-Type: text/html\n\n<p>Code ${otp}</p>' })

    const mail = await mailFor()

    expect(mail.text).toMatch(/^\d{6}\s*$/)
    expect(mail.html).toMatch(/^<p>Code \d{6}<\/p>\s*$/)
    expect(mail.subject).toBe('Your OTP')
  })

  it('is not changed by emailtext and emailsubject, which the log says once', async () => {
    await policy('emailtext=secret words <otp>, emailsubject=secret subject')
    await provider({ TEMPLATE: 'file://otp.eml' })
    h.log.length = 0

    const mail = await mailFor()

    expect(mail.subject).toBe('Your one-time password')
    expect(mail.text).not.toContain('secret')
    expect(h.log.filter((line) => line.includes('policy_ignored')).map((line) => JSON.parse(line))).toEqual([
      {
        level: 'info',
        event: 'policy_ignored',
        request: expect.any(String),
        serial: 'MAIL1',
        actions: 'emailtext, emailsubject',
        because: 'TEMPLATE',
      },
    ])
    expect(h.log.join()).not.toContain('secret')
  })

  it('has the text of the policy where it has no text part of its own', async () => {
    await policy('emailtext=Your words: <otp>')
    await provider({ TEMPLATE: 'Content-Type: text/html\n\n<b>${otp}</b>' })

    expect((await mailFor()).text).toMatch(/^Your words: \d{6}\s*$/)
  })

  it('says how long an OTP lasts where it lasts longer', async () => {
    await provider({ TEMPLATE: 'Subject: x\n\n${minutes} ${otp}' })
    await h.admin('/system/setConfig', { EmailChallengeValidityTime: '299' })

    const mail = await mailFor()
    await h.admin('/system/delConfig', { key: 'EmailChallengeValidityTime' })

    expect(mail.text).toMatch(/^4 /)
  })
})

describe('a template is looked for', () => {
  beforeAll(() => provider({ TEMPLATE: 'file://otp.eml' }))
  const subject = async (language = '') => (await mailFor({ 'accept-language': language })).subject

  it('in the database, then in the folder, then in what is shipped; each change counts at once', async () => {
    const subjects = [await subject()]
    writeFileSync(join(folder, 'otp.eml'), named('folder'))
    subjects.push(await subject())
    await put('otp.eml', named('database'))
    subjects.push(await subject())
    await put('otp.eml', named('changed'))
    subjects.push(await subject())
    await remove('otp.eml')
    subjects.push(await subject())

    expect(subjects).toEqual(['Your one-time password', 'folder', 'database', 'changed', 'folder'])
  })

  it.each([
    ['', 'Your one-time password'],
    ['de', 'Ihr Einmalpasswort'],
    ['de-AT,en;q=0.5', 'Ihr Einmalpasswort'],
    ['en, de;q=0.9', 'Your one-time password'],
    ['fr, it', 'Your one-time password'],
    ['fr, de;q=0.1', 'Ihr Einmalpasswort'],
    ['../otp, ${otp}', 'Your one-time password'],
  ])('in the language of the client: %j', async (language, expected) => {
    expect(await subject(language)).toBe(expected)
  })

  it('in the language of the user, whatever the client says', async () => {
    const set = (language: string) =>
      h.client.execute(`UPDATE users SET attributes = json_set(attributes, '$.preferredLanguage', '${language}')`)
    await set('de-CH, fr;q=0.5')
    const german = await subject('en')
    await set('')

    expect([german, await subject('en')]).toEqual(['Ihr Einmalpasswort', 'Your one-time password'])
  })

  it('in the operator’s own words rather than in a better language', async () => {
    await put('otp.eml', named('ours'))

    expect(await subject('de')).toBe('ours')
  })
})

describe('a bad template', () => {
  it.each([
    ['file://none.eml', /config\.TEMPLATE must name a template that is there/],
    ['file://../secret.eml', /config\.TEMPLATE must be file:\/\//],
    ['file:///etc/passwd', /config\.TEMPLATE must be file:\/\//],
    ['file://otp.eml/../../x', /config\.TEMPLATE must be file:\/\//],
    ['no headers at all', /config\.TEMPLATE must begin with headers/],
    ['From: a@example.org, b@example.org\n\n${otp}', /config\.TEMPLATE must have one e-mail address in From/],
  ])('%j is refused when its provider is saved', async (TEMPLATE, rule) => {
    expect(await refusal(provider({ TEMPLATE }, 'other'))).toMatch(rule)
  })

  it('of the folder is refused as well', async () => {
    writeFileSync(join(folder, 'bad.eml'), 'nothing')

    expect(await refusal(provider({ TEMPLATE: 'file://bad.eml' }, 'other'))).toMatch(/TEMPLATE must begin with headers/)
  })

  it('that vanished later leaves the mail to the next provider, and the audit says why', async () => {
    await put('mine.eml', named('mine'))
    await provider({ TEMPLATE: 'file://mine.eml' }, 'first')
    await provider({}, 'second')
    await policy('email_provider=first second')
    const before = (await mailFor()).subject
    await remove('mine.eml')

    const mail = await mailFor()

    expect([before, mail.subject]).toEqual(['mine', 'Your OTP'])
    expect((await lastTries(2)).reverse()).toMatchObject([
      { provider: 'first', status: 'unavailable', reason: 'template_missing' },
      { provider: 'second', status: 'accepted' },
    ])
  })

  it('that was broken later is told as such', async () => {
    writeFileSync(join(folder, 'mine.eml'), named('mine'))
    await provider({ TEMPLATE: 'file://mine.eml' }, 'first')
    await policy('email_provider=first')
    writeFileSync(join(folder, 'mine.eml'), 'broken')

    const reply = await h.check({ user: 'ada', pass: 'pin-' })

    expect(reply.json.result?.value).toBe(false)
    expect(await lastTries(1)).toMatchObject([{ status: 'unavailable', reason: 'template_broken' }])
  })
})

describe('a folder of templates', () => {
  it('hands out nothing that lies outside, by whatever name or link', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'otpost-templates-x'))
    writeFileSync(join(outside, 'secret.eml'), named('secret'))
    const inner = join(folder, 'inner')
    mkdirSync(join(inner, 'sub'), { recursive: true })
    writeFileSync(join(folder, 'inner-x.eml'), named('neighbour'))
    writeFileSync(join(inner, 'good.eml'), named('good'))
    writeFileSync(join(inner, 'large.eml'), 'x'.repeat(MAX_TEMPLATE_BYTES + 1))
    symlinkSync(join(outside, 'secret.eml'), join(inner, 'link.eml'))
    symlinkSync(outside, join(inner, 'folder'))
    symlinkSync('good.eml', join(inner, 'alias.eml'))
    symlinkSync('loop.eml', join(inner, 'loop.eml'))
    symlinkSync('nowhere.eml', join(inner, 'dangling.eml'))
    const { read, names } = templateFolder('folder', inner)

    const bad = ['link.eml', 'folder/secret.eml', 'loop.eml', 'dangling.eml', 'sub', '.', '..', '', 'large.eml']
    const paths = [
      '../inner-x.eml',
      'sub/../good.eml',
      join(outside, 'secret.eml'),
      'good.eml\0',
      'good.eml/x',
      '/dev/zero',
    ]

    expect(await Promise.all([...bad, ...paths].map(read))).toEqual([...bad, ...paths].map(() => null))
    expect(await Promise.all(['good.eml', 'alias.eml'].map(read))).toEqual([named('good'), named('good')])
    expect(await names()).toContain('good.eml')
    expect(await templateFolder('folder', join(outside, 'none')).read('x.eml')).toBeNull()
    rmSync(outside, { recursive: true })
  })
})

describe('what comes with otpost', () => {
  it.each(readdirSync(SHIPPED))('%s has nothing to be warned of, and no content from elsewhere', async (name) => {
    const source = readFileSync(join(SHIPPED, name), 'utf8')
    const read = await parseMailTemplate(source)
    if (!read.ok) throw new Error(read.error)

    expect(templateWarnings(read.value, ['givenname', 'surname'])).toEqual([])
    expect(read.value.html).toMatch(new RegExp(`<html lang="${read.value.language}">`))
    expect(read.value.html).not.toMatch(/https?:|\bsrc=|url\(|<script|@import/)
    expect(Math.max(...source.split('\n').map((line) => new TextEncoder().encode(line).length))).toBeLessThan(998)
  })
})

describe('administration', () => {
  it('lists each name once, from the place that counts', async () => {
    await put('otp.eml', named('ours'))
    writeFileSync(join(folder, 'more.eml'), named('more'))

    const { json } = await h.request('/otpost/templates', {}, 'operator')

    const bytes = named('ours').length
    expect(json.result?.value).toEqual([
      { name: 'enroll2user.eml', place: 'shipped', bytes: null, changedAt: null },
      { name: 'more.eml', place: 'folder', bytes: null, changedAt: null },
      { name: 'otp.de.eml', place: 'shipped', bytes: null, changedAt: null },
      { name: 'otp.eml', place: 'database', bytes, changedAt: 1_800_000_000 },
    ])
  })

  it('warns about what looks wrong, and refuses what is', async () => {
    const odd = await put('odd.eml', 'Subject: x\n\n${nick}')

    expect(odd.json.result?.value).toEqual({
      warnings: ['there is no ${otp} in the text part', '${nick} is unknown and stays as it is'],
    })
    expect(await refusal(put('a/../b.eml', named('x')))).toMatch(/^name must be a name of letters/)
    expect(await refusal(put('x.eml', `${named('x')}${'x'.repeat(MAX_TEMPLATE_BYTES)}`))).toBe(
      'source must be at most 256 KiB',
    )
    expect(await refusal(put('x.eml', 'text'))).toMatch(/^source must begin with headers/)
    expect(await refusal(h.admin('/otpost/templates', { name: 'x.eml' }))).toMatch(/source/)
    expect((await h.store.listTemplates()).map(({ name }) => name)).toEqual(['odd.eml'])
  })

  it('previews with the values of a user, in a language', async () => {
    const query = new URLSearchParams({ name: 'enroll2user.eml', user: 'ada' })
    const { json } = await h.request(`/otpost/templates/preview?${query}`, {}, 'operator')
    const german = await h.request('/otpost/templates/preview?name=otp.eml&language=de', {}, 'operator')
    const nobody = h.request('/otpost/templates/preview?name=otp.eml&user=nobody', {}, 'operator')

    expect(json.result?.value).toMatchObject({
      text: expect.stringContaining('Hello Ada Byron'),
      html: expect.stringContaining('Hello Ada Byron'),
      place: 'shipped',
      warnings: [],
    })
    expect(german.json.result?.value).toMatchObject({ subject: 'Ihr Einmalpasswort' })
    expect(await refusal(nobody)).toContain('nobody')
  })

  it('is for administrators, and stands in the audit', async () => {
    const stranger = await h.post('/otpost/templates', { name: 'x.eml', source: named('x') })
    await put('x.eml', named('x'))
    await remove('x.eml')
    const again = await refusal(remove('x.eml'))

    const { rows } = await h.client.execute(
      "SELECT action, success, info FROM audit WHERE action = 'otpost/templates' ORDER BY number DESC LIMIT 4",
    )
    expect(stranger.status).toBe(401)
    expect(again).toBe("there is no template 'x.eml'")
    expect(rows).toMatchObject([
      { success: 0, info: "there is no template 'x.eml'" },
      { success: 1, info: 'x.eml' },
      { success: 1, info: 'x.eml' },
      { success: 0 },
    ])
  })
})
