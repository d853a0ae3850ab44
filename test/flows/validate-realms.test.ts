/** A key that is bound to realms: whoever is asked for outside of them is as nobody, by user, serial and transaction. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addAdministrator } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { type Ask, asker, bearer, isYes, makeKey } from '../support/askers.ts'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

/** bob of `corp` is another one than bob of `home`. */
const STAFF = ['zoe:x:2001:100:Zoe,room,,,zoe@corp.test:/:/bin/sh', 'bob:x:2002:100:Bob,room,,,bob@corp.test:/:/bin/sh']

let h: Harness
/** Of a node that counts its batches and their statements. */
let ask: Ask
let work: (readonly [mode: string, statements: number])[] = []
const keys = { home: '', corp: '', both: '', all: '' }
beforeAll(async () => {
  h = await startHarness()
  const counted: Harness['batch'] = (statements, mode) => {
    work.push([mode, statements.length])
    return h.batch(statements, mode)
  }
  ask = asker(anotherNode(h, { batch: counted }).app)
  await addAdministrator(h, 'ada')
  const content = { 'passwdresolver.content': STAFF.join('\n') }
  await h.admin('/system/setResolver', { name: 'staff', type: 'passwdresolver', ...content })
  await h.admin('/system/setRealm', { realm: 'corp', resolvers: 'staff' })
  await enroll(h, 'ada', 'HOME')
  await enroll(h, 'zoe', 'CORP', { realm: 'corp' })
  await enroll(h, 'bob', 'BOBC', { realm: 'corp' })
  const loose = { type: 'email', email_address: 'x@mail.test', pin: 'pin-' }
  await h.admin('/admin/init', { ...loose, serial: 'LOOSE', realm: 'corp' })
  await h.admin('/admin/init', { ...loose, serial: 'NOWHERE' })
  for (const serial of ['HOME', 'CORP', 'BOBC', 'LOOSE', 'NOWHERE'])
    await h.admin('/admin/set', { serial, MaxFailCount: '1000000' })
  await h.admin('/system/setConfig', { validate_api_key: 'True', EmailBlockingTimeout: '0' })
  for (const [name, realm] of Object.entries({ home: 'home', corp: 'corp', both: 'home corp', all: '' }))
    keys[name as keyof typeof keys] = (await makeKey(h, { scope: 'validate', realm })).token // the names of `keys`
})
afterAll(() => h.close())
afterEach(async () => {
  for (const key of ['PassOnUserNotFound', 'PassOnUserNoToken', 'splitAtSign'])
    await h.admin('/system/delConfig', { key })
  await h.admin('/system/delPolicy', { name: 'p' })
})

const { newest } = auditReader(() => h)
const as = (key: keyof typeof keys, path: string, fields: Fields, headers: Fields = {}) =>
  ask(path, { fields, headers: { ...bearer(keys[key]), ...headers } })
/** An OTP that was just sent, with its transaction. */
async function sent(fields: Fields): Promise<Fields> {
  const { text } = await as('all', '/validate/check', { pass: 'pin-', ...fields })
  const transactionid = /"transactionid": "(\d+)"/.exec(text)?.[1] ?? ''
  return { pass: h.catcher.mails().at(-1)?.text.trim() ?? '', transactionid }
}

/** What the client hears, without what differs from request to request, and what it took. */
async function heard(path: string, fields: Fields) {
  await as('home', path, {}) // settings that have moved are read
  work = []
  const { status, headers, text } = await as('home', path, fields)
  const names = [...headers.entries()].filter(([name]) => name !== 'x-request-id')
  const given = [fields.transactionid, fields.user].filter((one) => one !== undefined)
  const bytes = given.reduce((rest, one) => rest.replaceAll(one, '…'), text.replace(/"threadid":\d+/, ''))
  return { status, names, bytes, work: [...work] }
}

const CHECKS = ['check', 'check_s', 'simplecheck', 'smspin', 'samlcheck', 'radiuscheck'].map(
  (name) => `/validate/${name}`,
)
const PI_CHECKS = ['check', 'samlcheck', 'radiuscheck'].map((name) => `/pi/validate/${name}`)
const UNKNOWN_TRANSACTION = '99999999999999999'

