import { describe, expect, it } from 'vitest'
import { readPattern } from './pattern.ts'

const LIKE = { any: '%', one: '_' } as const

describe('readPattern', () => {
  it.each([
    ['alice', 'alice', true],
    ['alice', 'Alice', true],
    ['alice', 'alice2', false],
    ['', '', true],
    ['', 'a', false],
    ['%', '', true],
    ['%', 'anything', true],
    ['al%', 'alice', true],
    ['%ice', 'alice', true],
    ['%li%', 'alice', true],
    ['a%c%e', 'alice', true],
    // The same characters may not serve twice.
    ['a%a', 'a', false],
    ['ab%ba', 'aba', false],
    ['%ab%ab%', 'abab', true],
    ['%ab%ab%', 'ab', false],
    ['a_ice', 'alice', true],
    ['a_ice', 'aice', false],
    ['%_x', 'x', false],
    ['_%', '', false],
    // No letter of ASCII, no folding.
    ['ÄRGER', 'ärger', false],
    ['ärger', 'ärger', true],
  ])('%s matches %s: %s', (written, text, expected) => {
    expect(readPattern(written, LIKE).matches(text)).toBe(expected)
  })

  it('takes the underscore for itself where only the asterisk is a wildcard', () => {
    const pattern = readPattern('a_*', { any: '*', one: null })

    expect(['a_b', 'axb', 'A_'].map(pattern.matches)).toEqual([true, false, true])
  })

  it.each([
    ['%', ''],
    ['LSEM%0001', 'lsem'],
    ['a_longer%x', 'longer'],
    ['', ''],
  ])('says what every match of %s must hold', (written, holds) => {
    expect(readPattern(written, LIKE).holds).toBe(holds)
  })

  it('judges a hostile pattern on a long text in no time', () => {
    const pattern = readPattern(`${'%a'.repeat(200)}%b`, LIKE)

    expect(pattern.matches('a'.repeat(512))).toBe(false)
  })
})
