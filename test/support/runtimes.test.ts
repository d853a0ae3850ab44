import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandOf, type RuntimeName, startRuntime } from './runtimes.ts'

const runtimes: RuntimeName[] = ['node', 'deno', 'bun']
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'otpost-runtimes-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function script(name: string, text: string): Promise<string> {
  const path = join(folder, `${name}.ts`)
  await writeFile(path, text)
  return path
}

/** Serves HTTP until it is told to stop, and takes its leave. */
const SERVER = `
import { createServer } from 'node:http'
import process from 'node:process'
const server = createServer((_, response) => { response.end(process.env.GREETING + ' ' + process.argv[2]) })
server.listen(0, '127.0.0.1', () => {
  console.log('starting')
  console.log('listening on http://127.0.0.1:' + (server.address() as { port: number }).port)
})
process.on('SIGTERM', () => { console.error('stopping'); process.exit(3) })
`

describe.each(runtimes)('startRuntime with %s', (runtime) => {
  it('waits for the ready line, passes arguments and environment, and stops with the exit of the child', async () => {
    const path = await script(`server-${runtime}`, SERVER)

    const child = await startRuntime(runtime, {
      script: path,
      args: ['ada'],
      env: { GREETING: 'hello' },
      ready: /listening on (\S+)/g,
    })
    const greeting = await fetch(child.url).then((response) => response.text())
    const exit = await child.stop()

    expect(greeting).toBe('hello ada')
    expect(exit).toEqual({ code: 3, signal: null })
    expect(child.output()).toMatch(/^starting\nlistening on .*\nstopping\n$/)
    await expect(fetch(child.url)).rejects.toThrow()
  })

  it('kills without a chance to tidy up', async () => {
    const path = await script(`killed-${runtime}`, SERVER)
    const child = await startRuntime(runtime, { script: path, ready: /listening on (\S+)/ })

    const exit = await child.kill9()

    expect(exit).toEqual({ code: null, signal: 'SIGKILL' })
    expect(child.output()).not.toContain('stopping')
    await expect(fetch(child.url)).rejects.toThrow()
  })
})

describe('startRuntime', () => {
  it('says what the child wrote when it ends before the ready line', async () => {
    const path = await script('broken', `console.log('so far'); throw new Error('out of order')`)

    const start = startRuntime('node', { script: path, ready: /ready/ })

    await expect(start).rejects.toThrow(/ended \(1\) before a line matched \/ready\/[\s\S]*so far[\s\S]*out of order/)
  })

  it('kills the child and says what it wrote when the ready line does not come in time', async () => {
    const path = await script('silent', `console.log('pid', process.pid); setInterval(() => {}, 1000)`)

    const start = startRuntime('node', { script: path, ready: /ready/, timeoutMs: 1000 })
    const message = await start.catch((error: Error) => error.message)

    expect(message).toMatch(/no line matched \/ready\/ within 1000 ms[\s\S]*pid \d+/)
    const pid = Number(/pid (\d+)/.exec(String(message))?.[1])
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  })

  it('accepts a ready line without a line break from a child that ends with it', async () => {
    const path = await script('brief', `process.stdout.write('done 42')`)

    const child = await startRuntime('node', { script: path, ready: /done (\d+)/ })

    expect(child.url).toBe('42')
    expect(await child.exited).toEqual({ code: 0, signal: null })
  })

  it('leaves no child behind when the parent exits', async () => {
    const server = await script('orphan', SERVER)
    const parent = await script(
      'parent',
      `import { startRuntime } from ${JSON.stringify(new URL('./runtimes.ts', import.meta.url).href)}
       const child = await startRuntime('node', { script: ${JSON.stringify(server)}, ready: /listening on (\\S+)/ })
       console.log('child at ' + child.url)
       process.exit(0)`,
    )

    const child = await startRuntime('node', { script: parent, ready: /child at (\S+)/ })
    await child.exited

    // By its socket and not its pid: who is dead but not yet reaped still has a pid.
    await expect.poll(() => fetch(child.url).catch(() => 'gone')).toBe('gone')
  })

  it('names binaries by absolute path, so that PATH does not matter', () => {
    expect(runtimes.map((runtime) => commandOf(runtime)[0])).toEqual(
      runtimes.map(() => expect.stringMatching(/^\/.*(node|deno|bun)$/)),
    )
  })
})
