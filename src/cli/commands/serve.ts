/** serve and start: the server, plain or with all that a newcomer needs to look at it. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { print } from '../output.ts'
import type { Address, Platform } from '../platform.ts'
import type { Serving } from '../serving.ts'
import { DEFAULT_DATA, dataOption } from '../target.ts'
import { wholeNumber, withExamples } from './command.ts'

type ServeOptions = {
  readonly host: string
  readonly port: number
  readonly data: string
  readonly devMail?: boolean
  readonly demo?: boolean
  readonly metrics?: Address
  readonly tlsCert?: string
  readonly tlsKey?: string
}

const portOption = () =>
  new Option('--port <number>', 'TCP port, 0 for a free one').default(8787).argParser(wholeNumber(0, 65_535))

function readAddress(text: string): Address {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) > 65_535)
    throw new InvalidArgumentError('It must be an address and a port, like 127.0.0.1:9464 or [::1]:9464.')
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/

export function registerServe(program: Command, platform: Platform): void {
  const serve = program
    .command('serve')
    .description('run the server; makes database, keys and an administrator when there are none')
  serve.option('--host <address>', 'address to listen on', '127.0.0.1').addOption(portOption()).addOption(dataOption())
  serve.option('--dev-mail', 'catch mails and show them at /dev/mail; on loopback only')
  serve.option('--demo', 'with --dev-mail: make a demo user in an empty database')
  serve.option(
    '--metrics <address>',
    'show metrics for Prometheus at this address without a login, like 127.0.0.1:9464',
    readAddress,
  )
  serve.option('--tls-cert <file>', 'serve HTTPS with this certificate (PEM, its chain behind it); on Node')
  serve.option('--tls-key <file>', 'its key (PEM); both files are read again when they change')
  withExamples(
    serve,
    'otpost serve --data /var/lib/otpost',
    'OTPOST_KEYS=… OTPOST_DATABASE_URL=libsql://db otpost serve --host 0.0.0.0 --port 80',
    'otpost serve --host 0.0.0.0 --port 443 --tls-cert fullchain.pem --tls-key privkey.pem',
  )
  serve.action(
    async ({ devMail = false, demo = false, metrics, tlsCert: cert, tlsKey: key, ...options }: ServeOptions) => {
      if (devMail && !LOOPBACK.test(options.host))
        return serve.error('error: --dev-mail shows OTPs to whoever can reach it: only with a --host like 127.0.0.1')
      if (demo && !devMail) return serve.error('error: --demo needs --dev-mail')
      if ((cert === undefined) !== (key === undefined))
        return serve.error('error: --tls-cert and --tls-key belong together')
      const { startServing } = await import('../serving.ts')
      const { url, metricsUrl, provider, lines, close } = await startServing(platform, {
        ...options,
        devMail,
        demo,
        metrics: metrics ?? null,
        tls: cert !== undefined && key !== undefined ? { cert, key } : null,
      })
      if (provider !== null) print(`Mails go out through provider ${provider}; the mail catcher is off.`)
      for (const line of lines) print(line)
      if (metricsUrl !== null) print(`Metrics are shown without a login at ${metricsUrl}`)
      print(`otpost listening on ${url}`)
      await stopped()
      await close()
      process.exit(0)
    },
  )

  const start = program
    .command('start')
    .description('have a look: server, mail catcher and a demo user on this machine')
  start.addOption(portOption()).addOption(dataOption())
  withExamples(start, 'otpost start')
  start.action(async ({ port, data }: Pick<ServeOptions, 'port' | 'data'>) => {
    const { startServing } = await import('../serving.ts')
    const serving = await startServing(platform, {
      host: '127.0.0.1',
      port,
      data,
      devMail: true,
      demo: true,
      metrics: null,
      tls: null,
    })
    print(welcome(serving, data))
    await stopped()
    await serving.close()
    process.exit(0)
  })
}

function welcome({ url, devMail, provider, lines }: Serving, data: string): string {
  const mails = devMail
    ? `Mails are not sent, but shown at ${url}/dev/mail`
    : `Mails go out through provider ${provider}; the mail catcher is off.`
  // In a clone `otpost` is no command of the shell.
  const otpost = process.env.npm_lifecycle_event === undefined ? 'otpost' : 'npm run otpost --'
  const folder = data === DEFAULT_DATA ? '' : ` --data ${data}`
  const admin = `Administrator: admin; \`${otpost} admin add NAME --generate${folder}\` makes another one.`
  const paste = [
    'Paste these lines into another terminal, one after the other:',
    '',
    ...lines.map((line) => `  ${line}`),
    '',
  ]
  return [
    `otpost listening on ${url}`,
    '',
    mails,
    admin,
    '',
    ...(lines.length > 0 ? paste : []),
    'Ctrl-C ends it.',
  ].join('\n')
}

/** Settles with the first SIGINT or SIGTERM. Later ones are no hurry: npm passes on a Ctrl-C that came here too. */
function stopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
  })
}
