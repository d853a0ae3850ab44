import { describe, expect, it } from 'vitest'
import { utcTime } from '../time.ts'
import { type MatchUser, readClients, readRealms, readTimes, readUsers } from './match.ts'

const alice: MatchUser = {
  login: 'alice',
  realm: 'corp',
  resolver: 'corpres',
  attributes: { email: 'a@corp.test', phone: '' },
}

const user = (list: string, who = alice): number | string => {
  const condition = readUsers(list)
  return condition.ok ? condition.value(who) : condition.error
}
const client = (list: string, address: string): number | string => {
  const condition = readClients(list)
  return condition.ok ? condition.value(address) : condition.error
}
/** 2026-11-25 is a Wednesday. */
const time = (text: string, at = '2026-11-25T09:41:00Z'): boolean | string => {
  const condition = readTimes(text)
  return condition.ok ? condition.value(utcTime(Date.parse(at) / 1000)) : condition.error
}

describe('users', () => {
  it.each<readonly [string, number]>([
    ['*', 1],
    ['alice', 3],
    ['ALICE', 0], // logins have case
    ['al.*', 2],
    ['al*', 2], // a * after no dot is .*
    ['lice', 0], // the whole login
    ['bob, alice', 3],
    ['corpres:', 2],
    ['other:', 0],
    ['alice.corpres:', 3],
    ['al*.corpres:', 2],
    ['alice@corp', 0], // conditions are on the login alone
    ['*@corp', 0],
    ['!alice', 0],
    ['-alice, *', 0],
    ['*, -alice', 0],
    ['!bob, *', 1],
    ['!bob', 0], // only negations match nothing
    ['', 0],
    [' , ,alice', 3],
    ['#email', 2],
    ['#phone', 0], // an empty attribute is none
    ['#email == a@corp.test', 2],
    ['#email == b@corp.test', 0],
    ['#email != b@corp.test', 2],
    ['#email ~= corp', 2],
    ['bob#email', 0],
    ['alice#email', 2],
  ])('%s gives %s', (list, precision) => expect(user(list)).toBe(precision))

  it.each([['a('], ['#e ~= ('], ['x'.repeat(600)]])('refuses %s', (list) =>
    expect(user(list)).toEqual(expect.any(String)),
  )
})

describe('clients', () => {
  it.each<readonly [string, string, number]>([
    ['*', '192.0.2.1', 1],
    ['192.0.2.1', '192.0.2.1', 3],
    ['192.0.2.0/24', '192.0.2.99', 3],
    ['192.0.2.0/24', '192.0.3.1', 0],
    ['10.0.0.0/8, 192.0.2.1', '10.1.2.3', 3],
    ['0.0.0.0/0, !10.0.0.1', '10.0.0.1', 0],
    ['0.0.0.0/0, !10.0.0.1', '10.0.0.2', 3],
    ['!10.0.0.1, 0.0.0.0/0', '10.0.0.1', 0],
    ['*, !10.0.0.1', '10.0.0.1', 1], // a bare * is looked for first
    ['::1', '::1', 3],
    ['2001:db8::/32', '2001:DB8:1::2', 3],
    ['2001:db8::/32', '192.0.2.1', 0],
    ['192.0.2.1', '::ffff:192.0.2.1', 3],
    ['::ffff:192.0.2.0/120', '192.0.2.9', 3],
    ['::ffff:192.0.2.0/120', '192.0.3.9', 0],
    ['::/0', '192.0.2.9', 0],
    ['192.0.2.1', 'unknown', 0],
  ])('%s for %s gives %s', (list, address, precision) => expect(client(list, address)).toBe(precision))

  it.each([
    ...[['nonsense'], ['localhost'], ['10.0.0.0/99'], ['10.1'], ['1.2.3.4.5']],
    // They would be read as 0.0.0.10/8, 10.0.0.1/16, 8.0.0.0/8 and 10.0.0.0/8.
    ...[['10/8'], ['10.1/16'], ['010.0.0.0/8'], ['167772160/8']],
  ])('refuses %s', (list) => expect(client(list, '::1')).toMatch(/is not an address/))
})

describe('realms', () => {
  it.each<readonly [string, number]>([
    ['*', 1],
    ['corp', 3],
    ['CORP', 3],
    ['partner, corp', 3],
    ['partner', 0],
    ['-corp', 0],
    ['corp, -corp', 0],
    ['*, -corp', 1],
    ['/:no realm:/', 0],
  ])('%s gives %s', (list, precision) => expect(readRealms(list)('Corp')).toBe(precision))
})

describe('times', () => {
  it.each<readonly [string, boolean]>([
    ['', true],
    ['*', true],
    ['* * * * * *', true],
    ['* * * * * *;', true],
    ['* 0-23 * * * *;', true],
    ['* 9 * * * *', true],
    ['* 10-12 * * * *', false],
    ['41 9 25 11 3 2026', true],
    ['* * * * 1-5 *', true],
    ['* * * * 0 *', false],
    ['*/2 * * * * *', false],
    ['1-59/10 * * * * *', true],
    ['* 1-2 * * * *; * 9 * * * *', true],
    ['* * * * * *; !* 9 * * * *', false],
    ['-* 9 * * * *', false],
  ])('%s gives %s', (text, matches) => expect(time(text)).toBe(matches))

  it('knows Sunday as 0 and as 7', () => {
    expect(time('* * * * 0 *', '2026-11-29T12:00:00Z')).toBe(true)
    expect(time('* * * * 7 *', '2026-11-29T12:00:00Z')).toBe(true)
  })

  it.each([['nonsense'], ['99 * * * * *'], ['* * * * *'], ['* 5-3 * * * *'], ['* * 0 * * *'], ['*/0 * * * * *']])(
    'refuses %s',
    (text) => expect(time(text)).toEqual(expect.any(String)),
  )
})

describe('utcTime', () => {
  it('agrees with the calendar for every day of four centuries', () => {
    for (let day = -30_000; day < 120_000; day += 1) {
      const date = new Date((day * 86_400 + 45_296) * 1000)
      expect(utcTime(day * 86_400 + 45_296)).toEqual({
        minute: 34,
        hour: 12,
        day: date.getUTCDate(),
        month: date.getUTCMonth() + 1,
        weekday: date.getUTCDay(),
        year: date.getUTCFullYear(),
      })
    }
  })
})
