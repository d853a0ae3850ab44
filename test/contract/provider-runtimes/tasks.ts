/**
 * What the contract of providers asks of a runtime, and how it is done: a task goes in, an answer comes out, both JSON.
 * Runs on Node, Deno, Bun and workerd, and imports nothing that one of them does not have.
 */
import { mailProviders } from '../../../src/adapters/mail/index.ts'
import { provider as smtpMail } from '../../../src/adapters/mail/smtp.ts'
import { smsProviders } from '../../../src/adapters/sms/index.ts'
import type { Edges } from '../../../src/ports/edges.ts'
import type { Delivery, Message, Provider, RawConfig } from '../../../src/ports/provider.ts'
import { aConfig, randomFrom } from '../../support/random-configs.ts'

export const PROVIDERS: readonly Provider[] = [...mailProviders, ...smsProviders(smtpMail)]
export const OTP = '418276'
export const SECRET = 'hunter2-secret'
const MAIL: Message = { id: 'message-1', to: 'zoe@example.org', subject: 'Your OTP', text: `Your OTP is ${OTP}` }
const SMS: Message = { ...MAIL, to: '+49 170 1234567', subject: '' }
export const messageFor = (provider: Provider): Message => (mailProviders.includes(provider) ? MAIL : SMS)

export type Task = { readonly provider: string } & (
  | {
      readonly do: 'read'
      readonly raw: RawConfig
      /** Nothing but what the runtime itself has: no binding, no file. */
      readonly bare?: true
    }
  /** `keys` over the sample; `abortAfter` in milliseconds, 0: before it begins. */
  | { readonly do: 'send'; readonly keys: RawConfig; readonly abortAfter: number }
  /** Configurations at random, and a message by each that is taken. */
  | { readonly do: 'guess'; readonly count: number }
)
type ReadAnswer =
  | { readonly ok: true; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly key: string; readonly rule: string }
type SendAnswer = {
  readonly delivery: Delivery
  /** Milliseconds. */
  readonly took: number
  /** All that was logged since the runtime began. */
  readonly logged: string
}
type GuessAnswer = {
  readonly taken: number
  readonly rules: readonly string[]
  readonly reasons: readonly string[]
  /** Types that a member of the port should not have. */
  readonly odd: readonly string[]
}
export type Answer<T extends Task> = T extends { do: 'read' }
  ? ReadAnswer
  : T extends { do: 'send' }
    ? SendAnswer
    : GuessAnswer
export type Perform = <T extends Task>(task: T) => Promise<Answer<T>>

const logged: string[] = []
const keep = (event: string, fields: object = {}): void => void logged.push(`${event} ${JSON.stringify(fields)}`)

/** @param bare edges as the runtime has them; the tasks see a log that is kept, and files and bindings that only seem to be */
export function performBy(bare: Edges): Perform {
  const full: Edges = {
    ...bare,
    log: { debug: keep, info: keep, warn: keep, error: keep },
    mailBinding: (name) => (name === 'EMAIL' ? { send: async () => ({ messageId: SECRET }) } : undefined),
    ...(bare.readFile && { readFile: noFile }),
    ...(bare.writeFile && { writeFile: async () => undefined }),
  }
  const perform = async (task: Task): Promise<ReadAnswer | SendAnswer | GuessAnswer> => {
    const provider = PROVIDERS.find(({ name }) => name === task.provider)
    if (!provider) throw new Error(`there is no ${task.provider}`)
    if (task.do === 'read') return read(provider, task.raw, task.bare ? bare : full)
    return task.do === 'send' ? send(provider, task, full) : guess(provider, task.count, full)
  }
  return perform as Perform // each task has the answer of its kind
}

const noFile = async (path: string): Promise<string> => {
  throw new Error(`no ${path} for ${SECRET}`)
}

async function read(provider: Provider, raw: RawConfig, edges: Edges): Promise<ReadAnswer> {
  const result = await provider.read(raw, edges)
  return result.ok ? { ok: true, warnings: result.value.warnings } : { ok: false, ...result.error }
}

async function send(provider: Provider, task: Task & { do: 'send' }, edges: Edges): Promise<SendAnswer> {
  const result = await provider.read({ ...provider.sample, ...task.keys }, edges)
  if (!result.ok) throw new Error(`configuration refused: ${JSON.stringify(result)}`)
  const sendOne = provider.create(result.value.config, edges)
  const started = performance.now()
  const signal = task.abortAfter === 0 ? AbortSignal.abort() : AbortSignal.timeout(task.abortAfter)
  const delivery = await sendOne(messageFor(provider), signal)
  return { delivery, took: performance.now() - started, logged: logged.join('\n') }
}

/** These would look for hosts of random names. */
const OPENS_SOCKETS = ['SMTPEmailProvider', 'SmtpSMSProvider', 'SMPPSMSProvider']

async function guess(provider: Provider, count: number, edges: Edges): Promise<GuessAnswer> {
  const random = randomFrom(provider.name)
  const keys = [...new Set(PROVIDERS.flatMap(({ sample }) => Object.keys(sample))), 'PROXY', 'TLS_CA', '__proto__']
  const quiet = { ...edges, fetch: async () => new Response(SECRET) }
  let taken = 0
  const [rules, reasons, odd] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (let n = 0; n < count; n += 1) {
    const result = await provider.read(aConfig(random, provider.sample, keys, SECRET), edges)
    if (!result.ok) {
      if (typeof result.error.key !== 'string') odd.add('key')
      rules.add(result.error.rule)
      continue
    }
    taken += 1
    if (typeof provider.defaults(result.value.config).subject !== 'string') odd.add('subject')
    const sendOne = provider.create(result.value.config, quiet)
    if (OPENS_SOCKETS.includes(provider.name)) continue
    const delivery = await sendOne(messageFor(provider), new AbortController().signal)
    if ('reason' in delivery) reasons.add(delivery.reason)
  }
  return { taken, rules: [...rules], reasons: [...reasons], odd: [...odd] }
}
