/** Whom a request means: login, realm, resolver, serial, list, and what settings let through (contract 7.8, 2.1). */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness
let gateway: Gateway
beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
  // `home` is the default realm: ada, bob, eve. `other` has an ada of its own. `both` has two different ones.
  const more = ['ada:x:7:100:Another Ada', 'ann@corp.test:x:8:100:Ann', 'zoe@other:x:9:100:Zoe'].join('\n')
  for (const [name, content] of [
    ['more', more],
    ['twin', 'ada:x:99:100:A third Ada'],
  ] as const)
    await h.admin('/system/setResolver', { name, type: 'passwdresolver', 'passwdresolver.content': content })
  await h.admin('/system/setRealm', { realm: 'other', resolvers: 'more' })
  await h.admin('/system/setRealm', { realm: 'both', resolvers: 'people,twin' })
  await enrollSms(h, 'ada', 'HOME', { realm: 'home' })
  await enrollSms(h, 'ada', 'OTHER', { realm: 'other' })
  await enrollSms(h, 'ann@corp.test', 'UPN', { realm: 'other' })
  await h.admin('/system/setConfig', { SMSBlockingTimeout: '0' })
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

/** The serial whose challenge is opened; undefined: nobody was found. */
const serialOf = ({ json }: Reply): unknown => json.detail?.linotp_tokenserial
const trigger = async (fields: Fields): Promise<unknown> => serialOf(await h.check({ pass: 'pin-', ...fields }))

describe('a user', () => {
  it.each<readonly [Fields, string | undefined]>([
    [{ user: 'ada' }, 'HOME'],
    [{ user: 'ada', realm: '' }, 'HOME'],
    [{ user: 'ada', realm: 'other' }, 'OTHER'],
    [{ user: 'ada', realm: 'OTHER' }, 'OTHER'],
    [{ user: 'ada@other' }, 'OTHER'],
    [{ user: 'ada@OTHER' }, 'OTHER'],
    [{ user: 'other\\ada' }, 'OTHER'],
    [{ user: 'HOME\\ada' }, 'HOME'],
    // With a realm the login is taken as it is.
    [{ user: 'ann@corp.test', realm: 'other' }, 'UPN'],
    // The last @ counts.
    [{ user: 'ann@corp.test@other' }, 'UPN'],
    [{ user: 'ann@corp.test' }, undefined],
    [{ user: 'ada@home', realm: 'home' }, undefined],
    [{ user: 'ada@nowhere' }, undefined],
    [{ user: 'ada@' }, undefined],
    [{ user: 'ada', realm: 'nowhere' }, undefined],
    [{ user: 'ADA' }, undefined],
    [{ user: ' ada' }, undefined],
    [{ user: '' }, undefined],
    [{}, undefined],
    // Two resolvers of the realm know different people of that name; resConf says which.
    [{ user: 'ada', realm: 'both' }, undefined],
    [{ user: 'ada', realm: 'both', resConf: 'people' }, 'HOME'],
    [{ user: 'ada', realm: 'both', resConf: 'people (passwdresolver)' }, 'HOME'],
    [{ user: 'ada', realm: 'both', resConf: 'twin' }, undefined],
    [{ user: 'ada', resConf: 'more' }, undefined],
    [{ user: 'ada', resConf: '' }, 'HOME'],
  ])('%j opens a challenge of %s', async (fields, serial) => expect(await trigger(fields)).toBe(serial))

  it.each<readonly [Fields, string | undefined]>([
    [{ user: 'ada' }, 'HOME'],
    [{ user: 'ada@other' }, 'OTHER'],
    [{ user: 'ann@corp.test@other' }, 'UPN'],
    // Only a realm after the last @ is looked for; the backslash is a character like others.
    [{ user: 'other\\ada' }, undefined],
    [{ user: 'ada@nowhere' }, undefined],
    [{ user: 'ada', realm: 'other' }, 'OTHER'],
  ])('%j opens a challenge of %s where splitAtSign is false', async (fields, serial) => {
    await h.admin('/system/setConfig', { splitAtSign: 'False' })

    expect(await trigger(fields)).toBe(serial)

    await h.admin('/system/delConfig', { key: 'splitAtSign' })
  })

  it('whose login holds an @ is found in the default realm where splitAtSign is false', async () => {
    await h.admin('/system/setDefaultRealm', { realm: 'other' })
    await h.admin('/system/setConfig', { splitAtSign: 'False' })
    const whole = await trigger({ user: 'ann@corp.test' })
    await h.admin('/system/delConfig', { key: 'splitAtSign' })
    const split = await trigger({ user: 'ann@corp.test' })
    await h.admin('/system/setDefaultRealm', { realm: 'home' })

    expect([whole, split]).toEqual(['UPN', undefined])
  })

  it('is nobody without a realm where no realm is the default', async () => {
    await h.admin('/system/setDefaultRealm', { realm: '' })
    const replies = [await trigger({ user: 'ada' }), await trigger({ user: 'ada', realm: 'home' })]
    await h.admin('/system/setDefaultRealm', { realm: 'home' })

    expect(replies).toEqual([undefined, 'HOME'])
  })
})

