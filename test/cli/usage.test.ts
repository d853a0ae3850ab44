/** Help, wrong usage, commands without a target, and what is said when a server is not as expected. */
import { spawn, spawnSync } from 'node:child_process'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Command } from 'commander'
import { afterAll, describe, expect, it } from 'vitest'
import { readKeys } from '../../src/adapters/vault/keys.ts'
import { createProgram } from '../../src/cli/main.ts'
import { commandOf } from '../support/runtimes.ts'
import { closedPort } from '../support/smtp-server.ts'
import { cleanEnv, cleanUp, newDataDir, otpost, otpostJson, ROOT, scriptOf } from './otpost.ts'

afterAll(cleanUp)

const program = createProgram({
  capabilities: { runtime: 'node', files: true, smtpPort25: true, tlsOptions: true, sharedConnections: true },
  listen: () => Promise.reject(new Error('not in this test')),
})
const withSubcommands = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(withSubcommands),
]
const nameOf = (command: Command): string =>
  command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name()
const commands = withSubcommands(program).map((command) => ({ name: nameOf(command), command }))

function helpOf(command: Command): string {
  let text = ''
  const write = (piece: string) => {
    text += piece
  }
  command.configureOutput({ writeOut: write, writeErr: write }).outputHelp()
  return text
}

describe('help', () => {
  it('knows the commands', () => {
    const leaves = commands
      .filter(({ command }) => command.commands.length === 0)
      .map(({ name }) => name.replace('otpost ', ''))

    expect(leaves.toSorted()).toEqual([
      ...[
        'admin add',
        'admin list',
        'admin password',
        'admin remove',
        'admin token add',
        'admin token list',
        'admin token revoke',
      ],
      ...['audit checkpoint', 'audit export', 'audit prune', 'audit search', 'audit verify'],
      ...['backup', 'import linotp-config', 'keys list', 'keys new', 'keys remove', 'keys rotate', 'migrate'],
      ...['policy explain', 'policy export', 'policy import', 'policy list', 'policy remove', 'policy set'],
      ...['provider list', 'provider remove', 'provider set', 'provider test'],
      ...['resolver list', 'resolver remove', 'resolver set', 'resolver show', 'resolver test'],
      ...['restore', 'serve', 'start'],
      ...['template list', 'template preview', 'template put', 'template remove', 'template show'],
      ...['token assign', 'token disable', 'token enable', 'token import', 'token init', 'token list', 'token lost'],
      ...['token remove', 'token reset', 'token set-pin', 'token show', 'token unassign'],
      ...['user add', 'user edit', 'user import', 'user list', 'user password', 'user remove'],
    ])
  })

  it.each(commands)('of `$name` has an example of it', ({ name, command }) => {
    expect(helpOf(command)).toMatch(new RegExp(`Examples?:\\n(.*\\n)*  \\$ .*${name}`))
  })

  it('is printed with exit code 0', async () => {
    const { code, stdout, stderr } = await otpost(['token', 'init', '--help'])

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('$ otpost token init --user ada')
  })
})

describe('wrong usage', () => {
  it.each([
    [['serv'], "unknown command 'serv'"],
    [['token', 'init', '--user', 'ada'], 'give the address with --email or --phone'],
    [['token', 'init', '--email', 'ada@example.org'], "required option '--user <login>' not specified"],
    [['serve', '--port', '70000'], 'whole number from 0 to 65535'],
    [['serve', '--dev-mail', '--host', '0.0.0.0'], 'shows OTPs to whoever can reach it'],
    [['serve', '--demo'], '--demo needs --dev-mail'],
    [['token', 'list', '--data', 'x', '--server', 'http://127.0.0.1'], 'either --data or --server'],
    [['token', 'list', '--server', 'http://127.0.0.1'], 'needs an API token in OTPOST_TOKEN'],
    [['token', 'list', '--server', 'otp.example.org', '--token', 't'], 'must be an address like https://'],
    [['admin', 'token', 'add', 'ada', '--server', 'http://127.0.0.1'], 'or the password of ada in OTPOST_PASSWORD'],
    [['admin', 'add', 'ada', '--data', 'x'], 'give the password with --password-stdin'],
    [['provider', 'set', 'relay', '--data', 'x'], 'give the configuration with'],
    [['provider', 'set', 'relay', '--set', 'x'], 'must be KEY=VALUE'],
    [['keys', 'new', '--id', 'a:b'], '--id must be'],
    [['token', 'set-pin', 'X', '--data', 'x'], 'give the PIN with --pin-stdin or --pin'],
    [['token', 'list', '--state', 'broken', '--data', 'x'], '--state is active or disabled'],
    [['token', 'list', '--free', '--user', 'ada', '--data', 'x'], 'either --free or --user'],
  ])('%j is refused with exit code 2', async (args, said) => {
    const { code, stdout, stderr } = await otpost(args, { runtime: 'bun' })

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(said)
  })

  it('has exit code 2 on Node too', async () => {
    expect((await otpost(['token', 'show'])).code).toBe(2)
  })
})

