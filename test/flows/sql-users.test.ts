/** Users of a SQL database from saving the resolver to the login. Other databases than SQLite: `test/sql`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Client, createClient } from '@libsql/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSql } from '../../src/adapters/sql/open.ts'
import { NAMED_FORMATS } from '../../src/adapters/users/web-hashes.ts'
import { enroll, type Fields, type Harness, NODE, startHarness } from '../support/harness.ts'
import { SCRATCH } from '../support/scratch.ts'

const folder = mkdtempSync(join(SCRATCH, 'otpost-sql-users-'))
const file = join(folder, 'web.db')
const CONFIG = {
  Driver: 'sqlite',
  Database: file,
  Password: 'unused secret',
  Table: 'accounts',
  Map: '{"userid": "id", "username": "login", "email": "mail", "mobile": "mobile", "password": "pw"}',
  Where: 'active = 1',
  Limit: '500',
  Encoding: 'latin1',
}
const SHOP = { name: 'shop', type: 'sqlresolver' }

let h: Harness
let web: Client
beforeAll(async () => {
  web = createClient({ url: `file:${file}` })
  await web.execute(
    'CREATE TABLE accounts (id INTEGER PRIMARY KEY, login TEXT, mail TEXT, mobile TEXT, pw TEXT, active INT)',
  )
  // The password of the first is `hashcat`.
  await web.execute(
    "INSERT INTO accounts VALUES (7, 'jürgen', 'j@shop.test', NULL, '{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==', 1), (8, 'out', 'o@shop.test', NULL, NULL, 0), (9, 'bea', 'b@shop.test', NULL, NULL, 1)",
  )
  h = await startHarness({}, NODE, { openSql, passwordFormats: NAMED_FORMATS })
  await save(CONFIG)
  await h.admin('/system/setRealm', { realm: 'shop', resolvers: 'useridresolver.SQLIdResolver.IdResolver.shop' })
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await policy('otppin=1')
  await enroll(h, 'jürgen', 'SHOP', { realm: 'shop' })
})
afterAll(async () => {
  await h.close()
  web.close()
  rmSync(folder, { recursive: true, force: true })
})

const save = (fields: Fields) => h.admin('/system/setResolver', { ...SHOP, ...fields })
const policy = (action: string) =>
  h.admin('/system/setPolicy', {
    ...{ name: 'shop', scope: 'authentication', action, realm: 'shop', user: '*', client: '*', active: 'True' },
  })

describe('a user of a SQL database', () => {
  it('is let in by the password of the database and the OTP that is mailed', async () => {
    const { otp, transactionId, reply } = await h.trigger('jürgen@shop', 'hashcat')
    const { json } = await h.check({ user: 'jürgen@shop', pass: otp, transactionid: transactionId })

    expect(reply.json.detail).toMatchObject({ linotp_tokenserial: 'SHOP' })
    expect(json.result).toMatchObject({ status: true, value: true })
  })

  it.each([
    ['jürgen@shop', 'wrong'],
    ['jürgen@shop', ''],
    ['bea@shop', 'hashcat'],
    ['out@shop', 'hashcat'],
    ["x' OR '1'='1@shop", 'hashcat'],
    ['j%@shop', 'hashcat'],
  ])('is not let in as %s with %j', async (user, pass) => {
    const { json } = await h.check({ user, pass })

    expect(json).toMatchObject({ result: { status: true, value: false } })
    expect(json.detail).toBeUndefined()
  })

  it('is listed with the attributes of the map, and without the password', async () => {
    const { text, json } = await h.admin('/admin/userlist', { username: '*', realm: 'shop' })

    expect(json.result?.value).toMatchObject([
      { userid: '9', username: 'bea', email: 'b@shop.test' },
      { userid: '7', username: 'jürgen', email: 'j@shop.test' },
    ])
    expect(text).not.toContain('SSHA')
  })

  it('is out when the database says so, and back again', async () => {
    await web.execute('UPDATE accounts SET active = 0 WHERE id = 7')
    const out = await h.trigger('jürgen@shop', 'hashcat')
    await web.execute('UPDATE accounts SET active = 1 WHERE id = 7')
    const back = await h.trigger('jürgen@shop', 'hashcat')

    expect([out, back].map(({ reply }) => reply.json.detail?.linotp_tokenserial)).toEqual([undefined, 'SHOP'])
  })
})

describe('the resolver', () => {
  it('is shown without its secret', async () => {
    const { json, text } = await h.admin('/system/getResolver', { resolver: 'shop' })

    expect(json.result?.value).toMatchObject({
      type: 'sqlresolver',
      spec: 'useridresolver.SQLIdResolver.IdResolver.shop',
      data: { Driver: 'sqlite', Table: 'accounts', Where: 'active = 1' },
    })
    expect(text).not.toContain('unused secret')
    expect(JSON.stringify((await h.client.execute('SELECT * FROM resolvers')).rows)).not.toContain('unused secret')
  })

  it('shows neither user nor password of a URL, and keeps them when it is saved again', async () => {
    const Connect = 'postgresql+psycopg2://otpost:s3cr3t@127.0.0.1:1/web'
    const remote = { ...SHOP, name: 'remote', Table: 'accounts', Map: CONFIG.Map }
    await h.admin('/system/setResolver', { ...remote, Connect })
    const shown = await h.admin('/system/getResolver', { resolver: 'remote' })
    const { data = {} } = (shown.json.result?.value ?? {}) as { data?: Fields } // of a dialect's JSON

    const again = await h.admin('/system/setResolver', { ...remote, ...data, Limit: '7', previous_name: 'remote' })
    const moved = await h.admin('/system/setResolver', {
      ...remote,
      ...data,
      Connect: data.Connect?.replace('127.0.0.1', 'elsewhere.test') ?? '',
      previous_name: 'remote',
    })

    expect(shown.text).not.toContain('s3cr3t')
    expect(again.json.result).toMatchObject({ status: true, value: true })
    expect(moved.json.result?.status).toBe(false)
  })

  it('is refused by key and rule, and nothing is stored', async () => {
    for (const [fields, words] of [
      [{ Where: 'active = 1; DROP TABLE accounts' }, /Where.*semicolon/],
      [{ Table: 'a"b' }, /Table.*name of a table/],
      [{ Driver: 'oracle' }, /Driver.*postgresql/],
      [{ Map: '{}' }, /Map.*userid/],
    ] as const) {
      const { json } = await save({ ...CONFIG, ...fields, name: 'wrong' })
      expect(json.result?.error?.message).toMatch(words)
    }
    expect((await h.admin('/system/getResolvers')).text).not.toContain('wrong')
  })

  it('is refused where there are no connections to databases', async () => {
    const workers = await startHarness()
    const { json } = await workers.admin('/system/setResolver', { ...SHOP, ...CONFIG })
    await workers.close()

    expect(json.result?.error?.message).toMatch(/Connect.*Node, Deno or Bun/)
  })

  it('reads no database of otpost, where the hashes of administrators are', async () => {
    const own = {
      Driver: 'sqlite',
      Database: h.file,
      Table: 'admins',
      Map: '{"userid":"username","username":"username"}',
    }
    await h.admin('/system/setResolver', { ...own, name: 'own', type: 'sqlresolver' })
    await h.admin('/system/setRealm', { realm: 'own', resolvers: 'own' })
    const { text } = await h.admin('/admin/userlist', { username: '*', realm: 'own' })

    expect(text).toContain('own_database')
  })

  it('that cannot be asked lets nobody in, and says why in the log', async () => {
    await save({ ...CONFIG, Table: 'nothing', previous_name: 'shop' })
    await h.check({ user: 'nobody', pass: '' }) // the settings are read anew
    const { json } = await h.check({ user: 'jürgen@shop', pass: 'hashcat' })
    await save({ ...CONFIG, previous_name: 'shop' })

    expect(json.result?.value).not.toBe(true)
    expect(h.log.join('\n')).toMatch(/resolver_unavailable.*shop.*no such table: nothing/)
  })
})
