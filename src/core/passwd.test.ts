import { describe, expect, it } from 'vitest'
import { readPasswd } from './passwd.ts'

const HASH = '$1$aaaaaaaa$bbbbbbbbbbbbbbbbbbbbbb'
const line = (gecos: string, login = 'ada', id = '2001') => `${login}:${HASH}:${id}:100:${gecos}:/home/${login}:/bin/sh`

const attributes = (gecos: string) => {
  const read = readPasswd(line(gecos))
  return read.ok ? read.value[0]?.attributes : undefined
}

describe('readPasswd', () => {
  it('reads login, id, hash and attributes', () => {
    const text = line('Ada Löw,Room 7,+49 160 7654321,+49 40 765,ada@corp.example')

    expect(readPasswd(text)).toEqual({
      ok: true,
      value: [
        {
          userId: '2001',
          login: 'ada',
          passwordHash: HASH,
          attributes: {
            username: 'ada',
            userid: '2001',
            description: 'Ada Löw,Room 7,+49 160 7654321,+49 40 765,ada@corp.example',
            email: 'ada@corp.example',
            givenname: 'Ada',
            surname: 'Löw',
            phone: '+49 40 765',
            mobile: '+49 160 7654321',
          },
        },
      ],
    })
  })

  it.each([
    // One name, no surname; the rest behind the first blank is the surname.
    ['Ada,,,', { givenname: 'Ada', surname: '' }],
    ['Ada van der Löw,,,', { givenname: 'Ada', surname: 'van der Löw' }],
    ['', { givenname: '', surname: '', phone: '', mobile: '', email: '', description: '' }],
    ['Ada Löw', { givenname: 'Ada', mobile: '', phone: '' }],
    ['Ada Löw,room,(0160) 765-43', { mobile: '(0160) 765-43', phone: '', email: '' }],
    ['Ada Löw,room,,,', { mobile: '', phone: '', email: '' }],
    ['Ada Löw,room,1,2,a@b.example,c@d.example', { email: 'c@d.example' }],
    ['Ada Löw,room,1,2,extra,a@b.example,more', { email: 'a@b.example' }],
    ['Ada Löw,room,1,2, a@b.example ', { email: 'a@b.example' }],
    ['Ada Löw,room,1,2,a@localhost', { email: '' }],
    // An address in the place of another item is that item.
    ['a@b.example,room,c@d.example,e@f.example', { email: '', givenname: 'a@b.example', mobile: 'c@d.example' }],
  ])('reads of the GECOS %j: %j', (gecos, expected) => {
    expect(attributes(gecos)).toMatchObject(expected)
  })

  it('reads several lines with any line ends, and leaves comments and blank lines out', () => {
    const text = ['# staff', line('Ada'), '', '   ', line('Bea', 'bea', '2002')].join('\r\n')

    const read = readPasswd(`${text}\r${line('Cem', 'cem', '2003')}\n`)

    expect(read.ok && read.value.map(({ login }) => login)).toEqual(['ada', 'bea', 'cem'])
  })

  it.each(['x', '*', '!', '', '$y$j9T$salt$hash'])('keeps the second field %j as it stands', (hash) => {
    const read = readPasswd(`ada:${hash}:2001:100:Ada:/home/ada:/bin/sh`)

    expect(read.ok && read.value[0]?.passwordHash).toBe(hash)
  })

  it('needs five fields and no more', () => {
    const read = readPasswd('ada:x:2001:100:Ada Löw')

    expect(read.ok && read.value[0]?.attributes.surname).toBe('Löw')
  })

  it.each([
    [['ada:x:2001:100'], 1, 'needs at least five fields separated by colons'],
    [['no colons at all'], 1, 'needs at least five fields separated by colons'],
    [[':x:2001:100:Ada'], 1, 'has an empty login'],
    [['ada:x::100:Ada'], 1, 'has an empty user id'],
    [['# one', '', line('Ada'), line('Eve', 'ada', '2009')], 4, 'repeats a login'],
    [[line('Ada'), line('Eve', 'eve')], 2, 'repeats a user id'],
  ])('refuses all of %j for line %d, which %s', (lines, number, rule) => {
    expect(readPasswd(lines.join('\n'))).toEqual({ ok: false, error: { line: number, rule } })
  })

  it('reads an empty text as nobody', () => {
    expect(readPasswd('')).toEqual({ ok: true, value: [] })
  })

  it('takes names of object properties for logins', () => {
    const read = readPasswd([line('A', '__proto__', '1'), line('B', 'constructor', '2')].join('\n'))

    expect(read.ok && read.value.map(({ login }) => login)).toEqual(['__proto__', 'constructor'])
  })
})
