/** Every command that administers: the same answers on the local database and over the network. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { closedPort, type SmtpServer, startSmtpServer } from '../support/smtp-server.ts'
import { importTests } from './import-commands.ts'
import { newDataDir, otpost, otpostJson, type Ran, type RunOptions } from './otpost.ts'
import { tokenTests } from './token-commands.ts'

const PASSWD = 'ada:x:1001:1001:Ada Lovelace,,,,ada@example.org::\nbob:x:1002:1002:Bob,,,,bob@example.org::\n'

export type Target = RunOptions & { readonly args: readonly string[] }

/**
 * @param open says how commands reach their server, with a fresh database
 * @param more tests of commands that need not be run on every target
 */
export function describeCommands(
  open: () => Promise<Target>,
  more: (command: (args: readonly string[], input?: string) => Promise<Ran>) => void = () => {},
): void {
  let smtp: SmtpServer

  let to: Target
  const command = (args: readonly string[], input = ''): Promise<Ran> => otpost([...args, ...to.args], { ...to, input })
  const json = (args: readonly string[]): Promise<unknown> => otpostJson([...args, ...to.args], to)

  beforeAll(async () => {
    smtp = await startSmtpServer()
    to = await open()
    const imported = await command(['user', 'import', '-', '--realm', 'staff'], PASSWD)
    expect(imported).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('Realm staff has 2 users from stdin.'),
    })
    return () => smtp.close()
  })

  it('adds an administrator with a password from standard input, and removes the administrator', async () => {
    const added = await command(['admin', 'add', 'eve', '--password-stdin'], 'correct horse\n')
    const after = await json(['admin', 'list'])
    await command(['admin', 'add', 'other', '--password-stdin'], 'correct horse\n')
    const removed = await command(['admin', 'remove', 'eve'])

    expect(added).toEqual({ code: 0, stdout: '', stderr: 'Added administrator eve.\n' })
    expect(after).toContainEqual({ username: 'eve', createdAt: expect.any(Number) })
    expect(removed.code).toBe(0)
    expect(await json(['admin', 'list'])).not.toContainEqual(expect.objectContaining({ username: 'eve' }))
  })

  it('makes an API token, which it shows once, and revokes it', async () => {
    await command(['admin', 'add', 'tokenist', '--password-stdin'], 'correct horse')
    const made = await json(['admin', 'token', 'add', 'tokenist', '--name', 'backup'])
    const list = await json(['admin', 'token', 'list'])
    const { id } = made as { id: string } // matched below
    const revoked = await command(['admin', 'token', 'revoke', id])

    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{12}$/),
      token: expect.stringMatching(/^otpost_[0-9a-f]{12}_/),
    })
    const free = { scope: [], realms: [], expiresAt: null, lastUsedAt: null }
    expect(list).toContainEqual({ id, admin: 'tokenist', name: 'backup', createdAt: expect.any(Number), ...free })
    expect(revoked).toEqual({ code: 0, stdout: '', stderr: `Revoked API token ${id}.\n` })
    expect(await json(['admin', 'token', 'list'])).not.toContainEqual(expect.objectContaining({ id }))
  })

  it('binds an API token to rights, realms and a time, and says what is wrong', async () => {
    await command(['admin', 'add', 'binder', '--password-stdin'], 'correct horse')
    const make = (...options: readonly string[]) => ['admin', 'token', 'add', 'binder', '--name', 'bound', ...options]

    const wrong = await command(make('--scope', 'admin/nothing'))
    const made = await command(make('--scope', 'admin/reset,admin/show', '--realm', 'staff', '--expires', '2040-01-31'))
    const key = await command(make('--scope', 'validate', '--realm', 'staff'))
    const list = await command(['admin', 'token', 'list'])

    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("'admin/nothing' is none")])
    expect(made.code).toBe(0)
    expect(list.stdout).toMatch(/ binder +bound +admin\/reset admin\/show @staff +\S+Z +2040-02-01T00:00:00Z +never/)
    expect([key.code, list.stdout]).toEqual([
      0,
      expect.stringMatching(/ binder +bound +validate @staff +\S+Z +never +never/),
    ])
  })

  it('sets the password of an administrator', async () => {
    await command(['admin', 'add', 'forgetful', '--password-stdin'], 'correct horse')

    const short = await command(['admin', 'password', 'forgetful', '--password-stdin'], 'short')
    const set = await command(['admin', 'password', 'forgetful', '--password-stdin'], 'another horse')
    const made = await json(['admin', 'password', 'forgetful', '--generate'])
    const nobody = await command(['admin', 'password', 'nobody', '--generate'])

    expect([short.code, short.stderr]).toEqual([1, expect.stringContaining('password must have 8 to 1024 characters')])
    expect(set).toEqual({ code: 0, stdout: '', stderr: 'Set the password of administrator forgetful.\n' })
    expect(made).toEqual({ username: 'forgetful', password: expect.stringMatching(/^\S{12,}$/) })
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining("no administrator 'nobody'")])
  })

  it('saves a policy that could lock out when it is forced to', async () => {
    const set = (name: string, user: string, ...more: readonly string[]) =>
      command(['policy', 'set', name, '--scope', 'system', '--action', 'read, write', '--user', user, ...more])
    const remove = (name: string) => command(['policy', 'remove', name, '--force'])

    const open = await set('open', '*')
    const refused = await set('shut', '')
    const forced = await set('shut', '', '--force')

    expect([open.code, refused.code, forced.code]).toEqual([0, 1, 0])
    expect(refused.stderr).toContain('potential lockout')
    expect([(await remove('shut')).code, (await remove('open')).code]).toEqual([0, 0])
  })

  it('replaces the users of a resolver that is there', async () => {
    const file = join(dirname(newDataDir()), 'guests.passwd')
    writeFileSync(file, PASSWD)
    const first = await json(['user', 'import', file, '--realm', 'guests', '--resolver', 'visitors'])
    writeFileSync(file, 'zoe:x:7:7:Zoe Z,,,,zoe@example.org::\n')
    const second = await json(['user', 'import', file, '--realm', 'guests', '--resolver', 'visitors'])

    expect([first, second]).toEqual([2, 1].map((users) => ({ realm: 'guests', resolver: 'visitors', users })))
    expect(await json(['user', 'list', '--realm', 'guests'])).toEqual([
      expect.objectContaining({ username: 'zoe', email: 'zoe@example.org', surname: 'Z', resolver: 'visitors' }),
    ])
  })

  it('enrols a token, shows it and removes it', async () => {
    const init = await command(
      [
        'token',
        'init',
        '--user',
        'ada',
        '--realm',
        'staff',
        '--email',
        'ada@example.org',
        '--description',
        'mail',
        '--pin-stdin',
      ],
      'my pin\n',
    )
    const serial = init.stdout.trim()
    const [list, shown] = await Promise.all([
      json(['token', 'list', '--user', 'ada', '--realm', 'staff']),
      json(['token', 'show', serial]),
    ])
    const removed = await command(['token', 'remove', serial])
    const again = await command(['token', 'remove', serial])

    expect(init).toEqual({ code: 0, stdout: expect.stringMatching(/^LSEM[0-9A-F]{8}\n$/), stderr: '' })
    expect(shown).toEqual({
      ...{ serial, type: 'email', description: 'mail', user: 'ada', realms: ['staff'], address: 'ada@example.org' },
      ...{
        active: true,
        failCount: 0,
        maxFailCount: 10,
        digits: 6,
        counter: 0,
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    })
    expect(list).toEqual([shown])
    expect(removed.code).toBe(0)
    expect(again).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`no token with serial ${serial}; see \`otpost token list\``),
    })
  })

  it('enrols a token whose OTPs go by SMS, through a provider of its own', async () => {
    const file = join(dirname(newDataDir()), 'sms')
    const saved = await command([
      'provider',
      'set',
      'texts',
      '--type',
      'sms',
      '--class',
      'FileSMSProvider',
      '--set',
      `file=${file}`,
    ])
    const tested = await command(['provider', 'test', 'texts', '--type', 'sms', '--to', '+49 170 1234567'])
    const { stdout } = await command([
      'token',
      'init',
      '--user',
      'bob',
      '--realm',
      'staff',
      '--phone',
      '+49 170 1234567',
    ])

    expect([saved.code, tested.code]).toEqual([0, 0])
    expect(await json(['provider', 'list'])).toContainEqual(expect.objectContaining({ type: 'sms', name: 'texts' }))
    expect(await json(['token', 'show', stdout.trim()])).toMatchObject({ type: 'sms', address: '+49 170 1234567' })
  })

  it('saves a provider, masks its password, and sends a test mail through it', async () => {
    const config = JSON.stringify({
      SMTP_SERVER: '127.0.0.1',
      SMTP_USER: 'mailer',
      SMTP_PASSWORD: 'hunter22',
      NONSENSE: 1,
    })
    const saved = await command(
      ['provider', 'set', 'relay', '--config', '-', '--set', `SMTP_PORT=${smtp.port}`, '--set', 'SMTP_USER='],
      config,
    )
    const list = await command(['provider', 'list', '--json'])
    const tested = await command(['provider', 'test', 'relay', '--to', 'me@example.org'])

    expect(saved).toEqual({ code: 0, stdout: '', stderr: expect.stringContaining('warning: unknown keys: NONSENSE') })
    expect(JSON.parse(list.stdout)).toContainEqual({
      ...{ type: 'email', name: 'relay', class: 'SMTPEmailProvider', timeout: 120, isDefault: true },
      managed: false,
      rest: null,
      config: {
        SMTP_SERVER: '127.0.0.1',
        SMTP_PORT: String(smtp.port),
        SMTP_USER: '',
        SMTP_PASSWORD: '***',
        NONSENSE: 1,
      },
    })
    expect(tested).toEqual({ code: 0, stdout: 'relay took the message to me@example.org.\n', stderr: '' })
    expect(smtp.mails.at(-1)?.to).toEqual(['me@example.org'])
    expect(smtp.mails.at(-1)?.parsed).toMatchObject({ subject: 'Your OTP', text: '123456\n' })
  })

  it('removes a provider, unless it is the default or none', async () => {
    await command(['provider', 'set', 'spare', '--set', 'SMTP_SERVER=127.0.0.1'])
    const removed = await command(['provider', 'remove', 'spare'])
    const again = await command(['provider', 'remove', 'spare'])
    await command(['provider', 'set', 'first', '--type', 'sms', '--set', 'URL=http://127.0.0.1:9', '--default'])
    await command(['provider', 'set', 'second', '--type', 'sms', '--set', 'URL=http://127.0.0.1:9'])
    const kept = await command(['provider', 'remove', 'first', '--type', 'sms'])

    expect(removed).toEqual({ code: 0, stdout: '', stderr: 'Removed provider spare.\n' })
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no email provider spare; see') })
    expect(kept).toMatchObject({ code: 1, stderr: expect.stringContaining('Default provider could not be deleted') })
    expect((await json(['provider', 'list'])) as readonly object[]).toContainEqual(
      expect.objectContaining({ type: 'sms', name: 'first' }),
    )
  })

  it('says why a test mail was not taken, with exit code 1', async () => {
    await command([
      'provider',
      'set',
      'dead',
      '--set',
      'SMTP_SERVER=127.0.0.1',
      '--set',
      `SMTP_PORT=${await closedPort()}`,
    ])
    const tested = await command(['provider', 'test', 'dead', '--to', 'me@example.org', '--json'])

    expect(tested.code).toBe(1)
    expect(JSON.parse(tested.stdout)).toEqual({
      delivered: false,
      tries: [expect.objectContaining({ provider: 'dead' })],
    })
    expect(tested.stderr).toMatch(/^otpost: dead did not take the message: \w+; .*\n$/)
  })

  it('passes on what the server says of a wrong request, and what to do next', async () => {
    const nobody = await command(['token', 'init', '--user', 'nobody', '--email', 'x@example.org'])
    const broken = await command(['user', 'import', '-'], 'ada:x\n')

    expect([nobody.code, broken.code]).toEqual([1, 1])
    expect(nobody.stderr).toMatch(/^otpost: ERR1112: .*nobody.*; see `otpost user list`.*\n$/)
    expect(broken.stderr).toMatch(/^otpost: .*line 1 needs at least five fields.*\n$/)
  })

  it('prints tables for people', async () => {
    const users = await command(['user', 'list', '--realm', 'staff'])

    expect(users.stdout.split('\n').slice(0, 2)).toEqual([
      'USER  EMAIL            NAME          RESOLVER',
      'ada   ada@example.org  Ada Lovelace  staff',
    ])
  })

  it('explains overlapping policies: what is in force, what else was said, and who is silent', async () => {
    const policies = [
      ['all_mail', '*', 'emailtext=all <otp>, max_attempts=5', '*'],
      ['staff_b', 'staff', 'emailtext=b <otp>', '*'],
      ['staff_a', 'staff', 'emailtext=a <otp>, max_attempts=5', '*'],
      ['vpn', '*', 'send_limit=3/10m', '10.0.0.0/8'],
    ] as const
    for (const [name, realm, action, client] of policies)
      await command([
        ...['policy', 'set', name, '--scope', 'authentication', '--realm', realm],
        ...['--action', action, '--client', client],
      ])

    const ada = await command(['policy', 'explain', '--user', 'ada', '--realm', 'staff', '--client', '192.0.2.7'])
    const nobody = await command(['policy', 'explain', '--user', 'nobody', '--realm', 'staff'])
    for (const [name] of policies) await command(['policy', 'remove', name])

    expect(ada.stdout.trimEnd().split('\n')).toEqual([
      'For ada in realm staff, asking from 192.0.2.7:',
      '',
      'In force, scope authentication:',
      '  emailtext=a <otp>  by staff_a',
      '      not emailtext=b <otp> by staff_b: it is as precise, and its name comes later in the alphabet',
      "      not emailtext=all <otp> by all_mail: its realm '*' is less precise",
      '  max_attempts=5     by staff_a',
      '      all_mail says the same',
      '',
      'Not in force here:',
      "  vpn  its client '10.0.0.0/8' does not match 192.0.2.7",
      '',
      'Everything else has its default.',
    ])
    expect(nobody.stderr).toContain('There is no user nobody in realm staff')
    const typo = await command(['policy', 'explain', '--user', 'ada', '--realm', 'staff', '--client', '10.0.0'])
    expect(typo.stderr).toContain('It must be an IPv4 or IPv6 address.')
  })

  importTests(command, () => smtp.port)
  more(command)
  tokenTests({ command, json })
}
