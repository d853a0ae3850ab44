import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Capabilities } from '../../src/ports/edges.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await enroll(h, 'ada', 'GOOD')
})
afterAll(() => h.close())

const smtp = (config: object): Fields => ({
  name: 'p',
  type: 'email',
  class: 'SMTPEmailProvider',
  timeout: '120',
  config: JSON.stringify({ SMTP_SERVER: 'mail.test', ...config }),
})
const token = (fields: Fields): Fields => ({
  type: 'email',
  user: 'ada',
  pin: 'x',
  email_address: 'a@b.test',
  serial: 'BAD',
  ...fields,
})

/** Everything an administrator can see, to compare before and after a refusal. */
async function state(harness: Harness): Promise<string> {
  const paths: readonly (readonly [string, Fields])[] = [
    ['/admin/show', {}],
    ['/system/getConfig', {}],
    ['/system/getProvider', { type: 'email' }],
    ['/system/getRealms', {}],
    ['/system/getResolvers', {}],
  ]
  const replies = await Promise.all(paths.map(([path, fields]) => harness.admin(path, fields)))
  return replies.map((reply) => reply.text).join('')
}

describe('administration refuses at once, names the field and the rule, and stores nothing', () => {
  it.each<readonly [string, string, Fields, number, RegExp]>([
    ['init without an address', '/admin/init', { type: 'email', user: 'ada' }, -311, /^'email_address'$/],
    [
      'init with an empty address',
      '/admin/init',
      token({ email_address: '' }),
      -311,
      /^email_address must be one e-mail address/,
    ],
    [
      'init with a malformed address',
      '/admin/init',
      token({ email_address: 'not-an-address' }),
      -311,
      /^email_address must be/,
    ],
    [
      'init with CR LF in the address',
      '/admin/init',
      token({ email_address: 'a@b.test\r\nBcc: c@d.test' }),
      -311,
      /^email_address must be/,
    ],
    [
      'init with two addresses',
      '/admin/init',
      token({ email_address: 'a@b.test, c@d.test' }),
      -311,
      /^email_address must be/,
    ],
    [
      'init with an unknown user before a bad address',
      '/admin/init',
      token({ user: 'nobody', email_address: '' }),
      1112,
      /^ERR1112: .*nobody/,
    ],
    ['init with an unknown type', '/admin/init', token({ type: 'pigeon' }), 1610, /^ERR1610: .*pigeon/],
    ['init without a type', '/admin/init', { user: 'ada' }, 1610, /^ERR1610: .*hmac/],
    ['init with an unknown realm', '/admin/init', token({ user: '', realm: 'nowhere' }), -311, /^realm: .*nowhere/],
    [
      'init with a seed that is not hexadecimal',
      '/admin/init',
      token({ otpkey: 'zz'.repeat(16) }),
      -311,
      /^otpkey must be hexadecimal/,
    ],
    [
      'init with a short seed',
      '/admin/init',
      token({ otpkey: '00'.repeat(15) }),
      -311,
      /^otpkey must be 16 to 64 bytes/,
    ],
    ['init with a seed and genkey', '/admin/init', token({ otpkey: '00'.repeat(20), genkey: '1' }), 344, /^ERR344/],
    ['init with a nonsense genkey', '/admin/init', token({ genkey: '2' }), -311, /^genkey must be 0 or 1/],
    [
      'init with a nonsense length',
      '/admin/init',
      token({ otplen: '99' }),
      -311,
      /^otplen must be a whole number from 4 to 10/,
    ],
    ['init with an unknown hash', '/admin/init', token({ hashlib: 'md5' }), -311, /^hashlib must be sha1/],
    ['init with blanks in the serial', '/admin/init', token({ serial: 'A B' }), -311, /^serial must be/],
    ['set of nothing known', '/admin/set', { serial: 'GOOD', email_address: 'x@y.test' }, 77, /^ERR77: .*MaxFailCount/],
    [
      'set of a number that is none',
      '/admin/set',
      { serial: 'GOOD', MaxFailCount: 'abc' },
      -311,
      /^MaxFailCount must be a whole number/,
    ],
    [
      'set of a bad one beside a good one',
      '/admin/set',
      { serial: 'GOOD', description: 'new', OtpLen: '-1' },
      -311,
      /^OtpLen must be/,
    ],
    [
      'set of a nonsense date',
      '/admin/set',
      { serial: 'GOOD', validityPeriodEnd: '31/02/26 00:00' },
      -311,
      /^validityPeriodEnd must be a date/,
    ],
    ['show sorted by nothing known', '/admin/show', { sortby: 'LinOtp.TokenId' }, -311, /^sortby must be one of/],
    ['setProvider without a type', '/system/setProvider', { name: 'p' }, 905, /^ERR905: .*'type'/],
    [
      'setProvider without a timeout',
      '/system/setProvider',
      { name: 'p', type: 'email', class: 'x' },
      905,
      /'timeout'/,
    ],
    [
      'setProvider of an unknown type',
      '/system/setProvider',
      { ...smtp({}), type: 'fax' },
      -311,
      /unknown provider type 'fax'/,
    ],
    [
      'setProvider of an unknown class',
      '/system/setProvider',
      { ...smtp({}), class: 'os.path' },
      -311,
      /Unknown provider class: Identifier was os.path/,
    ],
    [
      'setProvider with single quotes',
      '/system/setProvider',
      { ...smtp({}), config: "{'SMTP_SERVER': 'x'}" },
      -311,
      /^config must be a JSON object: JSON wants double/,
    ],
    [
      'setProvider with a list',
      '/system/setProvider',
      { ...smtp({}), config: '[]' },
      -311,
      /^config must be a JSON object/,
    ],
    ['setProvider without a configuration', '/system/setProvider', { ...smtp({}), config: '' }, 905, /'config'/],
    [
      'setProvider without a server',
      '/system/setProvider',
      { ...smtp({}), config: '{}' },
      -311,
      /^config.SMTP_SERVER /,
    ],
    [
      'setProvider with port 70000',
      '/system/setProvider',
      smtp({ SMTP_PORT: 70000 }),
      -311,
      /^config.SMTP_PORT must be a whole number from 1 to 65535/,
    ],
    [
      'setProvider with a nonsense timeout',
      '/system/setProvider',
      { ...smtp({}), timeout: 'abc' },
      -311,
      /^timeout must be a whole number/,
    ],
    ['setProvider with a dot in the name', '/system/setProvider', { ...smtp({}), name: 'a.b' }, -311, /^name must be/],
    [
      'setProvider with a mask and nothing before it',
      '/system/setProvider',
      smtp({ SMTP_PASSWORD: '***' }),
      -311,
      /^config.SMTP_PASSWORD must be given/,
    ],
    [
      'setConfig of a nonsense validity',
      '/system/setConfig',
      { EmailChallengeValidityTime: 'soon' },
      -311,
      /^EmailChallengeValidityTime must be a whole/,
    ],
    [
      'setConfig of a good and a bad one',
      '/system/setConfig',
      { pagesize: '20', TransactionIdLength: '99' },
      -311,
      /^TransactionIdLength must be .* 12 to 17/,
    ],
    ['setConfig without a value', '/system/setConfig', { key: 'x' }, 905, /^ERR905: .*'value'/],
    [
      'setResolver with a broken line',
      '/system/setResolver',
      { name: 'r', type: 'passwdresolver', 'passwdresolver.content': 'a:b:1:1:n:\nbroken' },
      -311,
      /^passwdresolver.content line 2 needs/,
    ],
    [
      'setResolver with a repeated login',
      '/system/setResolver',
      { name: 'r', type: 'passwdresolver', 'passwdresolver.content': 'a:x:1:1:n\na:x:2:1:n' },
      -311,
      /line 2 repeats a login/,
    ],
    [
      'setResolver of an unknown type',
      '/system/setResolver',
      { name: 'r', type: 'oracle', 'passwdresolver.content': 'a:x:1:1:n' },
      -311,
      /^type must be/,
    ],
    [
      'setResolver of a file that is not there',
      '/system/setResolver',
      { name: 'r', type: 'passwdresolver', fileName: '/nonexistent' },
      -311,
      /^fileName /,
    ],
    [
      'setResolver of a name that exists',
      '/system/setResolver',
      { name: 'people', type: 'passwdresolver', 'passwdresolver.content': 'a:x:1:1:n' },
      -311,
      /exists already/,
    ],
    [
      'setRealm with an unknown resolver',
      '/system/setRealm',
      { realm: 'r', resolvers: 'nothing' },
      -311,
      /there is no resolver 'nothing'/,
    ],
    ['delResolver of one in use', '/system/delResolver', { resolver: 'people' }, -311, /used by realm home/],
  ])('%s', async (_, path, fields, code, message) => {
    const before = await state(h)

    const reply = await h.admin(path, fields)

    expect(reply.status).toBe(200)
    expect(reply.json).toMatchObject({ result: { status: false, error: { code } }, id: 1 })
    expect(reply.json.result?.error?.message).toMatch(message)
    expect(reply.json.result).not.toHaveProperty('value')
    expect(await state(h)).toBe(before)
  })

  it('more parameters than anybody sends, and three megabytes that are not UTF-8', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const show = (body: string) => h.request('/admin/show', { method: 'POST', headers, body }, 'operator')

    const rule = 'request body must have at most 10000 parameters'
    for (const pair of ['a&', '[]&', '&'])
      expect((await show(pair.repeat(1_000_000))).json.result?.error?.message).toBe(rule)
    expect((await show(`x=%ff${'a'.repeat(3_000_000)}`)).json.result?.status).toBe(true)
  })

  it('broken JSON, JSON that is no object, and a body over the limit', async () => {
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } }

    const broken = await h.request('/admin/init', { ...json, body: '{"type":' }, 'operator')
    const list = await h.request('/system/setConfig', { ...json, body: '[1]' }, 'operator')
    const large = await h.request(
      '/system/setConfig',
      { ...json, body: JSON.stringify({ x: 'x'.repeat(9_000_000) }) },
      'operator',
    )

    expect(broken.json.result?.error).toEqual({ code: -311, message: 'request body must be valid JSON' })
    expect(list.json.result?.error?.message).toBe('request body must be a JSON object')
    expect(large.json.result?.error?.message).toBe('request body must be at most 8388608 bytes')
  })

  it.each(['204', '205', '304'])('answers httperror=%s without the body that it cannot have', async (httperror) => {
    const reply = await h.admin('/admin/init', { type: 'email', user: 'ada', httperror })

    expect([reply.status, reply.text]).toEqual([Number(httperror), ''])
  })

  it.each(['constructor', '__proto__', 'toString'])(
    'knows no setting and no field of a user named %s',
    async (name) => {
      const set = await h.admin('/admin/set', { serial: 'GOOD', [name]: '1' })
      const shown = await h.admin('/admin/show', { serial: 'GOOD', user_fields: name, outform: 'csv' })

      expect(set.json.result?.error?.message).toMatch(/Usage: parameters are/)
      expect([shown.status, shown.text.includes('function')]).toEqual([200, false])
    },
  )

  it('answers an error with the HTTP status that httperror asks for', async () => {
    const page = await h.admin('/admin/init', { type: 'email', user: 'ada', httperror: '404' })

    expect(page.status).toBe(404)
    expect(page.headers.get('content-type')).toMatch('text/html')
    expect(page.text).toContain('404 404 Not Found')
  })

  it('keeps unknown keys of a provider and says so in a header', async () => {
    const reply = await h.admin('/system/setProvider', smtp({ SMTP_PORT: 2525, COLOUR: 'blue' }))
    const shown = await h.admin('/system/getProvider', { type: 'email', name: 'p' })
    await h.admin('/system/delProvider', { type: 'email', name: 'p' })

    expect(reply.json.result?.value).toBe(true)
    expect(reply.headers.get('otpost-warning')).toContain('COLOUR')
    expect(shown.text).toContain('COLOUR')
  })
})

