import { describe, expect, it } from 'vitest'
import { destinations, isWithin, normalAddress } from './destinations.ts'

function within(written: string, address: string): boolean {
  const read = destinations.read(written)
  if (!read.ok) throw new Error(read.error)
  return isWithin(read.value, address)
}

describe('destinations', () => {
  it.each([
    ['*@example.org', 'ada@example.org'],
    ['example.org', 'ada@example.org'],
    ['*@Example.ORG', 'Ada@EXAMPLE.org'],
    ['*@*.example.org', 'ada@mail.example.org'],
    ['*.example.org', 'ada@a.b.example.org'],
    ['*@*', 'ada@anything.test'],
    ['ada@example.org', 'ADA@example.org'],
    ['ops-*@example.org', 'ops-night@example.org'],
    // The same domain in letters and in its IDNA form, either way round.
    ['*@bücher.example', 'ada@xn--bcher-kva.example'],
    ['*@xn--bcher-kva.example', 'ada@BÜCHER.example'],
    ['+49*', '+49 170 1234567'],
    ['+49*', '0049-170/1234567'],
    ['0049170*', '+49 (170) 1234567'],
    ['+49*', '(00) 49.170 123'],
    ['+491701234567', '0049 170 1234567'],
    ['+*', '+1 555 0100'],
    ['0*', '0170 1234567'],
    ['0170*', '0170-123'],
    ['*@example.org +49*', '+49 1'],
    ['*@example.org  +49*', 'a@example.org'],
  ])('%j allows %j', (written, address) => {
    expect(within(written, address)).toBe(true)
  })

  it.each([
    ['*@example.org', 'ada@evil-example.org'],
    ['*@example.org', 'ada@example.org.evil.test'],
    // Domains below are named, never meant.
    ['*@example.org', 'ada@mail.example.org'],
    ['*@*.example.org', 'ada@example.org'],
    ['*@*.example.org', 'ada@evil-example.org'],
    ['*@example.org', 'example.org@evil.test'],
    // A Cyrillic е.
    ['*@example.org', 'ada@еxample.org'],
    ['*@bücher.example', 'ada@bucher.example'],
    // What the parser of URLs would cut off or take for something else.
    ['*@example.org', 'ada@evil.test／.example.org'],
    ['*@*.example.org', 'ada@evil.test／.example.org'],
    ['*@example.org', 'ada@example.org。'],
    ['*@example.org', 'not an address'],
    ['*@example.org', 'ada@evil.test,ada@example.org'],
    ['ada@example.org', 'adam@example.org'],
    ['ops-*@example.org', 'xops-a@example.org'],
    ['*@*', '+49 170 1'],
    ['+49*', '+4'],
    ['+49*', '+43 49 1'],
    ['+49*', '0170 1234567'],
    ['+49*', '49 170 1'],
    // Two numbers in one.
    ['+49*', '+49170+4390099'],
    ['+49*', '+0049 170'],
    ['+49*', 'ada+49@example.org'],
    ['0*', '0043 1'],
    ['+*', '0170 1'],
    ['+491701234567', '+4917012345678'],
  ])('%j keeps %j out', (written, address) => {
    expect(within(written, address)).toBe(false)
  })

  it.each([
    '',
    ' ',
    '*',
    '@',
    '*@',
    '@example.org',
    '+',
    '0x',
    '+49**',
    '+4*9',
    'a@b@c d',
    '*@exa mple',
    '*@*example.org',
    '*@ex*ple.org',
    '*@a/b',
    '*@[::1]',
    '*@example.org.',
  ])('refuses %j', (written) => {
    expect(destinations.read(written).ok).toBe(false)
  })

  it('refuses a switch', () => {
    expect([destinations.read(true).ok, destinations.read(false).ok]).toEqual([false, false])
  })
})

it.each([
  ['+49 (170) 123-45.67', '0049/1701234567'],
  ['0170 1234567', '0170-1234567'],
  ['Ada@Example.ORG', 'ada@example.org'],
  ['ada@münchen.example', 'ada@xn--mnchen-3ya.example'],
])('counts %s and %s as one address', (one, other) => {
  expect(normalAddress(one)).toBe(normalAddress(other))
})

it.each([
  ['+491701234567', '491701234567'],
  ['ada@example.org', 'ada@example.net'],
  ['a.da@example.org', 'ada@example.org'],
])('counts %s and %s as two', (one, other) => {
  expect(normalAddress(one)).not.toBe(normalAddress(other))
})