describe('keys new', () => {
  it('prints a key that OTPOST_KEYS takes, alone on stdout', async () => {
    const { code, stdout } = await otpost(['keys', 'new', '--id', 'k2'])

    expect(code).toBe(0)
    expect(readKeys(stdout)).toMatchObject({ ok: true, value: [{ id: 'k2' }] })
  })

  it('names the key by the date unless told', async () => {
    expect(await otpostJson(['keys', 'new'])).toEqual({
      id: expect.stringMatching(/^k\d{8}$/),
      key: expect.stringMatching(/^k\d{8}:.{44}$/),
    })
  })
})

describe('migrate', () => {
  it('says what there was to be done', async () => {
    const data = newDataDir()
    const first = await otpostJson(['migrate', '--data', data], { runtime: 'deno' })
    const second = await otpost(['migrate', '--data', data], { runtime: 'deno' })

    expect(first).toEqual({ status: 'migrated' })
    expect(second).toEqual({ code: 0, stdout: 'The database is up to date.\n', stderr: '' })
  })
})

describe('a password', () => {
  it('is taken from OTPOST_PASSWORD, and never printed', async () => {
    const added = await otpost(['admin', 'add', 'ada', '--data', newDataDir()], {
      runtime: 'bun',
      env: { OTPOST_PASSWORD: 'correct horse' },
    })

    expect(added).toEqual({ code: 0, stdout: '', stderr: expect.stringContaining('Added administrator ada.') })
    expect(added.stderr).not.toContain('horse')
  })

  it('that is generated is all there is on stdout', async () => {
    const { stdout, stderr } = await otpost(['admin', 'add', 'ada', '--generate', '--data', newDataDir()], {
      runtime: 'bun',
    })

    expect(stdout).toMatch(/^([a-z2-9]{5}-){3}[a-z2-9]{5}\n$/)
    expect(stderr).not.toContain(stdout.trim())
  })

  // That of util-linux; other systems have a `script` with other options, or none.
  const hasScript = String(spawnSync('script', ['--version']).stdout).includes('util-linux')
  it.skipIf(!hasScript)('is asked for twice on a terminal, without echo', async () => {
    const output = await typeAt(
      [['admin', 'add', 'ada', '--data', newDataDir()].join(' ')],
      ['Password: ', 'Again: '],
      'correct horsf\u007fe',
    )

    expect(output).toMatch(/Password: \r\nAgain: \r\n(.*\r\n)*Added administrator ada\.\r\n$/)
  })
})

/** Runs otpost on a terminal of `script` and types `answer` at each of the prompts. @returns all that was to be seen */
function typeAt([command]: readonly [string], prompts: readonly string[], answer: string): Promise<string> {
  const line = [...commandOf('node'), scriptOf('node'), command].join(' ')
  const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: ROOT, env: { ...process.env, ...cleanEnv } })
  const waiting = [...prompts]
  let seen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text
    if (waiting[0] === undefined || !seen.endsWith(waiting[0])) return
    waiting.shift()
    child.stdin.write(`${answer}\r`)
  })
  return new Promise((resolve) => child.once('close', () => resolve(seen)))
}

describe('a remote server', () => {
  const servers: Server[] = []
  afterAll(() => {
    for (const server of servers) server.close()
  })

  const listen = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // listening on TCP
  }
  const ask = async (url: string) => {
    const { code, stdout, stderr } = await otpost(['token', 'list', '--server', url], {
      runtime: 'bun',
      env: { OTPOST_TOKEN: 'otpost_x' },
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^otpost: .*\n$/)
    return stderr
  }

  it('that does not listen is reported', async () => {
    expect(await ask(`http://127.0.0.1:${await closedPort()}`)).toContain('is otpost running there?')
  })

  it.each([
    [401, '{}', 'does not accept this token: `otpost admin token add NAME`'],
    [503, '503 Service Unavailable\n', 'is not ready'],
    [404, '<html></html>', 'is the URL right?'],
    [200, '{"result":{"status":true,"value":{"data":7}}}', 'is it another version of otpost?'],
    [200, '{"result":{"status":false,"error":{"code":-311,"message":"no such thing"}}}', 'no such thing'],
  ])('that answers %d %s is reported', async (status, body, said) => {
    const url = await listen((_, response) => void response.writeHead(status).end(body))

    expect(await ask(url)).toContain(said)
  })

  it('does not get the token by a redirect from another one', async () => {
    const seen: (string | undefined)[] = []
    const other = await listen(({ headers }, response) => {
      seen.push(headers.authorization)
      response.end('{}')
    })
    const url = await listen((_, response) => void response.writeHead(307, { location: other }).end())

    expect(await ask(url)).toContain('is the URL right?')
    expect(seen).toEqual([])
  })
})