describe('a runtime without files and free TLS', () => {
  const WORKERS: Capabilities = {
    runtime: 'workers',
    files: false,
    smtpPort25: false,
    tlsOptions: false,
    sharedConnections: false,
  }
  let w: Harness
  beforeAll(async () => {
    w = await startHarness({}, WORKERS)
  })
  afterAll(() => w.close())

  it.each<readonly [string, object, RegExp]>([
    ['port 25', { SMTP_PORT: 25 }, /^config.SMTP_PORT /],
    ['port 25 when it is implied', {}, /^config.SMTP_PORT /],
    ['TLS_INSECURE', { SMTP_PORT: 587, START_TLS: true, TLS_INSECURE: true }, /^config.TLS_INSECURE /],
    ['TLS_CA', { SMTP_PORT: 587, START_TLS: true, TLS_CA: '-----BEGIN CERTIFICATE-----' }, /^config.TLS_CA /],
    ['CERTFILE', { SMTP_PORT: 587, START_TLS: true, CERTFILE: '/x.pem' }, /^config.CERTFILE /],
  ])('refuses a provider with %s by the name of the key', async (_, config, message) => {
    const reply = await w.admin('/system/setProvider', smtp(config))

    expect(reply.json.result?.error?.message).toMatch(message)
  })

  it('refuses a bare file name of users', async () => {
    const reply = await w.admin('/system/setResolver', { name: 'r', type: 'passwdresolver', fileName: 'passwd' })

    expect(reply.json.result?.error?.message).toMatch(
      /^fileName cannot be read on this runtime: send passwdresolver.content/,
    )
  })
})

