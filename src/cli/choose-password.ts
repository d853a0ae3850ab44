/** A password that a command sets: from standard input, the environment, made up, or asked for. */
import type { Command } from 'commander'
import { processEdges } from './edges.ts'
import { askHidden, canAsk, readStdinLine } from './input.ts'
import { newPassword } from './password.ts'
import type { Platform } from './platform.ts'

export type PasswordOptions = { readonly passwordStdin?: true; readonly generate?: true }

export async function choosePassword(
  command: Command,
  platform: Platform,
  { passwordStdin, generate }: PasswordOptions,
): Promise<string> {
  if (passwordStdin && generate) return command.error('error: either --password-stdin or --generate, not both')
  if (generate) return newPassword(processEdges(platform).random)
  if (passwordStdin) return readStdinLine()
  if (process.env.OTPOST_PASSWORD) return process.env.OTPOST_PASSWORD
  if (!canAsk())
    return command.error(
      'error: give the password with --password-stdin or in OTPOST_PASSWORD, or make one with --generate',
    )
  const password = await askHidden('Password: ')
  if ((await askHidden('Again: ')) !== password) throw new Error('the passwords differ')
  return password
}
