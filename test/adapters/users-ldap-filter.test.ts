/** Filters of ldapresolver: what is read, what is refused, and that no login changes what is asked. */
import { BerWriter } from 'ldapts'
import { describe, expect, it } from 'vitest'
import {
  type Filter,
  fillFilter,
  isAttribute,
  patternFilter,
  readFilter,
  takesLogin,
} from '../../src/adapters/users/ldap-filter.ts'
import { toLdapts } from '../../src/adapters/users/ldap-wire.ts'
import { filterText } from '../support/ldap-filter.ts'
import { randomFrom } from '../support/random-configs.ts'

const template = (text: string) => {
  const read = readFilter(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
const onWire = (filter: Filter): string => {
  const writer = new BerWriter()
  toLdapts(filter).write(writer)
  return filterText(writer.buffer)
}
const asked = (text: string, login: string | null = 'ada') => onWire(fillFilter(template(text), login))

describe('a filter', () => {
  it.each([
    ['(uid=%s)', '(uid=ada)'],
    ['uid=%s', '(uid=ada)'],
    [' ( & ( uid=%s )\r\n\t(objectClass=person) ) ', '(&(uid=ada )(objectClass=person))'],
    ['(uid=%s)(objectClass=person)', '(&(uid=ada)(objectClass=person))'],
    ['(&(|(uid=%s)(mail=%s@example.org))(!(a=b)))', '(&(|(uid=ada)(mail=ada@example.org))(!(a=b)))'],
    ['(mail=%s@*.org)', '(mail=ada@*.org)'],
    ['(mail=*%s*)', '(mail=*ada*)'],
    ['(cn=a**b)', '(cn=a*b)'],
    ['(cn=*)', '(cn=*)'],
    ['(cn=)', '(cn=)'],
    ['(cn= a b )', '(cn= a b )'],
    ['(cn=a=b)', '(cn=a=b)'],
    ['(n>=%s)', '(n>=ada)'],
    ['(n<=5)', '(n<=5)'],
    ['(n~=%s)', '(n~=ada)'],
    ['(cn=J\\c3\\bcrgen \\28x\\29 \\2a \\5c)', '(cn=Jürgen \\28x\\29 \\2a \\5c)'],
    ['(cn=Jürgen)', '(cn=Jürgen)'],
    ['(cn=*\\2a*)', '(cn=*\\2a*)'],
    ['(cn;lang-de=x)', '(cn;lang-de=x)'],
    ['(2.5.4.3=x)', '(2.5.4.3=x)'],
    ['(&)', '(&)'],
    ['(memberOf:1.2.840.113556.1.4.1941:=cn=x,dc=y)', '(memberOf:1.2.840.113556.1.4.1941:=cn=x,dc=y)'],
    ['(userAccountControl:1.2.840.113556.1.4.803:=2)', '(userAccountControl:1.2.840.113556.1.4.803:=2)'],
    ['(ou:dn:=people)', '(ou:dn:=people)'],
    ['(ou:=people)', '(ou:=people)'],
    ['(:dn:caseExactMatch:=x)', '(:dn:caseExactMatch:=x)'],
    ['(uid=%d %%s)', '(uid=%d %ada)'],
  ])('%s asks for %s', (text, wire) => expect(asked(text)).toBe(wire))

  it.each([
    ['(uid=%s)', '(uid=*)'],
    ['(mail=%s@example.org)', '(mail=*@example.org)'],
    ['(mail=x*%s)', '(mail=x*)'],
    ['(&(uid=%s)(objectClass=person))', '(&(uid=*)(objectClass=person))'],
    ['(n>=%s)', '(n=*)'],
    ['(uid:caseExactMatch:=%s)', '(uid=*)'],
    ['(:caseExactMatch:=%s)', '(objectClass=*)'],
  ])('%s asks for %s when any login will do', (text, wire) => expect(asked(text, null)).toBe(wire))

  it('keeps bytes that are no text', () => {
    expect(fillFilter(template('(objectGUID=\\ff\\fe\\00)'), 'ada')).toEqual({
      kind: 'equal',
      attribute: 'objectGUID',
      value: Uint8Array.of(0xff, 0xfe, 0),
    })
  })

  it.each([
    ['', 'no attribute'],
    ['()', 'no attribute'],
    ['(uid)', 'no attribute'],
    ['(=x)', 'no attribute'],
    ['(:=x)', 'no attribute'],
    ['(u id=x)', 'no attribute'],
    ['(uid=x', 'closing parenthesis is missing'],
    ['(&(uid=x)', 'closing parenthesis is missing'],
    ['(uid=x))', 'something follows'],
    ['(uid=x)y', 'something follows'],
    ['(&(uid=x)y)', 'closing parenthesis is missing'],
    ['(!(a=b)(c=d))', 'exactly one'],
    ['(!)', 'exactly one'],
    ['(uid=a(b)', 'parenthesis in a value'],
    ['(uid=\\4)', 'two hexadecimal digits'],
    ['(uid=\\zz)', 'two hexadecimal digits'],
    ['(uid=x\\)', 'two hexadecimal digits'],
    ['(uid>=a*)', '* is only for ='],
    ['(uid:rule:=a*)', '* is only for ='],
    ['(uid=\\ff%s)', 'UTF-8'],
    ['(uid=\\ff*)', 'UTF-8'],
    ['(uid>=\\ff)', 'only for ='],
    ['(uid:rule:=\\ff)', 'UTF-8'],
    [`${'(!'.repeat(40)}(a=b)${')'.repeat(40)}`, 'nested'],
    [`(a=${'b'.repeat(9000)})`, 'characters'],
    ['('.repeat(5000), 'closing parenthesis is missing'],
  ])('%s is refused, with the reason', (text, reason) => {
    const read = readFilter(text)

    expect(read.ok ? 'read' : read.error).toContain(reason)
  })

  it.each([
    ['(uid=%s)', true],
    ['(!(uid=x*%s))', true],
    ['(uid:rule:=%s)', true],
    ['(uid=*)', false],
    ['(%s=uid)', false],
    ['(uid=\\25s)', false],
  ])('%s has a place for the login: %s', (text, has) => {
    const read = readFilter(text)

    expect(read.ok && takesLogin(read.value)).toBe(has)
  })
})

describe('a login', () => {
  const escaped = (login: string) =>
    login.replace(/[*()\\\0]/g, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`)
  const HOSTILE = [...'*()\\&|!=<>~:%s,;+"#\0\n\r\t /@', 'ü', '€', '𝄞', '\\2a', '\\', ')(', '*)(', 'a', 'uid=', '%s']
  const FILTERS = [
    '(uid=%s)',
    '(&(|(uid=%s)(mail=%s@example.org))(!(left=%s)))',
    '(cn=*%s*)',
    '(cn=%s*x)',
    '(uid:caseExactMatch:=%s)',
    '(n>=%s)',
  ]
  const random = randomFrom('ldap logins')
  const logins = Array.from({ length: 2000 }, () =>
    Array.from({ length: 1 + Math.floor(random() * 8) }, () => HOSTILE[Math.floor(random() * HOSTILE.length)]).join(''),
  )

  it.each(FILTERS)('in %s is a value, whatever is in it, and the rest stays', (text) => {
    const marked = asked(text, 'MARK')
    for (const login of logins) {
      expect(asked(text, login)).toBe(marked.replaceAll('MARK', () => escaped(login)))
    }
  })

  it('written into a filter by the escapes of RFC 4515 is the same again', () => {
    const bytes = (login: string) => Buffer.from(login).toString('hex').replace(/../g, '\\$&')
    for (const login of logins) {
      expect(fillFilter(template(`(uid=${bytes(login)})`), 'x')).toEqual(fillFilter(template('(uid=%s)'), login))
    }
  })
})

describe('a pattern', () => {
  it.each([
    ['ada', '(uid=ada)'],
    ['a*', '(uid=a*)'],
    ['*a*b*', '(uid=*a*b*)'],
    ['*', '(uid=*)'],
    ['**', '(uid=*)'],
    ['', '(!(uid=*))'],
    ['*)(x=*', '(uid=*\\29\\28x=*)'],
    ['\\2a', '(uid=\\5c2a)'],
  ])('%s asks for %s', (pattern, wire) => expect(onWire(patternFilter('uid', pattern))).toBe(wire))
})

it.each([
  ...['uid', 'sAMAccountName', 'cn;lang-de', '2.5.4.3', 'my_attribute'].map((name) => [name, true]),
  ...['', ' ', 'a b', '(uid', 'uid=', '*', '1', 'uid;', 'ü', '-a', 'a\nb', 'a\n'].map((name) => [name, false]),
])('%j is the name of an attribute: %s', (name, is) => expect(isAttribute(String(name))).toBe(is))
