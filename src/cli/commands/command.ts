/** What commands have in common: examples in their help, `--json`, numbers that are checked. */
import { type Command, InvalidArgumentError } from 'commander'
import ipaddr from 'ipaddr.js'

/** Shows command lines at the end of the help. */
export const withExamples = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText(
    'after',
    `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`,
  )

export const withJson = (command: Command): Command => command.option('--json', 'print one JSON document')

/** Reads an option's whole number. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (number >= min && number <= max) return number
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }

/** Reads an option's address. */
export function ipAddress(text: string): string {
  if (ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)) return text
  throw new InvalidArgumentError('It must be an IPv4 or IPv6 address.')
}

/** Epoch seconds as RFC 3339 in UTC, to the second. */
export const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000', '')
