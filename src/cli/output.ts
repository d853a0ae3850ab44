/**
 * Output of commands: data on stdout, everything said beside it on stderr. With `--json` stdout holds one JSON document
 * and nothing else.
 */

export const print = (text: string): void => void process.stdout.write(`${text}\n`)
export const note = (text: string): void => void process.stderr.write(`${text}\n`)
export const warn = (text: string): void => note(`warning: ${text}`)
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))

/** Columns padded to their widest cell; `empty` is said instead of a table without rows. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[], empty: string): void {
  if (rows.length === 0) {
    note(empty)
    return
  }
  const lines = [header, ...rows].map((row) => row.map(plain))
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  for (const line of lines)
    print(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

/** One `name: value` per line, values aligned. */
export function printFields(fields: Readonly<Record<string, string>>): void {
  const width = Math.max(...Object.keys(fields).map((name) => name.length))
  for (const [name, value] of Object.entries(fields)) print(`${`${name}:`.padEnd(width + 1)} ${plain(value)}`.trimEnd())
}

/** Text from a database is not let speak to the terminal. */
const plain = (text: string): string => text.replace(/\p{Cc}/gu, ' ')

/** A reader that has seen enough (`| head`) is no failure. */
export function ignoreBrokenPipe(): void {
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

/** Fewer are done before anybody reads of them. */
const WORTH_TELLING = 50
export const canShowProgress = (total: number): boolean => total >= WORTH_TELLING

/** How far long work has come, on stderr: one line that is written over on a terminal, one line a tenth elsewhere. */
export function progress(what: string, total: number): { readonly step: () => void; readonly end: () => void } {
  const { stderr } = process
  let done = 0
  return {
    step: () => {
      done++
      if (stderr.isTTY) stderr.write(`\r${what}: ${done} of ${total}`)
      else if (done % Math.ceil(total / 10) === 0) note(`${what}: ${done} of ${total}`)
    },
    end: () => void (stderr.isTTY && stderr.write('\n')),
  }
}