describe('check_status', () => {
  const shows = async (fields: Fields): Promise<unknown> =>
    (await h.post('/validate/check_status', fields)).json.result?.value
  const transaction = async (fields: Fields): Promise<string> =>
    String((await h.check(fields)).json.detail?.transactionid)
  const policy = async (fields: Fields): Promise<void> => {
    await h.admin('/system/setPolicy', { name: 'status', user: '*', client: '*', active: 'True', ...fields })
    onTestFinished(async () => void (await h.admin('/system/delPolicy', { name: 'status' })))
  }

  it('asks for the PIN by the policies of the realm in which the user is found', async () => {
    await policy({ scope: 'authentication', action: 'otppin=2', realm: 'other' })
    await h.admin('/system/setConfig', { splitAtSign: 'False' })
    onTestFinished(async () => void (await h.admin('/system/delConfig', { key: 'splitAtSign' })))
    const ada = { user: 'ada@other', transactionid: await transaction({ user: 'ada@other', pass: '' }) }

    expect([await shows({ ...ada, pass: '' }), await shows({ ...ada, pass: 'pin-' })]).toEqual([true, false])
  })

  it('looks for the user where setrealm says', async () => {
    await policy({ scope: 'authorization', action: 'setrealm=other', realm: 'home' })
    const ada = { user: 'ada', realm: 'home', pass: 'pin-' }

    expect(await shows({ ...ada, transactionid: await transaction(ada) })).toBe(true)
  })
})

describe('a serial', () => {
  it.each<readonly [Fields, string | undefined]>([
    [{ serial: 'HOME' }, 'HOME'],
    [{ serial: 'HOME', user: '' }, 'HOME'],
    [{ serial: 'HOME', user: 'ada' }, 'HOME'],
    [{ serial: '', user: 'ada' }, 'HOME'],
    // Its owner must be the user that is named (contract 12.2 #1).
    [{ serial: 'OTHER', user: 'ada' }, undefined],
    [{ serial: 'HOME', user: 'bob' }, undefined],
    [{ serial: 'HOME', user: 'nobody' }, undefined],
    [{ serial: 'HOME', user: 'ada', realm: 'nowhere' }, undefined],
    [{ serial: 'home' }, undefined],
    [{ serial: 'NONE' }, undefined],
  ])('%j opens a challenge of %s', async (fields, serial) => expect(await trigger(fields)).toBe(serial))
})

// A bug in flows/gather.ts, reported: without a user the conditions on realm and user are not asked (contract 12.2 #23).
it.each<readonly [string, Fields]>([
  ['an empty pass', { pass: '' }],
  ['the OTP alone', { pass: 'OTP' }],
])('a policy for others does not take the PIN away from a token that is named by its serial: %s', async (_, fields) => {
  await h.admin('/system/setPolicy', {
    ...{ name: 'p', scope: 'authentication', action: 'otppin=only_otp', active: 'True' },
    ...{ realm: 'other', user: 'ada', client: '*', time: '' },
  })
  await h.check({ user: 'ada', pass: 'pin-' })
  const { json } = await h.check({ serial: 'HOME', pass: fields.pass === 'OTP' ? gateway.otp() : '' })
  await h.admin('/system/delPolicy', { name: 'p' })

  expect(json).toEqual({ ...json, result: { status: true, value: false } })
  expect(json).not.toHaveProperty('detail')
})