describe('/validate never errors', () => {
  const NO = { status: true, value: false }

  it.each<readonly [string, string, RequestInit]>([
    ['no parameters', '/validate/check', { method: 'POST' }],
    ['broken JSON', '/validate/check', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }],
    [
      'JSON that is nested deeper than it can be written',
      '/validate/check',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"user":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      },
    ],
    ['a JSON list', '/validate/check', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '[]' }],
    [
      'a body over the limit',
      '/validate/check',
      { method: 'POST', body: new URLSearchParams({ user: 'x'.repeat(70_000) }) },
    ],
    [
      'broken multipart',
      '/validate/check',
      { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: 'nonsense' },
    ],
    ['bytes that are not UTF-8', '/validate/check?user=%ff%fe&pass=%80', {}],
    ['a NUL', '/validate/check?user=ada%00&pass=pin-', {}],
    ['values of 10 kB', `/validate/check?user=${'u'.repeat(10_000)}&pass=${'p'.repeat(10_000)}`, {}],
    ['a user without a pass', '/validate/check?user=ada', {}],
    ['names of object members', '/validate/check?user=__proto__&pass=constructor&realm=toString', {}],
  ])('%s is a plain no', async (_, path, init) => {
    const reply = await h.request(path, init)

    expect(reply.status).toBe(200)
    expect(reply.json.result).toEqual(NO)
    expect(reply.json).toMatchObject({ id: 0 })
    expect(reply.json.detail).toBeUndefined()
  })

  it('reads latin-1 where bytes are not UTF-8', async () => {
    await h.admin('/system/setResolver', {
      name: 'latin',
      type: 'passwdresolver',
      'passwdresolver.content': 'jürgen:x:7:100:J',
    })
    await h.admin('/system/setRealm', { realm: 'latin', resolvers: 'latin' })
    await enroll(h, 'jürgen', 'LATIN', { realm: 'latin', pin: 'größe', email_address: 'j@mail.test' })

    const reply = await h.request('/validate/check', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'user=j%FCrgen&realm=latin&pass=gr%F6%DFe',
    })

    expect(reply.json.detail?.linotp_tokenserial).toBe('LATIN')
  })

  it('takes the query before the form, JSON, multipart, and the first of repeated values', async () => {
    const multipart = new FormData()
    multipart.set('user', 'ada')
    multipart.set('pass', 'pin-')
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } }

    const replies = [
      await h.request('/validate/check?user=ada', {
        method: 'POST',
        body: new URLSearchParams({ user: 'nobody', pass: 'pin-' }),
      }),
      await h.request('/validate/check?user=nobody', { ...json, body: JSON.stringify({ user: 'ada', pass: 'pin-' }) }),
      await h.request('/validate/check', { method: 'POST', body: multipart }),
      await h.request('/validate/check?user=ada&user=nobody&pass=pin-'),
    ]

    expect(replies.map((reply) => reply.json.detail?.linotp_tokenserial)).toEqual(['GOOD', 'GOOD', 'GOOD', 'GOOD'])
  })

  it('answers other methods with 405 and other paths with 404, as pages', async () => {
    const put = await h.request('/validate/check', { method: 'PUT' })
    const unknown = await h.request('/validate/nonsense')

    expect([put.status, unknown.status]).toEqual([405, 404])
    expect(put.headers.get('content-type')).toMatch('text/html')
  })
})

