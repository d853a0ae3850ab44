import { describe, expect, it } from 'vitest'
import { aToken } from '../../test/support/records.ts'
import { ownChallengeValidity, readValidityDate, servesRealm, usageExceeded, validityAt } from './token.ts'

describe('readValidityDate', () => {
  it.each([
    ['01/01/00 00:00', Date.UTC(2000, 0, 1)],
    ['31/12/99 23:59', Date.UTC(2099, 11, 31, 23, 59)],
    [' 24/07/26 08:05 ', Date.UTC(2026, 6, 24, 8, 5)],
    ['29/02/24 12:00', Date.UTC(2024, 1, 29, 12)],
    ['29/02/00 12:00', Date.UTC(2000, 1, 29, 12)],
    ['30/04/26 00:00', Date.UTC(2026, 3, 30)],
    ['31/07/26 00:00', Date.UTC(2026, 6, 31)],
  ])('reads %j as UTC, to the minute', (text, milliseconds) => {
    expect(readValidityDate(text)).toBe(milliseconds / 1000)
  })

  it.each([
    '',
    '24/07/26',
    '24/07/2026 08:05',
    '2026-07-24 08:05',
    '24/07/26 8:05',
    '24/07/26 08:05:00',
    '24.07.26 08:05',
    '00/07/26 08:05',
    '24/00/26 08:05',
    '24/13/26 08:05',
    '32/07/26 08:05',
    '31/04/26 08:05',
    '31/06/26 08:05',
    '31/09/26 08:05',
    '31/11/26 08:05',
    '29/02/26 08:05',
    '30/02/24 08:05',
    '24/07/26 24:00',
    '24/07/26 08:60',
    '٢٤/07/26 08:05',
  ])('reads no date in %j', (text) => {
    expect(readValidityDate(text)).toBeNull()
  })
})

describe('validityAt', () => {
  const start = Date.UTC(2026, 6, 1) / 1000
  const end = Date.UTC(2026, 6, 31, 23, 59) / 1000
  const token = aToken({ info: { validity_period_start: '01/07/26 00:00', validity_period_end: '31/07/26 23:59' } })

  it.each([
    [start - 1, 'too_early'],
    [start, 'valid'],
    [end, 'valid'],
    [end + 1, 'too_late'],
  ])('says at %d: %s', (now, validity) => {
    expect(validityAt(token, now)).toBe(validity)
  })

  it.each([
    ['no period', {}],
    ['an empty period', { validity_period_start: '', validity_period_end: '' }],
    // What cannot be read bounds nothing; enrolment and administration refuse to store it.
    ['a period that cannot be read', { validity_period_start: 'tomorrow', validity_period_end: '31/02/20 00:00' }],
    ['a start that is over', { validity_period_start: '01/07/26 00:00' }],
    ['an end that is to come', { validity_period_end: '31/07/26 23:59' }],
  ])('says valid for %s', (_, info) => {
    expect(validityAt(aToken({ info }), start)).toBe('valid')
  })
})

describe('servesRealm', () => {
  it.each([
    [[], 'corp', true],
    [['corp'], 'corp', true],
    [['lab', 'corp'], 'corp', true],
    [['lab'], 'corp', false],
    // A request that names a token has no realm.
    [['lab'], null, true],
    [[], null, true],
  ])('says of a token in %j and the realm %j: %s', (realms, realm, serves) => {
    expect(servesRealm(aToken({ realms }), realm)).toBe(serves)
  })
})

describe('usageExceeded', () => {
  it.each([
    [{}, false],
    [{ count_auth: 100, count_auth_success: 100 }, false],
    [{ count_auth_max: 2 }, false],
    [{ count_auth_max: 2, count_auth: 1 }, false],
    [{ count_auth_max: 2, count_auth: 2 }, true],
    [{ count_auth_max: 2, count_auth: 3 }, true],
    [{ count_auth_max: '2', count_auth: '10' }, true],
    [{ count_auth_max: '10', count_auth: '9' }, false],
    [{ count_auth_max: 0, count_auth: 5 }, false],
    [{ count_auth_max: '', count_auth: 5 }, false],
    [{ count_auth_max: 'many', count_auth: 5 }, false],
    [{ count_auth_success_max: 1 }, false],
    [{ count_auth_success_max: 1, count_auth_success: 1 }, true],
    // A count of one kind does not use up the limit of the other.
    [{ count_auth_success_max: 1, count_auth: 9 }, false],
    [{ count_auth_max: 1, count_auth_success: 9 }, false],
  ])('says of %j: %s', (info, exceeded) => {
    expect(usageExceeded(aToken({ info }))).toBe(exceeded)
  })
})

describe('ownChallengeValidity', () => {
  it.each([
    [{}, null],
    [{ challenge_validity_time: 90 }, 90],
    [{ challenge_validity_time: '90' }, 90],
    // Something that is no whole number counts as 120 (contract 2.5).
    [{ challenge_validity_time: 'long' }, 120],
    [{ challenge_validity_time: '1.5' }, 120],
    [{ challenge_validity_time: '' }, 120],
    [{ challenge_validity_time: '1e3' }, 120],
    [{ challenge_validity_time: -5 }, 120],
  ])('says of %j: %j', (info, seconds) => {
    expect(ownChallengeValidity(aToken({ info }))).toBe(seconds)
  })
})
