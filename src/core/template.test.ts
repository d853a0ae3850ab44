import { describe, expect, it } from 'vitest'
import { asHeader, fill, type TextValues } from './template.ts'

const VALUES: TextValues = {
  otp: '418276',
  serial: 'LSEM000001',
  transactionId: '12345678901234567',
  attributes: { givenname: 'Ada', surname: 'Löw', empty: '' },
}

/** `${name}` as it stands in a text that an administrator wrote. */
const placeholder = (name: string): string => `$\{${name}}`

describe('fill', () => {
  it.each([
    ['<otp>', '418276'],
    ['Your OTP: <otp> (<serial>, <transactionid>)', 'Your OTP: 418276 (LSEM000001, 12345678901234567)'],
    ['<otp><otp>', '418276418276'],
    [`Hello ${placeholder('givenname')} ${placeholder('surname')}!`, 'Hello Ada Löw!'],
    [`${placeholder('otp')} ${placeholder('serial')}`, '418276 LSEM000001'],
    [`[${placeholder('empty')}]`, '[]'],
    ['', ''],
    ['no placeholder, 100 % <b>bold</b> $5 {x}', 'no placeholder, 100 % <b>bold</b> $5 {x}'],
  ])('fills %j', (text, filled) => {
    expect(fill(text, VALUES)).toBe(filled)
  })

  it.each([
    placeholder('unknown'),
    placeholder('Givenname'),
    placeholder('given name'),
    placeholder('otp.length'),
    placeholder(' otp '),
    placeholder(''),
    placeholder('7*7'),
    placeholder("__import__('os')"),
    '<OTP>',
    '< otp >',
    '<otp',
    '$otp',
    `$${placeholder('')}`,
    '% for x in y:',
    '## comment',
    '<%otp%>',
  ])('leaves %j as it is', (text) => {
    expect(fill(text, VALUES)).toBe(text)
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', '__proto__', 'prototype', 'settingOf'])(
    'does not take %s for an attribute',
    (name) => {
      expect(fill(placeholder(name), VALUES)).toBe(placeholder(name))
    },
  )

  it('takes an attribute that is called like a property of every object', () => {
    const attributes = { constructor: 'builder' }

    expect(fill(placeholder('constructor'), { ...VALUES, attributes })).toBe('builder')
  })

  it.each([
    '$&',
    '$1',
    '$$',
    '$`',
    "$'",
    '<otp>',
    '<serial>',
    placeholder('surname'),
    placeholder('otp'),
    '\\n',
    '<script>',
  ])('puts the value %j in as it is: one pass, nothing is executed', (value) => {
    const attributes = { givenname: value, surname: 'Löw' }

    expect(fill(`a ${placeholder('givenname')} b`, { ...VALUES, attributes })).toBe(`a ${value} b`)
  })

  it.each(['$&', '$1', '<serial>'])('puts the OTP in as it is, even %j', (otp) => {
    expect(fill('<otp> <serial>', { ...VALUES, otp })).toBe(`${otp} LSEM000001`)
  })

  it.each(['otp', 'serial'])('lets no attribute of the name %s stand in for the real one', (name) => {
    const attributes = { [name]: 'forged' }

    expect(fill(`<${name}>${placeholder(name)}`, { ...VALUES, attributes })).not.toContain('forged')
  })
})

describe('asHeader', () => {
  it.each([
    ['Your OTP', 'Your OTP'],
    ['  Ünïcode 🔑  ', 'Ünïcode 🔑'],
    ['Hi\r\nBcc: eve@example.org', 'Hi Bcc: eve@example.org'],
    ['Hi\nthere', 'Hi there'],
    ['Hi\rthere', 'Hi there'],
    ['a\u0000b\tc\u007fd\u001be', 'a b c d e'],
    ['\r\n', ''],
    ['', ''],
  ])('makes one line of %j', (text, header) => {
    expect(asHeader(text)).toBe(header)
  })
})
