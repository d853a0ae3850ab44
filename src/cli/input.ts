/** Input of commands: standard input, files, and secrets typed without echo. */
import { readFile } from 'node:fs/promises'

export const readStdin = async (): Promise<string> => (await readStdinBytes()).toString('utf8')

async function readStdinBytes(): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of process.stdin) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  return Buffer.concat(chunks)
}

/** Standard input without the line break that `echo` and editors add. */
export const readStdinLine = async (): Promise<string> => (await readStdin()).replace(/\r?\n$/, '')

/** @param file its name, or `-` for standard input. @throws naming the file */
export async function readInput(file: string): Promise<string> {
  if (file === '-') return readStdin()
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new Error(`cannot read ${file}`, { cause })
  }
}

/** @param encoding a label of the Encoding Standard. @throws where the bytes are not of it */
export async function readText(file: string, encoding: string): Promise<string> {
  const bytes =
    file === '-'
      ? await readStdinBytes()
      : await readFile(file).catch((cause) => {
          throw new Error(`cannot read ${file}`, { cause })
        })
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    const name = file === '-' ? 'standard input' : file
    throw cause instanceof RangeError
      ? new Error(`there is no encoding ${encoding}`)
      : new Error(`${name} is not in ${encoding}: --encoding names another one, such as windows-1252`)
  }
}

export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true

/** Asks on the terminal and shows nothing of the answer. @throws when it is broken off with Ctrl-C or Ctrl-D */
export function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process
  // Echo goes off before the question is there, or the terminal would show what is typed at once.
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stdin.resume()
  stderr.write(question)
  return new Promise((resolve, reject) => {
    let answer = ''
    const end = () => {
      stdin.off('data', take)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
    }
    const take = (typed: string) => {
      for (const character of typed) {
        if (character === '\r' || character === '\n') {
          end()
          return resolve(answer)
        }
        if (character === '\u0003' || character === '\u0004') {
          end()
          return reject(new Error('broken off'))
        }
        answer = character === '\u007f' || character === '\b' ? [...answer].slice(0, -1).join('') : answer + character
      }
    }
    stdin.on('data', take)
  })
}
