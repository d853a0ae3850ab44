/** What one runtime is asked to do: read a configuration of ldapresolver, and ask everything that can be asked. */
import { resolver } from '../../../src/adapters/users/ldap.ts'
import type { Capabilities, Edges } from '../../../src/ports/edges.ts'

export type Attempt = {
  readonly keys: Readonly<Record<string, unknown>>
  /** Milliseconds until the deadline. */
  readonly deadlineMs: number
}

/** `ada`, how many are listed, whether her password and another one match; or the first reason why not. */
export type Findings =
  | {
      readonly login: string
      readonly id: string
      readonly listed: number
      readonly right: boolean
      readonly wrong: boolean
    }
  | { readonly reason: string }

/** A private address, as test servers have, is refused where it cannot be reached; the connection is what matters. */
const ANYWHERE: Capabilities = {
  runtime: 'node',
  files: true,
  smtpPort25: true,
  tlsOptions: true,
  sharedConnections: true,
}

/** @throws when the configuration is refused */
export async function attempt({ keys, deadlineMs }: Attempt, edges: Edges): Promise<Findings> {
  const read = await resolver.read(keys, { ...edges, capabilities: ANYWHERE })
  if (!read.ok) throw new Error(`configuration refused: ${JSON.stringify(read.error)}`)
  const directory = resolver.create(read.value.config, edges)
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    const found = await directory.findByLogin('ada', signal)
    if (!found.ok) return found.error
    const [ada] = found.value
    if (!ada) return { reason: 'nobody' }
    const again = await directory.findById(ada.userId, signal)
    const listed = await directory.list({}, 5000, signal)
    const right = await directory.passwordMatches(ada, 'password of ada', signal)
    const wrong = await directory.passwordMatches(ada, 'password of eve', signal)
    if (!again.ok) return again.error
    if (!listed.ok) return listed.error
    if (!right.ok) return right.error
    if (!wrong.ok) return wrong.error
    const { length } = listed.value
    return { login: ada.login, id: again.value?.userId ?? '', listed: length, right: right.value, wrong: wrong.value }
  } finally {
    await directory.close()
  }
}
