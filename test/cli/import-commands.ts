/** `otpost import linotp-config` and managed providers, for a local database and a remote server alike. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { newDataDir, type Ran } from './otpost.ts'

type Act = (args: readonly string[], input?: string) => Promise<Ran>

const reply = (value: object) => ({ jsonrpc: '2.0802', result: { status: true, value }, id: 1 })

/** @param port where mails are taken */
export function importTests(command: Act, port: () => number): void {
  const smtp = (keys: object = {}): string => JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: port(), ...keys })
  const file = (content: object): string => {
    const name = join(dirname(newDataDir()), 'linotp.json')
    writeFileSync(name, JSON.stringify(content))
    return name
  }
  const list = async (what: string): Promise<unknown> => JSON.parse((await command([what, 'list', '--json'])).stdout)
  const bring = (name: string, ...flags: readonly string[]): Promise<Ran> =>
    command(['import', 'linotp-config', name, ...flags])

  it('takes over settings, old keys, providers and policies of LinOTP, and says what is left out and why', async () => {
    const name = file([
      reply({
        ...{ EmailBlockingTimeout: '66', SMSBlockingTimeout: 'abc', 'totp.timeStep': '30', DefaultRealm: 'corp' },
        ...{ EmailProvider: 'SMTPEmailProvider', EmailProviderConfig: smtp({ SMTP_PASSWORD: 'hunter2' }) },
        'EmailProvider.locked': 'SMTPEmailProvider',
        'EmailProvider.locked.Config': '356c4623c05710030904a64fd6cd62c3:ffb7e864e4a5c41e',
        'Provider.Default.email_provider': 'imported_default',
      }),
      reply({ fast: { Class: 'SMTPEmailProvider', Config: smtp(), Timeout: '90', Default: false } }),
      reply({ from_linotp: { scope: 'authentication', action: 'otppin=1', realm: '*', active: 'True' } }),
    ])
    const before = [await list('provider'), await list('policy')]
    const tried = await bring(name, '--dry-run', '--json')
    const untouched = [await list('provider'), await list('policy')]
    const done = await bring(name, '--json')

    const told = {
      taken: [
        { kind: 'setting', name: 'EmailProviderConfig' },
        { kind: 'setting', name: 'EmailBlockingTimeout' },
        { kind: 'provider', name: 'email: fast' },
        { kind: 'default provider', name: 'email: imported_default' },
        { kind: 'policy', name: 'from_linotp' },
      ],
      left: [
        {
          kind: 'setting',
          name: 'SMSBlockingTimeout',
          reason: expect.stringMatching(/^must be a whole number from 0/),
        },
        { kind: 'provider', name: 'email: locked', reason: expect.stringMatching(/^is encrypted/) },
        { kind: 'setting', name: 'totp.timeStep', reason: 'nothing in otpost reads it' },
        { kind: 'setting', name: 'DefaultRealm', reason: expect.stringContaining('otpost user import') },
      ],
      refused: [],
    }
    expect([tried.code, JSON.parse(tried.stdout)]).toEqual([0, { dryRun: true, ...told }])
    expect(untouched).toEqual(before)
    expect([done.code, JSON.parse(done.stdout)]).toEqual([0, { dryRun: false, ...told }])
    expect(await list('provider')).toEqual(
      expect.arrayContaining([
        {
          ...{ type: 'email', name: 'imported_default', class: 'SMTPEmailProvider', timeout: 66, isDefault: true },
          ...{ managed: false, rest: null, config: JSON.parse(smtp({ SMTP_PASSWORD: '***' })) },
        },
        expect.objectContaining({ name: 'fast', timeout: 90, isDefault: false }),
      ]),
    )
    expect(await list('policy')).toContainEqual(expect.objectContaining({ name: 'from_linotp', action: 'otppin=1' }))
    const tested = await command(['provider', 'test', 'fast', '--to', 'me@example.org'])
    expect(tested.code).toBe(0)
  })

  it('goes on after what the server refuses, and ends with exit code 1', async () => {
    const provider = { Class: 'SMTPEmailProvider', Default: false, Timeout: '10' }
    const masked = smtp({ SMTP_USER: 'ada', SMTP_PASSWORD: '***' })
    const ran = await bring(
      file(reply({ hidden: { ...provider, Config: masked }, plain: { ...provider, Config: smtp() } })),
    )

    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(/^taken +provider +email: plain$/m)
    expect(ran.stdout).toMatch(/^refused +provider +email: hidden +config\.SMTP_PASSWORD must be given/m)
    expect(ran.stderr).toContain('otpost: the server refused 1 of 2')
  })

  it('says so when a file holds nothing of the kind', async () => {
    expect(await bring('-')).toEqual({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringMatching(/^otpost: standard input holds nothing that LinOTP says of its configuration/),
    })
  })

  it('makes a managed provider, which wants its password when it is changed', async () => {
    const set = ['provider', 'set', 'ours', '--set', 'SMTP_SERVER=127.0.0.1', '--set', `SMTP_PORT=${port()}`]
    const made = await command([...set, '--managed', '-'], 'geheim\n')
    const without = await command(set)
    const again = await command([...set, '--managed', '-', '--timeout', '7'], 'geheim\n')

    expect([made.code, without.code, again.code]).toEqual([0, 1, 0])
    expect(without.stderr).toContain('Not allowed to overwrite the configuration of a managed provider')
    expect(await list('provider')).toContainEqual({
      ...{ type: 'email', name: 'ours', class: 'SMTPEmailProvider', timeout: 7, isDefault: false },
      ...{ managed: true, config: null, rest: null },
    })
  })
}