describe('parameters', () => {
  const json = (body: object): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

  it.each<readonly [string, string, RequestInit]>([
    ['GET', '?user=ada&pass=pin-', {}],
    ['POST with a query', '?user=ada&pass=pin-', { method: 'POST' }],
    ['lists in a query', '?user[]=ada&user[]=bob&pass[]=pin-', {}],
    ['lists in JSON', '', json({ 'user[]': ['ada', 'bob'], pass: ['pin-'] })],
    ['JSON with what is null and what nobody knows', '', json({ user: 'ada', pass: 'pin-', realm: null, session: {} })],
    ['an unknown parameter, and httperror', '?user=ada&pass=pin-&session=1&httperror=500', {}],
  ])('come with %s', async (_, query, init) => {
    expect(serialOf(await h.request(`/validate/check${query}`, init))).toBe('HOME')
  })

  it('in JSON may be numbers', async () => {
    await enrollSms(h, 'eve', 'NUMBER', { pin: '1234' })

    const reply = await h.request('/validate/check', json({ user: 'eve', pass: 1234 }))

    expect(serialOf(reply)).toBe('NUMBER')
    await h.admin('/admin/remove', { serial: 'NUMBER' })
  })
})

describe('a setting that lets people through', () => {
  const answers = async (fields: Fields) => ({
    check: (await h.check(fields)).json.result?.value,
    simplecheck: (await h.post('/validate/simplecheck', fields)).text,
    radiuscheck: (await h.post('/validate/radiuscheck', fields)).status,
    samlcheck: (await h.post('/validate/samlcheck', fields)).json.result?.value,
    check_s: (await h.post('/validate/check_s', fields)).json.result,
  })
  const YES = {
    ...{ check: true, simplecheck: ':-)', radiuscheck: 204, samlcheck: { auth: true, attributes: {} } },
    check_s: { status: true, value: true },
  }
  const NO = {
    ...{ check: false, simplecheck: ':-(', radiuscheck: 400, samlcheck: { auth: false, attributes: {} } },
    check_s: { status: false, value: false },
  }
  const set = (fields: Fields) => h.admin('/system/setConfig', fields)
  const nobody = { user: 'nobody', pass: 'x' }
  const tokenless = { user: 'bob', pass: 'x' }

  it('PassOnUserNotFound: whoever is in no resolver of a realm, and nobody else', async () => {
    const before = await answers(nobody)
    await set({ PassOnUserNotFound: 'True' })
    const [unknown, known, nowhere] = [
      await answers(nobody),
      await answers(tokenless),
      await answers({ ...nobody, realm: 'no' }),
    ]
    await set({ PassOnUserNotFound: 'False' })

    expect([before, unknown, known, nowhere]).toEqual([NO, YES, NO, NO])
    expect(await answers(nobody)).toEqual(NO)
  })

  it('PassOnUserNoToken: users without a token, and nobody else', async () => {
    const before = await answers(tokenless)
    await set({ PassOnUserNoToken: 'True' })
    const [without, unknown, withToken] = [
      await answers(tokenless),
      await answers(nobody),
      await answers({ user: 'ada', pass: 'x' }),
    ]
    const nobodyNamed = await h.check({ serial: 'NONE', pass: 'x' })
    await set({ PassOnUserNoToken: 'False' })

    expect([before, without, unknown]).toEqual([NO, YES, NO])
    expect(withToken).toEqual({ ...NO, check_s: { status: true, value: false } })
    expect(nobodyNamed.json.result?.value).toBe(false)
  })

  // A bug in flows/check.ts, reported: what the client adds to its request must not make a token disappear.
  it.each<readonly [string, Fields]>([
    ['a token type that the user does not have', { token_type: 'email' }],
    ['a serial that does not exist', { serial: 'NONE' }],
    ["somebody else's serial", { serial: 'OTHER' }],
  ])('PassOnUserNoToken does not let a user with a token through who asks for %s', async (_, fields) => {
    await set({ PassOnUserNoToken: 'True' })
    const { json } = await h.check({ user: 'ada', pass: 'x', ...fields })
    await set({ PassOnUserNoToken: 'False' })

    expect(json.result?.value).toBe(false)
  })

  it('says so in the audit', async () => {
    const { rows } = await h.client.execute(
      "SELECT user, success FROM audit WHERE action_detail = 'passed_without_token'",
    )

    expect(new Set(rows.map((row) => `${row.user} ${row.success}`))).toContain('nobody 1')
  })
})
