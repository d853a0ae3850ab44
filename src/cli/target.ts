/**
 * Target: which server a command speaks to. The database of this machine is administered by the same API as a remote
 * server: the app is called in this process, by an operator who needs no login, and nothing goes over the network.
 */
import { type Command, Option } from 'commander'
import type { Edges, Log, LogLevel } from '../ports/edges.ts'
import { type AdminClient, createAdminClient } from './client.ts'
import { processEdges } from './edges.ts'
import { askHidden, canAsk } from './input.ts'
import { type Credentials, logIn } from './login.ts'
import { note, warn } from './output.ts'
import type { Platform } from './platform.ts'
import { createCall, network } from './request.ts'

export const DEFAULT_DATA = './data'

export const dataOption = () =>
  new Option('--data <dir>', 'folder of the local database and its keys').default(DEFAULT_DATA).env('OTPOST_DATA')

/** Adds the options that choose the target. */
export const withTarget = (command: Command): Command =>
  command
    .addOption(dataOption())
    .addOption(
      new Option('--server <url>', 'administer this server instead of the local database').env('OTPOST_SERVER'),
    )
    .addOption(
      new Option('--token <token>', 'API token for --server; better given in the environment').env('OTPOST_TOKEN'),
    )

type TargetOptions = { readonly data: string; readonly server?: string; readonly token?: string }

/**
 * Runs `use` with a client for the command's target, and lets go of the target afterwards.
 *
 * @param administrator who may log in with a password where there is no API token yet
 */
export async function withAdmin<T>(
  platform: Platform,
  command: Command,
  use: (client: AdminClient) => Promise<T>,
  administrator?: string,
): Promise<T> {
  const { data, server, token } = command.opts<TargetOptions>()
  const [dataGiven, serverGiven] = ['data', 'server'].map((name) => command.getOptionValueSource(name) === 'cli')
  if (dataGiven && serverGiven) return command.error('error: either --data or --server, not both')
  // A folder that was named counts more than a server of the environment.
  if (!server || dataGiven) return withLocal(platform, data, use)
  const base = readServer(command, server)
  const call = token
    ? createCall({ base, token, warn, send: network(base) })
    : createCall({
        base,
        token: null,
        warn,
        send: await logIn(base, network(base), await askCredentials(command, administrator)),
      })
  return use(createAdminClient(call))
}

async function askCredentials(command: Command, username: string | undefined): Promise<Credentials> {
  const password = process.env.OTPOST_PASSWORD
  if (username !== undefined && password) return { username, password }
  if (username !== undefined && canAsk()) return { username, password: await askHidden(`Password of ${username}: `) }
  const wanted = username === undefined ? '' : `, or the password of ${username} in OTPOST_PASSWORD`
  return command.error(
    `error: --server needs an API token in OTPOST_TOKEN${wanted}; \`otpost admin token add NAME\` makes a token`,
  )
}

function readServer(command: Command, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search || url.hash)
    return command.error(`error: --server must be an address like https://otp.example.org, not ${text}`)
  if (url.protocol === 'http:' && !/^(127\.|localhost$|\[::1\]$)/.test(url.hostname))
    warn(`token and password go to ${url.host} in clear text`)
  return url.href
}

async function withLocal<T>(platform: Platform, data: string, use: (client: AdminClient) => Promise<T>): Promise<T> {
  // Loaded only where it is needed: most of what a command loads is the database.
  const [{ readConfig }, { openServer }] = await Promise.all([import('../config.ts'), import('./open.ts')])
  const config = readConfig(process.env)
  if (!config.ok) throw new Error(config.error)
  const opened = await openServer(config.value, commandEdges(platform, config.value.logLevel), data)
  try {
    return await use(localClient(opened))
  } finally {
    await opened.close()
  }
}

type App = {
  readonly administration: string
  readonly app: { readonly fetch: (request: Request, connection: object) => Response | Promise<Response> }
}

/** A client of the server in this process. `connection` can be set by nobody else: it does not come from the wire. */
export const localClient = ({ app, administration }: App): AdminClient =>
  createAdminClient(
    createCall({
      base: `http://localhost${administration}`,
      token: null,
      warn,
      send: async (request) => {
        const broken: unknown[] = []
        const broke = (error: unknown) => void broken.push(error)
        const response = await app.fetch(request, { peer: '127.0.0.1', secure: true, operator: 'cli', broke })
        if (broken.length > 0) throw broken[0]
        return response
      },
    }),
  )

/** Edges of a command: those of a process, with a log for people, save for those who want to see everything. */
export function commandEdges(platform: Platform, logLevel: LogLevel = 'info'): Edges {
  const edges = processEdges(platform, logLevel)
  return logLevel === 'debug' ? edges : { ...edges, log: spokenLog }
}

/** Log of a command: what is worth reading, in words. Warnings of the API come with its answers. */
const spokenLog: Log = {
  debug: () => {},
  info: () => {},
  warn: (event, fields = {}) => {
    if (event === 'keys_created') note(`made the key file ${fields.file}: ${fields.advice}`)
  },
  error: (event, fields = {}) => {
    // The command ends with it.
    if (event === 'request_failed') return
    note(
      `error: ${event} ${Object.entries(fields)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')}`,
    )
  },
}
