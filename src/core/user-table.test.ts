import { describe, expect, it } from 'vitest'
import { readUserTable } from './user-table.ts'

const rowsOf = async (text: string, columns = {}) => {
  const read = await readUserTable(text, columns)
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value.rows.map(({ line, fields }) => [line, fields] as const)
}

describe('a table of users', () => {
  it.each<readonly [string, string]>([
    ['commas', 'username,email\nada,ada@x.test\n'],
    ['semicolons', 'username;email\r\nada;ada@x.test\r\n'],
    ['tabs', 'username\temail\nada\tada@x.test'],
    ['a byte order mark, as Excel writes it', '\ufeffusername;email\r\nada;ada@x.test\r\n'],
    ['quoted cells', '"username","email"\n"ada","ada@x.test"\n'],
    ['other names of columns, in any case', 'Login Name,E-Mail\nada,ada@x.test\n'],
    ['blanks around cells', 'username , email\n ada ,ada@x.test \n'],
  ])('is read with %s', async (_, text) => {
    expect(await rowsOf(text)).toEqual([[2, { username: 'ada', email: 'ada@x.test' }]])
  })

  it('has quotation marks, delimiters and line breaks in quoted cells, and counts lines by them', async () => {
    const text = 'username,description\nada,"one, ""two""\nthree"\n\nbob,x\n'

    expect(await rowsOf(text)).toEqual([
      [2, { username: 'ada', description: 'one, "two"\nthree' }],
      [5, { username: 'bob', description: 'x' }],
    ])
  })

  it('takes a delimiter in a quoted header for text', async () => {
    expect(await rowsOf('"a;b;c;d",username\n1,ada\n', { 'a;b;c;d': 'description' })).toEqual([
      [2, { description: '1', username: 'ada' }],
    ])
  })

  it('names columns as it is told, and leaves out those that are told to be left out', async () => {
    const text = 'Kürzel,Raum,Abteilung\nada,42,Physics\n'

    expect(await rowsOf(text, { Kürzel: 'username', Raum: '', Abteilung: 'department' })).toEqual([
      [2, { username: 'ada', department: 'Physics' }],
    ])
  })

  it('refuses a row with too many or too few cells, and reads the others', async () => {
    const read = await readUserTable('username,email\nada\nbob,b@x.test\neve,e@x.test,more\n')

    expect(read).toMatchObject({ ok: true, value: { rows: [{ line: 3 }] } })
    expect(read.ok && read.value.refused).toEqual([
      { line: 2, field: '', rule: 'must have 2 cells like the header, and has 1' },
      { line: 4, field: '', rule: 'must have 2 cells like the header, and has 3' },
    ])
  })

  it.each<readonly [string, object, object]>([
    ['', {}, { line: 1, rule: 'must be a header: the table is empty' }],
    ['email\nx@x.test\n', {}, { line: 1, field: 'username', rule: expect.stringContaining('the header names none') }],
    ['username,room\nada,1\n', {}, { line: 1, field: 'room', rule: expect.stringContaining('not known') }],
    ['username,login\nada,ada\n', {}, { line: 1, field: 'login', rule: 'is a second column for username' }],
    ['username\nada\n', { room: '' }, { line: 1, field: 'room', rule: 'is no column of the table' }],
    [
      'username,x\nada,1\n',
      { x: 'my_password' },
      { line: 1, field: 'x', rule: "cannot be the attribute 'my_password'" },
    ],
    ['username\n"ada\nbob\n', {}, { rule: 'must end the quotation marks that it opens' }],
    ['username\n"ada"x\n', {}, { line: 2, rule: 'must have a delimiter behind closing quotation marks' }],
  ])('is refused as a whole: %j', async (text, columns, problem) => {
    expect(await readUserTable(text, columns as Record<string, string>)).toMatchObject({
      ok: false,
      error: problem,
    })
  })
})
