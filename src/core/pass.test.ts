import { describe, expect, it } from 'vitest'
import { satisfies, splitPass } from './pass.ts'

describe('splitPass', () => {
  it.each([
    ['1234418276', '1234', '418276'],
    ['418276', '', '418276'],
    ['x418276', 'x', '418276'],
    // Shorter than an OTP: all of it is OTP, so the PIN is empty.
    ['41827', '', '41827'],
    ['', '', ''],
    ['pin with blanks 418276', 'pin with blanks ', '418276'],
    ['pässwörd418276', 'pässwörd', '418276'],
  ])('splits %j into the PIN %j and the OTP %j behind it', (pass, pin, otp) => {
    expect(splitPass(pass, 6, true)).toEqual({ pin, otp })
  })

  it.each([
    ['4182761234', '1234', '418276'],
    ['418276', '', '418276'],
    ['41827', '', '41827'],
    ['', '', ''],
  ])('splits %j into the PIN %j and the OTP %j before it, when PrependPin is off', (pass, pin, otp) => {
    expect(splitPass(pass, 6, false)).toEqual({ pin, otp })
  })

  it.each([4, 8, 10])('takes the %d digits of the token', (digits) => {
    const otp = '0123456789'.slice(0, digits)

    expect(splitPass(`pin${otp}`, digits, true)).toEqual({ pin: 'pin', otp })
  })
})

describe('satisfies', () => {
  const is = (right: string) => async (candidate: string) => candidate === right
  const check = { pin: is('1234'), password: is('secret') }

  it.each([
    ['token_pin', '1234', true],
    ['token_pin', 'secret', false],
    ['token_pin', '', false],
    ['password', 'secret', true],
    ['password', '1234', false],
    ['only_otp', '', true],
    ['only_otp', '1234', false],
    ['ignore_pin', '', true],
    ['ignore_pin', 'anything', true],
  ] as const)('under %s, %j: %s', async (rule, candidate, satisfied) => {
    expect(await satisfies(rule, candidate, check)).toBe(satisfied)
  })

  it('takes the empty text for a PIN that was never set', async () => {
    expect(await satisfies('token_pin', '', { ...check, pin: is('') })).toBe(true)
  })
})
