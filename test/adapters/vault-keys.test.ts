import { describe, expect, it } from 'vitest'
import { newKey, readKeys } from '../../src/adapters/vault/keys.ts'

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, n) => 7 * n)

describe('readKeys', () => {
  const base64 = (bytes: number) =>
    Buffer.from(Uint8Array.from({ length: bytes }, (_, n) => 250 - n)).toString('base64')
  const good = base64(32)

  it.each([
    ['one key', `k1:${good}`],
    ['base64 without padding', `k1:${good.replace('=', '')}`],
    ['base64url', `k1:${good.replace(/\+/g, '-').replace(/\//g, '_')}`],
    ['spaces and line breaks around it', `\n  k1:${good}\r\n`],
  ])('reads %s', (_, text) => {
    expect(readKeys(text)).toEqual({
      ok: true,
      value: [{ id: 'k1', bytes: Uint8Array.from({ length: 32 }, (_, n) => 250 - n) }],
    })
  })

  it.each([',', '\n', ', ', '\r\n'])('reads several keys in their order, separated by %j', (separator) => {
    const read = readKeys([`new_2:${good}`, `old-1:${good}`].join(separator))

    expect(read.ok && read.value.map(({ id }) => id)).toEqual(['new_2', 'old-1'])
  })

  it.each([
    ['', 'OTPOST_KEYS is empty'],
    [' \n,', 'OTPOST_KEYS is empty'],
    [`:${good}`, 'each entry is ID:BASE64'],
    [good, 'each entry is ID:BASE64'],
    [`k.1:${good}`, 'each entry is ID:BASE64'],
    [`${'k'.repeat(33)}:${good}`, 'each entry is ID:BASE64'],
    ['k1', "key 'k1' must be 32 bytes"],
    ['k1:', "key 'k1' must be 32 bytes"],
    ['k1:%%%', "key 'k1' must be 32 bytes"],
    [`k1:${base64(31)}`, "key 'k1' must be 32 bytes"],
    [`ok:${good},k1:${base64(33)}`, "key 'k1' must be 32 bytes"],
    [`k1:${good}:${good}`, "key 'k1' must be 32 bytes"],
    [`k1:${good},k1:${good}`, "key 'k1' is there twice"],
  ])('refuses %j, with the entry where it has a name', (text, problem) => {
    const read = readKeys(text)

    expect(read.ok ? '' : read.error).toContain(problem)
  })

  it('repeats no key in what it says', () => {
    const read = readKeys(`k1:${good.slice(1)}`)

    expect(read.ok ? '' : read.error).not.toContain(good.slice(1, 9))
  })

  it('reads what newKey made', async () => {
    const entry = newKey('2026-07', bytes)

    const read = readKeys(entry)

    expect(read.ok && read.value.map(({ id, bytes }) => [id, bytes.length])).toEqual([['2026-07', 32]])
  })
})