describe('half a surrogate pair is refused by field and rule, and nothing is stored', () => {
  it.each<readonly [string, string, Readonly<Record<string, unknown>>, RegExp]>([
    ['a key', '/system/setProvider', smtp({ '\ud800': 1 }), /^config\.\ufffd must be whole characters/],
    ['a value', '/system/setProvider', smtp({ NOTE: { a: ['x', '\udc00'] } }), /^config\.NOTE\.a\.1 must be whole/],
    [
      'an action',
      '/system/setPolicy',
      { name: 'p', scope: 'authentication', realm: '*', action: 'email_provider=\ud800' },
      /^action must be whole characters/,
    ],
    [
      'a user',
      '/system/setPolicy',
      { name: 'p', scope: 'authentication', realm: '*', action: 'otppin=1', user: '\ud800@x' },
      /^user must be whole characters/,
    ],
    ['a setting', '/system/setConfig', { key: 'note', value: '\udfff' }, /^note must be whole characters/],
  ])('%s of %s', async (_, path, fields, rule) => {
    const before = await state(h)

    const reply = await h.request(
      path,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) },
      'operator',
    )

    expect(reply.json.result?.error?.message).toMatch(rule)
    expect(await state(h)).toBe(before)
    expect((await h.store.settings()).policies).toEqual([])
  })
})

it('half a surrogate pair in a file of users harms nobody else', async () => {
  const content = 'zoe:x:1:1:Zo\ud800,,,,zoe@example.org::'
  const fields = { name: 'odd', type: 'passwdresolver', fileName: 'odd', 'passwdresolver.content': content }
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) }

  await h.request('/system/setResolver', init, 'operator')
  await h.admin('/system/setRealm', { realm: 'odd', resolvers: 'odd' })

  expect((await h.admin('/admin/userlist', { username: '*', realm: 'odd' })).status).toBe(200)
})
