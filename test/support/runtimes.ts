/**
 * Children for tests: starts a script under Node, Deno or Bun, waits until it says that it is ready, and ends it.
 * The binaries are those of `node_modules/.bin`; Node is the one that runs the test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type RuntimeName = 'node' | 'deno' | 'bun'

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type RuntimeOptions = {
  /** Absolute path or file URL. */
  readonly script: string | URL
  readonly args?: readonly string[]
  /** Added to the environment of the test; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The root of the repository unless told. */
  readonly cwd?: string
  /** What a line of stdout must match before the child counts as started. */
  readonly ready: RegExp
  /** Milliseconds until `ready` must have been seen; 20000 unless told. */
  readonly timeoutMs?: number
}

export type RunningChild = {
  readonly pid: number
  readonly match: RegExpExecArray
  /** First group of `ready`, or all that it matched. */
  readonly url: string
  /** All of stdout and stderr so far, in the order it came. */
  readonly output: () => string
  readonly exited: Promise<Exit>
  /** Sends SIGTERM unless told and waits; after 10 seconds the child is killed, which its exit then says. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Exit>
  /** Ends it without a chance to tidy up, as a crash would, and waits. */
  readonly kill9: () => Promise<Exit>
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const bin = (name: string) => fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url))

/** Command line in front of the script. */
export function commandOf(runtime: RuntimeName): readonly [string, ...string[]] {
  if (runtime === 'node') return [process.execPath]
  if (runtime === 'deno') return [bin('deno'), 'run', '-A', '--node-modules-dir=manual', '--no-lock']
  return [bin('bun')]
}

/**
 * Starts `script` and waits for its `ready` line. The child dies with the test process.
 *
 * @throws when the child ends or the time is up before that line; the error holds everything it wrote
 */
export async function startRuntime(runtime: RuntimeName, options: RuntimeOptions): Promise<RunningChild> {
  const { script, args = [], env = {}, cwd = ROOT, ready, timeoutMs = 20_000 } = options
  const [command, ...flags] = commandOf(runtime)
  const path = script instanceof URL ? fileURLToPath(script) : script
  const child = spawn(command, [...flags, path, ...args], {
    cwd,
    // Options of the test's own Node are not meant for the child.
    env: { ...process.env, NODE_OPTIONS: undefined, FORCE_COLOR: undefined, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = exitOf(child)
  const killWithParent = () => void child.kill('SIGKILL')
  // Before its folder is taken away.
  process.prependOnceListener('exit', killWithParent)
  exited.finally(() => process.off('exit', killWithParent)).catch(() => {})

  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })

  const kill9 = () => {
    child.kill('SIGKILL')
    return exited
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    return exited.finally(() => clearTimeout(timer))
  }

  try {
    const match = await lineOf(child, exited, ready, timeoutMs)
    return { pid: child.pid ?? 0, match, url: match[1] ?? match[0], output: () => output, exited, stop, kill9 }
  } catch (cause) {
    await kill9().catch(() => {})
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${runtime} ${path}: ${reason}\n--- output ---\n${output}`, { cause })
  }
}

/** Settles when the streams are drained too, so that `output` is whole. Rejects when the child could not be started. */
function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
    child.once('error', reject)
  })
}

function lineOf(
  child: ChildProcess,
  exited: Promise<Exit>,
  ready: RegExp,
  timeoutMs: number,
): Promise<RegExpExecArray> {
  // A global or sticky pattern would remember where it stopped.
  const pattern = new RegExp(ready.source, ready.flags.replace(/[gy]/g, ''))
  return new Promise((resolve, reject) => {
    let rest = ''
    const timer = setTimeout(() => reject(new Error(`no line matched ${ready} within ${timeoutMs} ms`)), timeoutMs)
    const test = (line: string) => {
      const match = pattern.exec(line)
      if (match === null) return
      clearTimeout(timer)
      resolve(match)
    }
    child.stdout?.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(test)
    })
    exited
      .then(({ code, signal }) => {
        test(rest)
        reject(new Error(`ended (${signal ?? code}) before a line matched ${ready}`))
      })
      .catch(reject)
      .finally(() => clearTimeout(timer))
  })
}