describe('outside of the realms of the key', () => {
  const USERS: readonly (readonly [string, Fields, Fields])[] = [
    ['a user of a named realm', { user: 'zoe', realm: 'corp' }, { user: 'nil', realm: 'corp' }],
    ['a user of a realm in the login', { user: 'zoe@corp' }, { user: 'nil@corp' }],
    ['a user of a realm that there is not', { user: 'zoe', realm: 'corp' }, { user: 'zoe', realm: 'none' }],
    ['a user of the key’s own realm whom nobody knows', { user: 'zoe', realm: 'corp' }, { user: 'nil', realm: 'home' }],
  ]
  it.each(USERS)('%s is an unknown user, byte by byte and for the same work', async (_, foreign, unknown) => {
    for (const path of [...CHECKS, ...PI_CHECKS])
      for (const pass of ['pin-', 'wrong']) {
        const [theirs, nobodys] = [await heard(path, { ...foreign, pass }), await heard(path, { ...unknown, pass })]

        expect(theirs, `${path} ${pass}`).toEqual(nobodys)
      }
  })

  it('so are answers, right and wrong ones, and the token counts none of them', async () => {
    const before = await h.failCount('CORP')
    for (const path of [...CHECKS, ...PI_CHECKS]) {
      const answer = await sent({ user: 'zoe', realm: 'corp' })
      const asked = { ...answer, realm: 'corp' }

      expect(await heard(path, { ...asked, user: 'zoe' }), path).toEqual(await heard(path, { ...asked, user: 'nil' }))
      expect(isYes(await as('corp', path, { ...asked, user: 'zoe' })), path).toBe(path !== '/validate/smspin')
    }
    expect(await h.failCount('CORP')).toBe(before)
  })

  it.each(['CORP', 'LOOSE', 'NOWHERE'])('token %s is as one that there is not', async (serial) => {
    for (const path of [...CHECKS, ...PI_CHECKS])
      for (const pass of ['pin-', 'wrong'])
        expect(await heard(path, { serial, pass }), path).toEqual(await heard(path, { serial: 'NONE', pass }))
  })

  it('a transaction is as one that there is not, and stays open', async () => {
    const { pass = '', transactionid = '' } = await sent({ user: 'zoe', realm: 'corp' })
    for (const [path, given] of [
      ['/validate/check_t', pass],
      ['/validate/check_t', '000000'],
      ['/validate/check_status', 'pin-'],
      ['/validate/check_status', 'wrong'],
    ] as const)
      expect(await heard(path, { transactionid, pass: given }), path).toEqual(
        await heard(path, { transactionid: UNKNOWN_TRANSACTION, pass: given }),
      )

    expect((await as('corp', '/validate/check_status', { transactionid, pass: 'pin-' })).text).toContain('"CORP"')
    expect(isYes(await as('corp', '/validate/check_t', { transactionid, pass }))).toBe(true)
  })

  it('a transaction with a user of another realm is as one of nobody’s', async () => {
    const { transactionid = '' } = await sent({ user: 'ada' })
    const asked = { transactionid, pass: 'pin-' }

    expect(await heard('/validate/check_status', { ...asked, user: 'zoe@corp' })).toEqual(
      await heard('/validate/check_status', { ...asked, user: 'nil@none' }),
    )
  })

  it('the audit tells why', async () => {
    const { transactionid = '' } = await sent({ user: 'zoe', realm: 'corp' })
    const why = { success: false, detail: 'realm_not_permitted', info: `API key ${keys.home.split('_')[1]}` }

    await as('home', '/validate/check', { user: 'zoe@corp', pass: 'pin-' })
    expect(await newest()).toMatchObject({ ...why, user: 'zoe', realm: 'corp' })
    await as('home', '/pi/validate/check', { serial: 'CORP', pass: 'pin-' })
    expect(await newest()).toMatchObject(why)
    await as('home', '/validate/check_t', { transactionid, pass: '000000' })
    expect(await newest()).toMatchObject(why)
    await as('home', '/validate/check_status', { transactionid, pass: 'pin-' })
    expect(await newest()).toMatchObject(why)
    await as('home', '/validate/check', { user: 'nil', pass: 'pin-' })
    expect(await newest()).toMatchObject({ success: false, detail: 'user_unknown', realm: 'home' })
    expect(h.log.filter((line) => line.includes('"reason":"realm_not_permitted"')).length).toBeGreaterThanOrEqual(3)
  })

  it.each([
    [{ PassOnUserNotFound: 'True' }, { user: 'zoe', realm: 'corp' }],
    [{ PassOnUserNotFound: 'True', PassOnUserNoToken: 'True' }, { user: 'zoe@corp' }],
    // The whole text may be a login of the default realm, which is the key's.
    [{ PassOnUserNotFound: 'True', splitAtSign: 'False' }, { user: 'zoe@corp' }],
    [{ PassOnUserNoToken: 'True' }, { serial: 'CORP' }],
  ])('no setting that lets people in without a token does so: %j', async (settings, who) => {
    await h.admin('/system/setConfig', settings)

    for (const path of [...CHECKS, ...PI_CHECKS])
      expect(isYes(await as('home', path, { ...who, pass: 'x' })), path).toBe(false)
  })

  it('a reason that policy discloses is that of an unknown user', async () => {
    const policy = { scope: 'authorization', action: 'detail_on_fail', realm: '*', user: '*' }
    await h.admin('/system/setPolicy', { name: 'p', ...policy })

    const theirs = await heard('/validate/check', { user: 'zoe', realm: 'corp', pass: 'pin-' })

    expect(theirs.bytes).toContain('User not found')
    expect(theirs).toEqual(await heard('/validate/check', { user: 'nil', realm: 'home', pass: 'pin-' }))
  })

  it('there is nobody to whom a realm is moved that policy names', async () => {
    const policy = { scope: 'authorization', action: 'setrealm=corp', realm: 'home', user: '*' }
    await h.admin('/system/setPolicy', { name: 'p', ...policy })

    expect((await as('home', '/validate/check', { user: 'bob', pass: 'pin-' })).text).not.toContain('transactionid')
    expect((await as('corp', '/validate/check', { user: 'bob', pass: 'pin-' })).text).toContain('BOBC')
  })
})

