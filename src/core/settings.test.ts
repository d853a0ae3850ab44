import { describe, expect, it } from 'vitest'
import {
  blockingTimeout,
  challengeAttempts,
  challengePrompt,
  challengeValidity,
  defaultRealm,
  findRealm,
  isTrue,
  pinComesFirst,
  type Settings,
  smsProviderTimeout,
  tokenDefaults,
  transactionIdLength,
} from './settings.ts'

function settingsOf(values: Readonly<Record<string, string>>): Settings {
  const entries = Object.entries(values).map(
    ([key, value]) => [key, { key, value, type: '', description: '' }] as const,
  )
  return { version: 1, config: new Map(entries), providers: [], policies: [], resolvers: [], realms: [] }
}

describe('transactionIdLength', () => {
  it.each([
    [{}, 17],
    [{ TransactionIdLength: '12' }, 12],
    [{ TransactionIdLength: ' 15 ' }, 15],
    [{ TransactionIdLength: '17' }, 17],
    // LinOTP fails on each of these (contract 2.3); a login never fails for a setting.
    [{ TransactionIdLength: '11' }, 17],
    [{ TransactionIdLength: '18' }, 17],
    [{ TransactionIdLength: 'long' }, 17],
    [{ TransactionIdLength: '' }, 17],
    [{ TransactionIdLength: '1e1' }, 17],
  ])('of %j is %d', (values, length) => {
    expect(transactionIdLength(settingsOf(values))).toBe(length)
  })
})

describe('challengeValidity', () => {
  it.each([
    [{}, 'email', 120],
    [{ DefaultChallengeValidityTime: '90' }, 'email', 90],
    [{ DefaultChallengeValidityTime: '90', EmailChallengeValidityTime: '600' }, 'email', 600],
    [{ EmailChallengeValidityTime: '600' }, 'sms', 120],
    // Later spellings win, whatever their order in the table.
    [{ emailChallengeValidityTime: '3', EMAILChallengeValidityTime: '2', EmailChallengeValidityTime: '1' }, 'email', 3],
    [{ SMSChallengeValidityTime: '2', SmsChallengeValidityTime: '1' }, 'sms', 2],
    [{ smsChallengeValidityTime: '7' }, 'sms', 7],
    // Something that is no number counts as 120, also where an earlier spelling is good.
    [{ DefaultChallengeValidityTime: '90', EmailChallengeValidityTime: 'long' }, 'email', 120],
    [{ DefaultChallengeValidityTime: '90', EmailChallengeValidityTime: '' }, 'email', 120],
    [{ DefaultChallengeValidityTime: '-5' }, 'email', 120],
    [{ DefaultChallengeValidityTime: '90' }, 'other', 90],
  ])('of %j for %s is %d seconds', (values, type, seconds) => {
    expect(challengeValidity(settingsOf(values), type)).toBe(seconds)
  })
})

describe('blockingTimeout', () => {
  it.each([
    [{}, 'email', 120],
    [{}, 'sms', 60],
    [{}, 'other', 0],
    [{ EmailBlockingTimeout: '0' }, 'email', 0],
    [{ EmailBlockingTimeout: '30' }, 'email', 30],
    [{ SMSBlockingTimeout: '30' }, 'sms', 30],
    [{ DefaultBlockingTimeout: '5' }, 'email', 120],
    [{ DefaultBlockingTimeout: '5' }, 'other', 5],
    // LinOTP takes it and fails when it sends (contract 12.2 #31).
    [{ EmailBlockingTimeout: 'abc' }, 'email', 120],
  ])('of %j for %s is %d seconds', (values, type, seconds) => {
    expect(blockingTimeout(settingsOf(values), type)).toBe(seconds)
  })
})

describe('isTrue', () => {
  it.each([
    ['True', true],
    ['true', true],
    [' TRUE ', true],
    ['False', false],
    ['1', false],
    ['yes', false],
    ['', false],
  ])('reads %j as %s, whatever the default is', (value, expected) => {
    expect(isTrue(settingsOf({ key: value }), 'key', false)).toBe(expected)
    expect(isTrue(settingsOf({ key: value }), 'key', true)).toBe(expected)
  })

  it.each([true, false])('takes the default when the key is missing: %s', (byDefault) => {
    expect(isTrue(settingsOf({}), 'key', byDefault)).toBe(byDefault)
  })

  it.each([
    [{}, true],
    [{ PrependPin: 'True' }, true],
    [{ PrependPin: 'false' }, false],
  ])('puts the PIN first, given %j: %s', (values, first) => {
    expect(pinComesFirst(settingsOf(values))).toBe(first)
  })
})

describe('numbers with a default', () => {
  it.each([
    [{}, { digits: 6, countWindow: 10, syncWindow: 1000, maxFailCount: 10 }],
    [
      { DefaultOtpLen: '8', DefaultCountWindow: '11', DefaultSyncWindow: '12', DefaultMaxFailCount: '3' },
      { digits: 8, countWindow: 11, syncWindow: 12, maxFailCount: 3 },
    ],
    [
      { DefaultOtpLen: 'six', DefaultMaxFailCount: '' },
      { digits: 6, countWindow: 10, syncWindow: 1000, maxFailCount: 10 },
    ],
  ])('of new tokens, given %j', (values, expected) => {
    expect(tokenDefaults(settingsOf(values))).toEqual(expected)
  })

  it.each([
    [{}, 0, 300],
    [{ max_attempts: '3', SMSProviderTimeout: '60' }, 3, 60],
    [{ max_attempts: 'few', SMSProviderTimeout: 'long' }, 0, 300],
  ])('of attempts and SMS, given %j', (values, attempts, timeout) => {
    expect([challengeAttempts(settingsOf(values)), smsProviderTimeout(settingsOf(values))]).toEqual([attempts, timeout])
  })
})

describe('challengePrompt', () => {
  it.each([
    [{}, 'email', null],
    [{ EMAIL_CHALLENGE_PROMPT: 'Look into your mail' }, 'email', 'Look into your mail'],
    [{ EMAIL_CHALLENGE_PROMPT: 'Look into your mail' }, 'sms', null],
    [{ SMS_CHALLENGE_PROMPT: '' }, 'sms', null],
  ])('of %j for %s is %j', (values, type, prompt) => {
    expect(challengePrompt(settingsOf(values), type)).toBe(prompt)
  })
})

describe('realms', () => {
  const realms = [
    { name: 'lab', resolvers: [], isDefault: false },
    { name: 'corp', resolvers: [], isDefault: true },
  ]
  const settings: Settings = { ...settingsOf({}), realms }

  it.each([
    ['corp', 'corp'],
    ['CORP', 'corp'],
    ['Lab', 'lab'],
    ['nowhere', undefined],
    ['', undefined],
  ])('finds %j: %j', (name, found) => {
    expect(findRealm(settings, name)?.name).toBe(found)
  })

  it('finds the default one, if there is one', () => {
    expect(defaultRealm(settings)?.name).toBe('corp')
    expect(defaultRealm({ ...settings, realms: [] })).toBeUndefined()
  })
})
