/** `otpost user` and `otpost resolver`, for a local database and a remote server alike. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type People, peopleConfig, startPeople } from '../support/people.ts'
import { newDataDir, type Ran } from './otpost.ts'

type Act = (args: readonly string[], input?: string) => Promise<Ran>

const jsonOf =
  (command: Act) =>
  async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await command([...args, '--json'])).stdout)

function file(name: string, content: string | Uint8Array): string {
  const path = join(dirname(newDataDir()), name)
  writeFileSync(path, content)
  return path
}

/** A table goes to the server in a way of its own. */
export function tableTests(command: Act): void {
  const json = jsonOf(command)

  it('imports a table after a dry run, and shows each refused row', async () => {
    const bad = file('bad.csv', 'username;email\nbea;bea\ncleo\ndora;dora@x.test\n')
    const dry = await command(['user', 'import', bad, '--realm', 'tables', '--dry-run'])
    const before = await json('resolver', 'list')
    const refused = await command(['user', 'import', bad, '--realm', 'tables'])
    const partly = await command(['user', 'import', bad, '--realm', 'tables', '--skip-refused'])

    const rows = ['LINE  FIELD  RULE', '2     email  must be one e-mail address']
    const third = '3            must have 2 cells like the header, and has 1'
    expect(dry.stdout.trimEnd().split('\n')).toEqual([...rows, third])
    expect([dry.code, refused.code, partly.code]).toEqual([1, 1, 0])
    expect(refused.stderr).toContain('2 of 3 rows are refused, nothing was stored')
    expect(JSON.stringify(before)).not.toContain('tables')
    expect(partly.stderr).toContain('Realm tables: added 1, changed 0, left 0 as they were, removed 0.')
  })
}

export function userTests(command: Act): void {
  const json = jsonOf(command)

  it('adds a user, changes it, gives it a password and removes it', async () => {
    const at = ['--realm', 'lab']
    const added = await command(['user', 'add', 'ann', ...at, '--email', 'ann@x.test', '--attribute', 'room=42'])
    const edited = await command(['user', 'edit', 'ann', ...at, '--rename', 'anna', '--surname', 'Berg'])
    const password = await command(['user', 'password', 'anna', ...at, '--password-stdin'], 'secret\n')
    const listed = await json('user', 'list', '--login', 'an*')
    const removed = await command(['user', 'remove', 'anna', ...at])
    const again = await command(['user', 'remove', 'anna', ...at])

    expect([added, edited, password, removed].map(({ stderr }) => stderr)).toEqual([
      'Added ann to realm lab.\n',
      'Changed ann.\n',
      'Set the password of anna.\n',
      'Removed anna.\n',
    ])
    expect(listed).toEqual([
      expect.objectContaining({ username: 'anna', surname: 'Berg', email: 'ann@x.test', resolver: 'lab' }),
    ])
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('see `otpost user list`') })
  })

  it('hashes passwords of a table here, names columns as told, and reads other encodings', async () => {
    const bytes = Buffer.from('Kürzel,Name,Passwort,Raum\nkai,Käthe,geheim,1\n', 'latin1')
    const table = file('latin.csv', bytes)
    const columns = ['--column', 'Kürzel=username', '--column', 'Name=givenname', '--column', 'Raum=']
    const take = (...more: readonly string[]) =>
      command(['user', 'import', table, '--realm', 'latin', ...columns, ...more])

    const utf8 = await take()
    const latin = await take('--encoding', 'windows-1252', '--json')

    expect(utf8.stderr).toContain('is not in utf-8: --encoding names another one')
    expect(JSON.parse(latin.stdout)).toMatchObject({ stored: true, added: 1, refused: [] })
    expect(await json('user', 'list', '--realm', 'latin')).toEqual([expect.objectContaining({ givenname: 'Käthe' })])
  })

  /** Answers to the end: lists of tokens ask it, too. */
  let people: People | null = null
  afterAll(() => people?.close())

  it('makes a directory, asks it, and says what is wrong without secrets', async () => {
    people = await startPeople()
    const config = file('people.json', JSON.stringify(peopleConfig(people.url)))
    const saved = await command([
      'resolver',
      'set',
      'hr',
      '--type',
      'httpresolver',
      '--config',
      config,
      '--realm',
      'hr',
    ])
    const works = await command(['resolver', 'test', 'hr'])
    const found = await json('resolver', 'test', 'hr', '--user', 'zoe')
    const unknown = await command(['resolver', 'test', 'hr', '--user', 'nobody'])
    people.answer = () => ({ status: 401, body: 'people-secret' })
    const broken = await command(['resolver', 'test', 'hr'])
    const shown = await json('resolver', 'show', 'hr')
    const tokens = await command(['token', 'list', '--user', 'z*'])
    people.answer = null

    expect(saved).toMatchObject({ code: 0, stderr: expect.stringContaining('Saved resolver hr.') })
    expect([works.stdout, unknown.code]).toEqual(['hr answers, and has users.\n', 1])
    expect(found).toMatchObject({ works: true, user: { username: 'zoe', email: 'zoe@mail.test' } })
    expect(unknown.stderr).toContain('hr: answers, and knows no such user')
    expect(broken.stderr).toContain('hr: http_401; `otpost resolver show hr` shows its configuration')
    expect(shown).toMatchObject({ type: 'httpresolver', config: { HEADERS: '{"X-Api-Key":"***"}' } })
    expect(await json('resolver', 'list')).toContainEqual({ name: 'hr', type: 'httpresolver', realms: ['hr'] })
    expect(tokens.stderr).toContain("resolver 'hr' could not be asked: http_401")
  })
}
