/** Servers as child processes: started, waited for, and ended with the test. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that servers with users of their own can enter; removed with the process at the latest. */
export async function scratchFolder(name: string): Promise<{ readonly path: string; readonly remove: () => void }> {
  const path = mkdtempSync(join(tmpdir(), `otpost-${name}-`))
  await chmod(path, 0o755)
  const remove = () => rmSync(path, { recursive: true, force: true })
  process.once('exit', remove)
  return { path, remove }
}

/** So many ports of 127.0.0.1 that nobody listens on; all are held until all are found. */
export async function freePorts<N extends number>(count: N): Promise<readonly number[] & { readonly length: N }> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)) // listening on TCP
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports as unknown as readonly number[] & { readonly length: N } // one for each server
}

export type Child = {
  /** Lines of stdout and stderr so far. */
  readonly lines: readonly string[]
  /** How it ended, and its last lines. */
  readonly died: Promise<string>
  readonly stop: () => Promise<void>
}

/** Starts a server that stays in the foreground. Its stdin is open: one that reads it ends with it. */
export function startChild(command: string, args: readonly string[]): Child {
  const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts)
    })
  }
  const died = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(String(error)))
    child.once('close', (code) => resolve(`${command} ended (${code})\n${lines.slice(-40).join('\n')}`))
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  return {
    lines,
    died,
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(kill, 5000)
      await died
      clearTimeout(timer)
      process.off('exit', kill)
    },
  }
}

/** Waits until somebody listens on the port. @throws with what the server said when it ends before, or after 20 s */
export async function listeningOn(port: number, died: Promise<string>): Promise<void> {
  const isUp = () =>
    new Promise<true | null>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(null))
    })
  await until(isUp, died, `nobody listens on ${port}`)
}

/** Waits for a line of a server. @throws as above */
export async function saidBy({ lines, died }: Child, line: RegExp): Promise<RegExpExecArray> {
  const find = async () => lines.map((one) => line.exec(one)).find((match) => match !== null) ?? null
  return until(find, died, `no line is like ${line}`)
}

async function until<T>(ask: () => Promise<T | null>, died: Promise<string>, otherwise: string): Promise<T> {
  const deadline = Date.now() + 20_000
  const dead = died.then((why) => {
    throw new Error(why)
  })
  dead.catch(() => undefined)
  for (;;) {
    const answer = await Promise.race([ask(), dead])
    if (answer !== null) return answer
    if (Date.now() > deadline) throw new Error(otherwise)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
