/** FileSMSProvider: writes `phone:message` into a file, for tests and for whatever picks files up (contract 4.11). */
import * as v from 'valibot'
import { err, ok } from '../../core/result.ts'
import { type Delivery, defineProvider, type Message } from '../../ports/provider.ts'
import { forbidden, formatNumber, numberKeys } from './number.ts'
import { originKeys, smsDefaults } from './origin.ts'
import { readConfig } from './read.ts'

const Config = v.looseObject({
  file: v.pipe(v.string('must be a file name'), v.minLength(1, 'must be a file name')),
  here: v.optional(v.string('must be a directory')),
  ...numberKeys,
  ...originKeys,
})

export const provider = defineProvider<v.InferOutput<typeof Config>>({
  name: 'FileSMSProvider',
  classNames: [
    'FileSMSProvider',
    'linotp.provider.smsprovider.FileSMSProvider',
    'smsprovider.FileSMSProvider.FileSMSProvider',
    'smsprovider.FileSMSProvider',
  ],
  secretKeys: [],
  boundKeys: [],
  sample: { file: 'sms.out', here: '/tmp' },
  defaults: smsDefaults,

  read: async (raw, edges) => {
    if (!edges.writeFile) return err({ key: 'file', rule: 'cannot be written on this runtime' })
    const read = readConfig(Config, raw, ['file', 'here', ...Object.keys(numberKeys), ...Object.keys(originKeys)])
    return read.ok ? ok(read.value) : read
  },

  create: (config, edges) => async (message, signal) => {
    if (signal.aborted) return DEADLINE
    const number = formatNumber(message.to, config)
    if (!number.ok) return forbidden(number.error)
    const path = config.here ? `${config.here}/${config.file}` : config.file
    const { promise: deadline, resolve } = Promise.withResolvers<Delivery>()
    const onAbort = () => resolve(DEADLINE)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const written = edges.writeFile?.(path, `${number.value}:${message.text}`)
      return await Promise.race([deadline, Promise.resolve(written).then(() => accepted(message))])
    } catch {
      return { status: 'unavailable', reason: 'file_not_writable' } // the error names the path, which is in the configuration
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  },
})

/** A pipe that nobody reads never takes what is written; nobody waits for it. */
const DEADLINE: Delivery = { status: 'unavailable', reason: 'deadline' }

const accepted = (message: Message): Delivery => ({ status: 'accepted', reference: message.id })
