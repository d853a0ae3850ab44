/** What one runtime is asked to do, and how it does it: read a configuration of SMTPEmailProvider and send one mail. */
import { mailProviders } from '../../../src/adapters/mail/index.ts'
import type { Edges } from '../../../src/ports/edges.ts'
import type { Delivery } from '../../../src/ports/provider.ts'
import { findIn } from '../../../src/ports/provider.ts'

export type Attempt = {
  readonly keys: Readonly<Record<string, unknown>>
  readonly to: string
  /** Milliseconds until the deadline. */
  readonly deadlineMs: number
}

/** @throws when the configuration is refused */
export async function attempt({ keys, to, deadlineMs }: Attempt, edges: Edges): Promise<Delivery> {
  const provider = findIn(mailProviders, 'SMTPEmailProvider')
  const read = await provider?.read(keys, edges)
  if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  const send = provider.create(read.value.config, edges)
  const mail = { id: 'parity-1', to, subject: 'Ihr Einmalpaßwort', text: '418276' }
  return send(mail, AbortSignal.timeout(deadlineMs))
}
