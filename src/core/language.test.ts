import { describe, expect, it } from 'vitest'
import { isSameLanguage, preferredLanguages } from './language.ts'

const of = (accepted: string, attributes: Readonly<Record<string, string>> = {}, decided = '') =>
  preferredLanguages({ decided, attributes, accepted })

describe('preferredLanguages', () => {
  it.each([
    ['', []],
    ['de', ['de']],
    ['de-AT', ['de-at', 'de']],
    ['de_CH', ['de-ch', 'de']],
    ['en;q=0.5, de', ['de', 'en']],
    ['fr;q=0, en', ['en']],
    ['de-AT, de;q=0.9, en;q=0.8', ['de-at', 'de', 'en']],
    ['*, ../etc, d, de/../x, ${otp}', []],
    ['a1,b2,ca,cs,da,de,el,en', ['ca', 'cs', 'da', 'de', 'el']],
  ])('reads Accept-Language %j', (header, languages) => {
    expect(of(header)).toEqual(languages)
  })

  it('asks what was decided first, then the user, then the client', () => {
    expect(of('en', { language: 'fr', preferredLanguage: 'it, es;q=0.5' }, 'de')).toEqual([
      'de',
      'fr',
      'it',
      'es',
      'en',
    ])
  })

  it('takes no property of every object for an attribute', () => {
    expect(of('', Object.create({ language: 'de' }))).toEqual([])
  })
})

it('compares languages without their regions', () => {
  expect([isSameLanguage('de-at', 'DE'), isSameLanguage('en', 'en-GB'), isSameLanguage('de', 'en')]).toEqual([
    true,
    true,
    false,
  ])
})
