import { describe, expect, it } from 'vitest'
import { brokenPinRule } from './pin-rules.ts'

const FREE = { min: null, max: null, contents: '' }

describe('brokenPinRule', () => {
  it.each([
    [4, 'abc', true],
    [4, 'abcd', false],
    [4, '🔑🔑🔑', true], // characters, not UTF-16 units
    [0, '', false],
  ])('asks for at least %i characters: %s', (min, pin, broken) => {
    expect(brokenPinRule(pin, { ...FREE, min }) !== null).toBe(broken)
  })

  it.each([
    [4, 'abcde', true],
    [4, 'abcd', false],
    [0, 'a', true],
    [0, '', false],
  ])('allows at most %i characters: %s', (max, pin, broken) => {
    expect(brokenPinRule(pin, { ...FREE, max }) !== null).toBe(broken)
  })

  it.each([
    ['', 'anything ü', false],
    // Each listed class must occur, others may.
    ['cn', 'a1', false],
    ['cn', 'a1!', false],
    ['cn', 'aa', true],
    ['s', 'a1', true],
    ['s', '~', false],
    ['o', 'abc', true],
    ['o', 'a b', false],
    ['o', 'ü', false],
    ['c', 'ü', true],
    // And nothing else may.
    ['-cn', 'a1', false],
    ['-cn', 'a1!', true],
    ['-cn', 'aa', true],
    ['-n', '', true],
    // At least one of them, and nothing else.
    ['+cn', 'aa', false],
    ['+cn', '11', false],
    ['+cn', '11!', true],
    ['+cn', '', true],
    // Letters that mean no class are as if they were not there.
    ['x', 'anything', false],
    ['+x', '', false],
  ])('%s judges "%s"', (contents, pin, broken) => {
    expect(brokenPinRule(pin, { ...FREE, contents }) !== null).toBe(broken)
  })
})
