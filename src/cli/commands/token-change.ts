/** token assign, unassign, set-pin, enable, disable, reset, remove, lost: what operators do by hand. */
import type { Command } from 'commander'
import { readStdinLine } from '../input.ts'
import { note, printJson } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import type { Change } from '../token-client.ts'
import { withExamples, withJson } from './command.ts'

type PinOptions = { readonly pin?: string; readonly pinStdin?: true }

const CHANGES: readonly (readonly [Change, string, string])[] = [
  ['remove', 'remove a token', 'Removed'],
  ['enable', 'let a disabled token be used again', 'Enabled'],
  ['disable', 'keep a token from being used', 'Disabled'],
  ['reset', 'unlock a token: its failures are forgotten', 'Reset'],
]

export function registerTokenChanges(token: Command, platform: Platform): void {
  for (const [change, description, said] of CHANGES) {
    const command = withTarget(token.command(change).description(description).argument('<serial>'))
    withExamples(command, `otpost token ${change} LSEM00012F6B`)
    command.action(async (serial: string) => {
      const count = await withAdmin(platform, command, (client) => client.manage.change(change, serial))
      if (count === 0) throw unknownToken(serial)
      note(`${said} token ${serial}.`)
    })
  }
  registerAssign(token, platform)
  registerSetPin(token, platform)
  registerLost(token, platform)
}

function registerAssign(token: Command, platform: Platform): void {
  const assign = withPin(withTarget(token.command('assign').description('give a token to a user').argument('<serial>')))
  assign.requiredOption('--user <login>', 'whose it is from now on')
  assign.option('--realm <name>', 'the user’s realm; the default realm unless told')
  withExamples(assign, 'otpost token assign LSEM00012F6B --user ada')
  assign.action(async (serial: string, { user, realm, ...given }: PinOptions & { user: string; realm?: string }) => {
    const pin = await pinOf(assign, given)
    const fields = { serial, user, ...(realm === undefined ? {} : { realm }), ...(pin === undefined ? {} : { pin }) }
    await withAdmin(platform, assign, (client) => client.manage.assign(fields))
    note(`Token ${serial} is ${user}’s.`)
  })

  const unassign = withTarget(token.command('unassign').description('take a token from its user').argument('<serial>'))
  withExamples(unassign, 'otpost token unassign LSEM00012F6B')
  unassign.action(async (serial: string) => {
    await withAdmin(platform, unassign, (client) => client.manage.unassign(serial))
    note(`Token ${serial} is nobody’s. It keeps its PIN and its realms.`)
  })
}

function registerSetPin(token: Command, platform: Platform): void {
  const setPin = withPin(withTarget(token.command('set-pin').description('give a token a PIN').argument('<serial>')))
  withExamples(setPin, 'otpost token set-pin LSEM00012F6B --pin-stdin < pin.txt')
  setPin.action(async (serial: string, given: PinOptions) => {
    const pin = await pinOf(setPin, given)
    if (pin === undefined) return setPin.error('error: give the PIN with --pin-stdin or --pin')
    const count = await withAdmin(platform, setPin, (client) => client.manage.setPin(serial, pin))
    if (count === 0) throw unknownToken(serial)
    note(`Token ${serial} has another PIN.`)
  })
}

function registerLost(token: Command, platform: Platform): void {
  const lost = withJson(
    withTarget(
      token.command('lost').description('replace a lost token for some days, and disable it').argument('<serial>'),
    ),
  )
  lost.option('--type <type>', 'how OTPs reach the user meanwhile: email, or sms', 'email')
  lost.option('--to <address>', 'address or number; the user’s own unless told')
  withExamples(
    lost,
    'otpost token lost LSSM00012F6B',
    'otpost token lost LSEM00012F6B --type sms --to "+49 170 1234567"',
  )
  lost.action(async (serial: string, { type, to, json }: { type: string; to?: string; json?: true }) => {
    const address = to === undefined ? {} : type.toLowerCase() === 'sms' ? { mobile: to } : { email: to }
    const made = await withAdmin(platform, lost, (client) => client.manage.lost({ serial, type, ...address }))
    if (json) return printJson(made)
    note(`Token ${serial} is disabled. ${made.serial} stands for it until ${made.validUntil} UTC, with the same PIN.`)
  })
}

const withPin = (command: Command): Command =>
  command
    .option('--pin <pin>', 'its new PIN; others on this machine can see it here')
    .option('--pin-stdin', 'read the PIN from standard input')

async function pinOf(command: Command, { pin, pinStdin }: PinOptions): Promise<string | undefined> {
  if (pinStdin && pin !== undefined) return command.error('error: either --pin or --pin-stdin, not both')
  return pinStdin ? readStdinLine() : pin
}

export const unknownToken = (serial: string): Error =>
  new Error(`there is no token with serial ${serial}; see \`otpost token list\``)
