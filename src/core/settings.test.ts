import { describe, expect, it } from 'vitest'
import {
  brokenRule,
  emailBlocking,
  emailPrompt,
  lastAccess,
  maxAttemptsSetting,
  prependPin,
  smsBlocking,
  smsTimeout,
  transactionLength,
} from './setting-keys.ts'
import { challengeValidity, defaultRealm, findRealm, type Settings, settingOf, tokenDefaults } from './settings.ts'

function settingsOf(values: Readonly<Record<string, string>>): Settings {
  const entries = Object.entries(values).map(
    ([key, value]) => [key, { key, value, type: '', description: '' }] as const,
  )
  return { version: 1, config: new Map(entries), providers: [], policies: [], resolvers: [], realms: [] }
}

describe('the length of a transaction id', () => {
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
    expect(settingOf(settingsOf(values), transactionLength)).toBe(length)
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

describe('blocking times', () => {
  it.each([
    [{}, emailBlocking, 120],
    [{}, smsBlocking, 60],
    [{ EmailBlockingTimeout: '0' }, emailBlocking, 0],
    [{ EmailBlockingTimeout: '30' }, emailBlocking, 30],
    [{ SMSBlockingTimeout: '30' }, smsBlocking, 30],
    [{ DefaultBlockingTimeout: '5' }, emailBlocking, 120],
    // LinOTP takes it and fails when it sends (contract 12.2 #31).
    [{ EmailBlockingTimeout: 'abc' }, emailBlocking, 120],
  ])('of %j', (values, setting, seconds) => {
    expect(settingOf(settingsOf(values), setting)).toBe(seconds)
  })
})

describe('truth values', () => {
  it.each([
    [{}, true],
    [{ PrependPin: 'True' }, true],
    [{ PrependPin: ' FALSE ' }, false],
    [{ PrependPin: 'no' }, true], // no truth value: as if it were not there
  ])('of PrependPin, given %j: %s', (values, first) => {
    expect(settingOf(settingsOf(values), prependPin)).toBe(first)
  })

  it.each([
    [{}, false],
    [{ 'token.last_access': 'True' }, true],
    [{ 'token.last_access': 'false' }, false],
    [{ 'token.last_access': '%Y-%m-%d' }, true],
  ])('of token.last_access, given %j: %s', (values, stamped) => {
    expect(settingOf(settingsOf(values), lastAccess)).toBe(stamped)
  })
})

describe('rules', () => {
  it.each([
    ['TransactionIdLength', '99', 'must be a whole number from 12 to 17'],
    ['EmailBlockingTimeout', '', 'must be a whole number from 0 to 31536000'],
    ['PrependPin', 'yes', 'must be True or False'],
    ['token.last_access', 'maybe', 'must be True, False or a time format like %Y-%m-%d'],
    ['TransactionIdLength', '12', null],
    ['EMAIL_CHALLENGE_PROMPT', 'anything', null],
    ['what.nobody.reads', 'anything', null],
  ])('of %s for %j: %s', (key, value, rule) => {
    expect(brokenRule(key, value)).toBe(rule)
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
    const settings = settingsOf(values)
    expect([settingOf(settings, maxAttemptsSetting), settingOf(settings, smsTimeout)]).toEqual([attempts, timeout])
  })
})

describe('prompts', () => {
  it.each([
    [{}, ''],
    [{ EMAIL_CHALLENGE_PROMPT: 'Look into your mail' }, 'Look into your mail'],
    [{ SMS_CHALLENGE_PROMPT: 'x' }, ''],
  ])('of e-mail, given %j: %j', (values, prompt) => {
    expect(settingOf(settingsOf(values), emailPrompt)).toBe(prompt)
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
