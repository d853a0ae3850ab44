import { afterAll, beforeAll, expect, it } from 'vitest'
import { newKey } from '../../src/adapters/vault/keys.ts'
import { type AnotherNode, anotherNode } from '../support/another-node.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
const K2 = newKey('k2', random)

let h: Harness
/** A node that has the new key in front. */
let rotated: AnotherNode

beforeAll(async () => {
  h = await startHarness()
  await enroll(h, 'ada', 'KEYS01', { pin: 'pin-' })
  await h.admin('/system/setConfig', { 'some.secret': 'quiet', 'some.secret.type': 'password' })
  rotated = anotherNode(h, { keys: `${K2} ${h.keys}` })
})
afterAll(() => h.close())

type Row = { readonly cell: readonly unknown[] }
type Listed = { id: string; known: boolean; current: boolean; uses: Record<string, number> }
const list = async (node: AnotherNode = rotated) =>
  (await node.request('/otpost/keys', {}, 'operator')).json.result?.value as readonly Listed[]

/** All slices, then the end, as the command line does it. */
async function rotate(node: AnotherNode) {
  let resealed = 0
  let next: Fields | null = {}
  while (next) {
    const { value } = (await node.admin('/otpost/keys/rotate', next)).json.result ?? {}
    const slice = value as { resealed: number; unreadable: number; next: Fields | null }
    expect(slice.unreadable).toBe(0)
    resealed += slice.resealed
    next = slice.next
  }
  return { resealed, keys: (await node.admin('/otpost/keys/finish')).json.result?.value as readonly Listed[] }
}

it.each([
  ['another key of the same name', newKey('t1', random), "key 't1' is not the one of that name"],
  ['another key alone', newKey('k9', random), "key 't1' is missing"],
])('serves nothing with %s, and the log says why', async (_, keys, reason) => {
  const before = h.log.length

  const { status, text } = await anotherNode(h, { keys }).post('/validate/check', { user: 'ada', pass: 'pin-' })

  expect([status, text]).toEqual([503, '503 Service Unavailable\n'])
  expect(h.log.slice(before).join('\n')).toContain(reason)
})

it('knows wrong keys in a database of an otpost that kept no canaries', async () => {
  const old = await startHarness()
  await enroll(old, 'ada', 'OLD01', { pin: 'pin-' })
  await old.client.execute('DELETE FROM master_keys')

  const wrong = await anotherNode(old, { keys: newKey('t1', random) }).post('/validate/check', {})
  const right = await anotherNode(old, {}).post('/validate/check', {})

  expect([wrong.status, right.status]).toEqual([503, 200])
  expect(old.log.join('\n')).toContain('the keys are not those of this database')
  await old.close()
})

it('seals everything with the first key, and what was sealed can be used all the time', async () => {
  const open = await h.trigger('ada', 'pin-')
  expect((await list()).map(({ id, current }) => [id, current])).toContainEqual(['t1', false])

  const { resealed, keys } = await rotate(rotated)

  // Secret and PIN of the token, the setting, the provider.
  expect(resealed).toBe(4)
  expect(keys.filter(({ id }) => id === 't1').every(({ uses }) => Object.keys(uses).length === 0)).toBe(true)
  const onlyNew = anotherNode(h, { keys: K2 })
  const { json } = await onlyNew.post('/validate/check', { user: 'ada', pass: `pin-${open.otp}` })
  expect(json.result?.value).toBe(true)
  expect((await list(onlyNew)).map(({ id }) => id)).toEqual(['k2'])
  const { rows } = (await onlyNew.request('/audit/search?rp=1000', {}, 'operator')).json as { rows: Row[] }
  expect(rows.filter(({ cell }) => cell[2] !== 'OK')).toEqual([])
})

it('seals nothing twice', async () => {
  expect((await rotate(rotated)).resealed).toBe(0)
})

it('says of a value that nobody can open that it was left alone', async () => {
  await enroll(h, 'bob', 'KEYS02', { pin: 'pin-' })
  await h.client.execute("UPDATE tokens SET secret = 'v1.t1.AAAAAAAAAAAAAAAA.AAAA' WHERE serial = 'KEYS02'")

  const { value } = (await rotated.admin('/otpost/keys/rotate', { kind: 'secret', after: '' })).json.result ?? {}

  expect(value).toMatchObject({ unreadable: 1 })
  expect(h.log.join('\n')).toMatch(/value_unreadable.*KEYS02/)
  await h.admin('/admin/remove', { serial: 'KEYS02' })
})

it('loses no PIN that is set, and no answer that is given, while values are sealed anew', async () => {
  const back = anotherNode(h, { keys: `${h.keys} ${K2}` })
  for (let n = 0; n < 10; n++) await enroll(h, 'ada', `RACE${n}`, { pin: 'old-' })

  const [, ...set] = await Promise.all([
    rotate(back),
    ...Array.from({ length: 10 }, (_, n) => rotated.admin('/admin/set', { serial: `RACE${n}`, pin: `new-${n}-` })),
  ])

  expect(set.map(({ json }) => json.result?.status)).toEqual(set.map(() => true))
  for (let n = 0; n < 10; n++) {
    const { json } = await rotated.post('/validate/check', { serial: `RACE${n}`, pass: `new-${n}-` })
    expect(json.detail?.linotp_tokenserial).toBe(`RACE${n}`)
  }
})

it('refuses a kind that is none', async () => {
  const { json } = await rotated.admin('/otpost/keys/rotate', { kind: 'audit' })

  expect(json.result?.error?.message).toBe('kind must be that of an answer')
})
