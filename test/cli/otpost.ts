/** Runs the command line in a child process, as an operator would: one command, or a server. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandOf, type RunningChild, type RuntimeName, startRuntime } from '../support/runtimes.ts'
import { SCRATCH } from '../support/scratch.ts'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const scriptOf = (runtime: RuntimeName): string => join(ROOT, 'src/runtimes', `${runtime}.ts`)

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string }
export type RunOptions = {
  readonly runtime?: RuntimeName
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
}

/** Whoever runs the tests may have a server configured; children know nothing of it. */
export const cleanEnv: Readonly<Record<string, string | undefined>> = {
  ...Object.fromEntries(
    Object.keys(process.env).flatMap((name) => (name.startsWith('OTPOST_') ? [[name, undefined]] : [])),
  ),
  NODE_OPTIONS: undefined,
  FORCE_COLOR: undefined,
  npm_lifecycle_event: undefined,
}

/** Runs `otpost …` to its end. */
export function otpost(
  args: readonly string[],
  { runtime = 'node', env = {}, input = '', cwd = ROOT }: RunOptions = {},
): Promise<Ran> {
  const [command, ...flags] = commandOf(runtime)
  return run(command, [...flags, scriptOf(runtime), ...args], { env, input, cwd })
}

export function run(
  command: string,
  args: readonly string[],
  { env = {}, input = '', cwd = ROOT }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...cleanEnv, ...env } })
  const killWithTest = () => void child.kill('SIGKILL')
  process.once('exit', killWithTest)
  const ran = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ran.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ran.stderr += text
  })
  child.stdin.on('error', () => undefined) // a command that reads nothing may be gone already
  child.stdin.end(input)
  return new Promise<Ran>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...ran }))
  }).finally(() => process.off('exit', killWithTest))
}

/** Runs a command that must succeed with `--json`, and reads what it printed. */
export async function otpostJson(args: readonly string[], options: RunOptions = {}): Promise<unknown> {
  const { code, stdout, stderr } = await otpost([...args, '--json'], options)
  if (code !== 0) throw new Error(`otpost ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout)
}

/** Starts `otpost serve` or `start` on a free port; ends with `cleanUp` at the latest. */
export async function startOtpost(
  args: readonly string[],
  { runtime = 'node', env = {} }: Pick<RunOptions, 'runtime' | 'env'> = {},
): Promise<RunningChild> {
  const server = await startRuntime(runtime, {
    script: scriptOf(runtime),
    args: [...args, '--port', '0'],
    env: { ...cleanEnv, ...env },
    ready: /^otpost listening on (\S+)$/,
  })
  servers.push(server)
  return server
}

const servers: RunningChild[] = []
const folders: string[] = []

/** A name for a data folder that is not there yet, in a folder of its own. */
export function newDataDir(): string {
  const folder = mkdtempSync(join(SCRATCH, 'otpost-test-'))
  folders.push(folder)
  return join(folder, 'data')
}

/** Ends the servers and removes the folders of a test file, which calls it by `afterAll`: files share their process. */
export async function cleanUp(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** One request to /validate/check. */
export async function check(
  url: string,
  fields: Readonly<Record<string, string>>,
): Promise<{ value: boolean; message?: string }> {
  const response = await fetch(`${url}/validate/check`, { method: 'POST', body: new URLSearchParams(fields) })
  // The server's own envelope, whose form http tests hold still.
  const body = (await response.json()) as { result: { value: boolean }; detail?: { message: string } }
  return { value: body.result.value, ...body.detail }
}

/** Texts of the caught mails, the newest first. */
export async function caughtTexts(url: string): Promise<readonly string[]> {
  const mails = (await (await fetch(`${url}/dev/mail.json`)).json()) as { text: string }[] // that of ports/catcher.ts
  return mails.map(({ text }) => text)
}
