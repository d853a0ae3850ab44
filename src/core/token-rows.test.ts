import { describe, expect, it } from 'vitest'
import { readTokenRows, writeTokenRows } from './token-rows.ts'

const read = (csv: string) => {
  const rows = readTokenRows(csv)
  if (!rows.ok) throw new Error(rows.error)
  return rows.value
}

describe('a file of tokens', () => {
  it.each([
    ['commas', 'user,email\nada,ada@example.org\n'],
    ['semicolons', 'user;email\nada;ada@example.org\n'],
    ['tabs', 'user\temail\nada\tada@example.org\n'],
    ['CRLF', 'user,email\r\nada,ada@example.org\r\n'],
    ['a byte order mark, capitals and blanks', '\ufeff User , EMAIL\n ada , ada@example.org \n'],
    ['quotation marks', '"user","email"\n"ada","ada@example.org"'],
    ['blank lines at the end', 'user,email\nada,ada@example.org\n\n\n,\n'],
  ])('is read with %s', (_, csv) => {
    expect(read(csv)).toEqual({ rows: [{ line: 2, fields: { user: 'ada', email: 'ada@example.org' } }], problems: [] })
  })

  it('numbers rows by the line they begin on, also behind values of several lines', () => {
    const { rows } = read('serial,description\nA,"one\ntwo\nthree"\n\nB,"say ""hi"", you"\nC,\n')

    expect(rows).toEqual([
      { line: 2, fields: { serial: 'A', description: 'one\ntwo\nthree' } },
      { line: 6, fields: { serial: 'B', description: 'say "hi", you' } },
      { line: 7, fields: { serial: 'C' } },
    ])
  })

  it('keeps blanks of a PIN, and takes the number of a row from its column', () => {
    expect(read('line,serial,pin\n700,A, 12 \n').rows).toEqual([
      { line: 700, fields: { line: '700', serial: 'A', pin: ' 12 ' } },
    ])
  })

  it.each([
    ['an unknown column', 'user,mail\nada,a@b.c\n', /'mail' is none of line, type, user/],
    ['nothing', '', /must begin with a line of column names/],
    ['a column twice', 'user,user\n', /must name the column user once/],
  ])('is refused as a whole for %s', (_, csv, rule) => {
    const rows = readTokenRows(csv)

    expect(rows.ok ? '' : rows.error).toMatch(rule)
  })

  it('tells what is wrong with a row, and reads the others', () => {
    const { rows, problems } = read(
      [
        'line,user,serial,email',
        ',ada,A',
        ',bob,B,b@x.test,more',
        'x,cleo,C,',
        ',dan,A,',
        ',eve,A,',
        ',fay,,',
        ',fay,,',
      ].join('\n'),
    )

    expect(rows.map(({ line }) => line)).toEqual([5, 7])
    expect(problems).toEqual([
      { line: 2, field: 'line', rule: 'must have 4 values, as the header has; it has 3' },
      { line: 3, field: 'line', rule: 'must have 4 values, as the header has; it has 5' },
      { line: 4, field: 'line', rule: 'must be a whole number' },
      { line: 6, field: 'serial', rule: 'must stand once in a file; line 5 has the same' },
      { line: 8, field: 'user', rule: 'must stand once in a file; line 7 has the same' },
    ])
  })

  it('bars a row with an open quotation mark, and tells nothing of its values', () => {
    const { rows, problems } = read('serial,pin\nA,1\nB,"geheim\nC,3\n')

    expect(rows.map(({ fields }) => fields.serial)).toEqual(['A'])
    expect(problems).toEqual([{ line: 3, field: 'line', rule: 'must have every quotation mark closed' }])
  })

  it('is written so that the same rows are read again', () => {
    const { rows } = read('serial,pin,description\nA," 1;2","x\ny"\nB,"\'""",\n')
    const numbered = rows.map(({ line, fields }) => ({ line, fields: { ...fields, line: String(line) } }))

    expect(read(writeTokenRows(rows))).toEqual({ rows: numbered, problems: [] })
  })
})
