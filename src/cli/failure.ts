/** What an operator reads when something failed: one line, with its causes; the stack only with OTPOST_DEBUG. */
import { CommanderError } from 'commander'
import { note } from './output.ts'
import type { Address } from './platform.ts'

/** Says what failed on stderr. @returns the exit code: 2 for wrong usage, 1 for the rest, 0 when help was all that was asked */
export function report(error: unknown): 0 | 1 | 2 {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  note(`otpost: ${describe(error)}`)
  if (process.env.OTPOST_DEBUG && error instanceof Error) note(String(error.stack))
  return 1
}

/** Characters of one message. */
const LONGEST = 400

function describe(error: unknown): string {
  const messages: string[] = []
  for (
    let cause = error;
    cause !== undefined && messages.length < 5;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    const whole = (cause instanceof Error ? cause.message || cause.name : String(cause)).replace(/\s*\n\s*/g, ' ')
    // Some repeat what a server sent.
    const message = whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole
    // Libraries like to repeat the text of the cause in the error around it.
    if (!messages.some((said) => said.includes(message))) messages.push(message)
  }
  return messages.join(': ')
}

/** Node and Bun have codes for it, Deno has names. */
export function listenFailure(error: unknown, { host, port }: Address): Error {
  const kind = error instanceof Error ? ('code' in error ? String(error.code) : error.name) : ''
  const where = `port ${port} of ${host}`
  if (['EADDRINUSE', 'AddrInUse'].includes(kind))
    return new Error(`${where} is in use: stop the other program, or choose another port with --port`)
  if (['EACCES', 'PermissionDenied'].includes(kind))
    return new Error(`${where} is not allowed for this user: choose a port above 1023 with --port`)
  return new Error(`cannot listen on ${where}`, { cause: error })
}
