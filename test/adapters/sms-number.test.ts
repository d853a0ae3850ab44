/** Numbers as gateways get them: LinOTP's keys, E.164, and the prefixes that may be written to. */

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { formatNumber, type NumberRules, numberKeys } from '../../src/adapters/sms/number.ts'

type Row = readonly [string, NumberRules, string]

describe('a number', () => {
  it.each<Row>([
    ['+49 (170) 1', {}, '+49 (170) 1'],
    [' +49 (170) 1', { MSISDN: true }, '+491701'],
    ['0170/123 45-67', { MSISDN: true }, '01701234567'],
    [' +49170', { SUPPRESS_PREFIX: '+' }, '49170'],
    ['+49 170 1234567', { E164: true }, '+491701234567'],
    ['0049 170 1234567', { E164: true }, '+491701234567'],
    ['+49 (0)170 1234567', { E164: true }, '+491701234567'],
    ['0049 (0) 170 1234567', { E164: true, COUNTRY_CODE: '43' }, '+491701234567'],
    ['0170 1234567', { COUNTRY_CODE: '49' }, '+491701234567'],
    ['170 1234567', { COUNTRY_CODE: '49' }, '+491701234567'],
    ['+43 660 1234567', { COUNTRY_CODE: '49' }, '+436601234567'],
    ['06 1234 5678', { COUNTRY_CODE: '39' }, '+390612345678'],
    ['1 (212) 555-0100', { COUNTRY_CODE: '1' }, '+12125550100'],
    ['(212) 555-0100', { COUNTRY_CODE: '1' }, '+12125550100'],
    ['0170 1234567', { COUNTRY_CODE: '49', SUPPRESS_PREFIX: '+' }, '491701234567'],
    ['+49 170 1234567', { ALLOWED_PREFIXES: ['+43', '+49'] }, '+49 170 1234567'],
    ['+49 170 1234567', { DENIED_PREFIXES: ['+1'], MSISDN: true }, '+491701234567'],
  ])('%s by %j is %s', (number, rules, formatted) => {
    expect(formatNumber(number, rules)).toEqual({ ok: true, value: formatted })
  })

  it.each<Row>([
    ['+49 170 1234567 +1 900 5550100', {}, 'number_not_one'],
    ['0170 1234567+', { MSISDN: true }, 'number_not_one'],
    ['+ ()', {}, 'number_not_one'],
    ['0170 1234567', { E164: true }, 'number_not_international'],
    ['0170 1234567', { ALLOWED_PREFIXES: ['+49'] }, 'number_not_international'],
    ['+49 17', { E164: true }, 'number_not_e164'],
    ['+0170 1234567', { E164: true }, 'number_not_e164'],
    ['+49 170 1234567 1234567', { E164: true }, 'number_not_e164'],
    ['+1 900 555 0100', { ALLOWED_PREFIXES: ['+1'], DENIED_PREFIXES: ['+1900'] }, 'number_prefix_denied'],
    ['+1 212 555 0100', { ALLOWED_PREFIXES: ['+49'] }, 'number_prefix_not_allowed'],
    ['001 212 555 0100', { ALLOWED_PREFIXES: ['+49'] }, 'number_prefix_not_allowed'],
    ['001 212 555 0100', { ALLOWED_PREFIXES: ['+49'], COUNTRY_CODE: '49' }, 'number_prefix_not_allowed'],
    ['+49 (0)900 1234567', { DENIED_PREFIXES: ['+49900'] }, 'number_prefix_denied'],
  ])('%s by %j is refused: %s', (number, rules, reason) => {
    expect(formatNumber(number, rules)).toEqual({ ok: false, error: reason })
  })
})

describe('the rules', () => {
  const read = (keys: object) => v.safeParse(v.object(numberKeys), keys)

  it.each<readonly [object, object]>([
    [{ ALLOWED_PREFIXES: '+49, +43 +41' }, { ALLOWED_PREFIXES: ['+49', '+43', '+41'] }],
    [{ DENIED_PREFIXES: ['+1900'] }, { DENIED_PREFIXES: ['+1900'] }],
    [{ COUNTRY_CODE: 49 }, { COUNTRY_CODE: '49' }],
    [{ COUNTRY_CODE: '+49' }, { COUNTRY_CODE: '49' }],
    [{ E164: 'yes' }, { E164: true }],
  ])('%j are read', (keys, rules) => {
    expect(read(keys)).toMatchObject({ success: true, output: rules })
  })

  it.each([
    { ALLOWED_PREFIXES: '49' },
    { ALLOWED_PREFIXES: [] },
    { ALLOWED_PREFIXES: ' , ' },
    { DENIED_PREFIXES: [49] },
    { DENIED_PREFIXES: '+49x' },
    { COUNTRY_CODE: '0' },
    { COUNTRY_CODE: '4900' },
    { COUNTRY_CODE: 'DE' },
    { E164: 'perhaps' },
  ])('%j are refused', (keys) => {
    expect(read(keys)).toMatchObject({ success: false, issues: [{ message: expect.stringMatching(/^must be/) }] })
  })
})
