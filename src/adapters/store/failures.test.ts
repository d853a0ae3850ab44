import { describe, expect, it } from 'vitest'
import { explain, placeOf } from './failures.ts'

describe('placeOf', () => {
  it.each([
    ['file:///var/lib/otpost/otpost.db', '/var/lib/otpost/otpost.db', true],
    ['file:///with%20blank/otpost.db', '/with blank/otpost.db', true],
    ['file:otpost.db?cache=private', 'otpost.db', true],
    ['file:./data/otpost.db', './data/otpost.db', true],
    ['libsql://db.example.org?authToken=hidden', 'libsql://db.example.org', false],
    ['file://localhost/var/lib/otpost.db', '/var/lib/otpost.db', true],
    ['file:///nr%23%201/100%25%3F.db', '/nr# 1/100%?.db', true],
    // No URL in the eyes of libSQL, which will say so.
    ['file:/100%/otpost.db', '/100%/otpost.db', true],
  ])('%s is named %s', (url, name, embedded) => {
    expect(placeOf(url)).toEqual({ name, embedded })
  })
})

describe('explain', () => {
  const place = { name: '/d/otpost.db', embedded: true }
  const failure = (code: string) => Object.assign(new Error(`${code}: words`), { code })

  it('finds the code wherever it lies in the causes, and says it once', () => {
    const found = explain(new Error('Failed query', { cause: failure('SQLITE_BUSY') }), place)

    expect(found).toMatchObject({ message: expect.stringMatching(/^\/d\/otpost\.db is locked by another process/) })
    expect(explain(found, place)).toBe(found)
  })

  it('leaves alone what it does not know, and failures of other code', () => {
    const given = [failure('SQLITE_CONSTRAINT_UNIQUE'), new TypeError('x is not a function'), 'text']

    expect(given.map((error) => explain(error, place))).toEqual(given)
  })

  it('never repeats an address that libSQL refuses', () => {
    const found = explain(Object.assign(new Error("The URL 'x?authToken=hidden'"), { code: 'URL_INVALID' }), place)

    expect(found).toEqual(
      new Error('/d/otpost.db is no address of a database that libSQL knows: correct OTPOST_DATABASE_URL'),
    )
  })
})