describe('within them', () => {
  it.each<readonly [keyof typeof keys, Fields, string]>([
    ['home', { user: 'ada' }, 'HOME'],
    ['home', { user: 'ada', realm: 'home' }, 'HOME'],
    ['home', { serial: 'HOME' }, 'HOME'],
    ['corp', { user: 'zoe', realm: 'corp' }, 'CORP'],
    ['corp', { user: 'bob@corp' }, 'BOBC'],
    ['corp', { serial: 'CORP' }, 'CORP'],
    ['corp', { serial: 'LOOSE' }, 'LOOSE'],
    ['both', { user: 'zoe@corp' }, 'CORP'],
    ['both', { user: 'ada' }, 'HOME'],
    ['all', { serial: 'NOWHERE' }, 'NOWHERE'],
  ])('key %s serves %j', async (key, who, serial) => {
    expect((await as(key, '/validate/check', { ...who, pass: 'pin-' })).text).toContain(`"${serial}"`)
  })

  it('the default realm counts where the user names none', async () => {
    expect((await as('corp', '/validate/check', { user: 'ada', pass: 'pin-' })).text).not.toContain('transactionid')
    expect((await as('corp', '/validate/check', { user: 'zoe', pass: 'pin-' })).text).not.toContain('transactionid')
  })

  const BOB: readonly Fields[] = [{ user: 'bob', realm: 'corp' }, { serial: 'BOBC' }]
  it.each(BOB)('a token in another realm than its owner is that realm’s alone: %j', async (who) => {
    await h.admin('/admin/tokenrealm', { serial: 'BOBC', realms: 'home' })
    const { transactionid = '', pass = '' } = await sent({ serial: 'BOBC' })

    expect((await as('corp', '/validate/check', { ...who, pass: 'pin-' })).text).not.toContain('"BOBC"')
    expect(isYes(await as('corp', '/validate/check_t', { transactionid, pass }))).toBe(false)
    expect((await as('home', '/validate/check', { serial: 'BOBC', pass: 'pin-' })).text).toContain('"BOBC"')
    expect(isYes(await as('home', '/validate/check_t', { transactionid, pass }))).toBe(true)
  })

  it.each(BOB)('a token in no realm is its owner’s: %j', async (who) => {
    await h.admin('/admin/tokenrealm', { serial: 'BOBC', realms: '' })

    expect((await as('corp', '/validate/check', { ...who, pass: 'pin-' })).text).toContain('"BOBC"')
    expect((await as('home', '/validate/check', { ...who, pass: 'pin-' })).text).not.toContain('"BOBC"')
  })
})

describe('under an idempotency key', () => {
  const again = (key: keyof typeof keys, name: string, fields: Fields, path = '/validate/check') =>
    as(key, path, fields, { 'idempotency-key': name })

  it('a verdict is repeated to the key that heard it, and to no other', async () => {
    const answer = { user: 'ada', ...(await sent({ user: 'ada' })) }

    const first = [await again('home', 'k1', answer), await again('home', 'k1', answer)]
    const others = [
      await again('both', 'k1', answer),
      await again('corp', 'k1', answer),
      await again('all', 'k1', answer),
    ]

    expect([first.map(isYes), others.map(isYes)]).toEqual([
      [true, true],
      [false, false, false],
    ])
  })

  it('no challenge is shown to a key of another realm, by user, serial or transaction', async () => {
    const asked = { user: 'zoe', realm: 'corp', pass: 'pin-' }
    const own = await again('corp', 'k2', asked)
    const serial = { serial: 'CORP', pass: 'pin-' }
    await again('corp', 'k3', serial, '/validate/check_s')

    expect(own.text).toContain('"CORP"')
    expect((await again('corp', 'k2', asked)).text).toBe(own.text)
    expect((await again('home', 'k2', asked)).text).not.toContain('CORP')
    expect((await again('home', 'k3', serial, '/validate/check_s')).text).not.toContain('CORP')
  })

  it('a repeat without a key is refused', async () => {
    const answer = { user: 'ada', ...(await sent({ user: 'ada' })) }
    await again('home', 'k4', answer)

    const repeated = await ask('/validate/check', { fields: answer, headers: { 'idempotency-key': 'k4' } })

    expect([repeated.status, isYes(repeated)]).toEqual([401, false])
  })

  it('a token that has left the realm meanwhile is not told of', async () => {
    const key = (await makeKey(h, { scope: 'validate', realm: 'corp' })).token
    const headers = { ...bearer(key), 'idempotency-key': 'k5' }
    const fields = { serial: 'LOOSE', pass: 'pin-' }
    const first = await ask('/validate/check', { headers, fields })
    await h.admin('/admin/tokenrealm', { serial: 'LOOSE', realms: 'home' })

    const second = await ask('/validate/check', { headers, fields })

    expect([first.text.includes('LOOSE'), second.text.includes('LOOSE')]).toEqual([true, false])
  })
})
