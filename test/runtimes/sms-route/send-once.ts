/**
 * Makes the attempts of its second argument, a JSON list of configurations by class, one after the other, and prints
 * what became of them. Runs on Node, Deno and Bun; the first argument says which.
 */
import process from 'node:process'
import { provider as smtpMail } from '../../../src/adapters/mail/smtp.ts'
import { smsProviders } from '../../../src/adapters/sms/index.ts'
import { processEdges } from '../../../src/cli/edges.ts'
import type { Capabilities, FetchVia } from '../../../src/ports/edges.ts'
import { type Delivery, findIn, type RawConfig } from '../../../src/ports/provider.ts'

const [, , runtime = '', attempts = '[]'] = process.argv
const { fetchVia } = (await import(`../../../src/adapters/fetch/${runtime}.ts`)) as { fetchVia: FetchVia }
const capabilities: Capabilities = {
  runtime: runtime as Capabilities['runtime'], // written by the test that starts this
  ...{ files: true, smtpPort25: true, tlsOptions: true, sharedConnections: true },
}
const edges = processEdges({ capabilities, fetchVia })

const deliveries: Delivery[] = []
for (const [name, raw] of JSON.parse(attempts) as readonly [string, RawConfig][]) {
  const provider = findIn(smsProviders(smtpMail), name)
  const read = await provider?.read(raw, edges)
  if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  const send = provider.create(read.value.config, edges)
  const sms = { id: 'sms-1', to: '+491701234567', subject: '', text: '418276' }
  deliveries.push(await send(sms, AbortSignal.timeout(5000)))
}
console.log(`deliveries ${JSON.stringify(deliveries)}`)
process.exit(0)
