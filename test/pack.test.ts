/**
 * The package as others install it: packed, unpacked into a project of its own, with its declared dependencies and no
 * others. They are links to those of this tree, so nothing is downloaded.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readExample } from './testing/example.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const run = promisify(execFile)

let project = ''
let version = ''
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'otpost-pack-'))
  await run('npm', ['pack', '--pack-destination', project], { cwd: ROOT })
  const tarball = (await readdir(project)).find((name) => name.endsWith('.tgz')) ?? ''
  await mkdir(installed(), { recursive: true })
  await run('tar', ['xzf', join(project, tarball), '-C', installed(), '--strip-components=1'])
  const manifest = JSON.parse(await readFile(installed('package.json'), 'utf8'))
  version = manifest.version
  await Promise.all(Object.keys(manifest.dependencies).map(link))
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
}, 60_000)
afterAll(() => rm(project, { recursive: true, force: true }))

const installed = (path = ''): string => join(project, 'node_modules/otpost', path)

async function link(name: string): Promise<void> {
  const path = join(project, 'node_modules', name)
  await mkdir(dirname(path), { recursive: true })
  await symlink(join(ROOT, 'node_modules', name), path)
}

/** Runs a module in the project. @returns what it wrote as JSON */
async function evaluate(code: string): Promise<unknown> {
  await writeFile(join(project, 'script.js'), code)
  const { stdout } = await run(process.execPath, ['script.js'], { cwd: project })
  return JSON.parse(stdout)
}

const flow = (runtime: string) => `
  import { startOtpost } from 'otpost/testing'
  const otpost = await startOtpost({ runtime: '${runtime}' })
  const { user, pin, email } = await otpost.enroll()
  const asked = await otpost.check({ user, pass: pin })
  const pass = await otpost.nextOtp(email)
  const { result } = await otpost.check({ user, pass, transactionid: asked.detail.transactionid })
  console.log(JSON.stringify([otpost.runtime, result.value]))
  await otpost.stop()`

describe('the package', () => {
  it('carries what it needs, and no sources and tests', async () => {
    const files = await readdir(installed(), { recursive: true })

    expect(files).toEqual(
      expect.arrayContaining(['dist/worker/workers.js', 'migrations/0000_start.sql', 'dist/index.d.ts']),
    )
    expect(files.filter((name) => /^(src|test|scripts|node_modules)\/|\.test\.|workers\.js\.map$/.test(name))).toEqual(
      [],
    )
  })

  it('has a command that tells its version and its use', async () => {
    const command = installed('dist/runtimes/node.js')
    const told = await run(process.execPath, [command, '--version'])
    const help = await run(process.execPath, [command, '--help'])

    expect(told.stdout.trim()).toBe(version)
    expect(help.stdout).toMatch(/^Usage: otpost /)
    expect((await readFile(command, 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(true)
    expect((await stat(command)).mode & 0o111).toBe(0o111)
  })

  it('is a library', async () => {
    const names = await evaluate(`console.log(JSON.stringify(Object.keys(await import('otpost'))))`)

    expect(names).toEqual(expect.arrayContaining(['compose', 'd1Batch', 'libsqlBatch', 'readConfig', 'readKeys']))
  })

  it('says what is missing when there is no miniflare', async () => {
    await expect(evaluate(flow('miniflare'))).rejects.toThrow('npm install --save-dev miniflare')
  })

  it('starts otpost for a test in the process of the test', async () => {
    expect(await evaluate(flow('node'))).toEqual(['node', true])
  })

  it('starts otpost for a test in workerd', async () => {
    await link('miniflare')

    expect(await evaluate(flow('miniflare'))).toEqual(['miniflare', true])
  })

  it('has types that hold, without skipLibCheck', async () => {
    await Promise.all(['vitest', '@types/node'].map(link))
    await writeFile(join(project, 'example.ts'), await readExample())
    await writeFile(
      join(project, 'worker.ts'),
      `import { compose, type D1Database, d1Batch, type Edges, type Otpost, readConfig, readKeys } from 'otpost'
      export function open(db: D1Database, secret: string, edges: Edges): Otpost {
        const config = readConfig({ OTPOST_SEND_DEADLINE: '5' })
        const keys = readKeys(secret)
        if (!config.ok) throw new Error(config.error)
        if (!keys.ok) throw new Error(keys.error)
        return compose(d1Batch(db), keys.value, edges, config.value)
      }
      // @ts-expect-error: types are there, so this is wrong
      export const wrong: number = open`,
    )
    const compilerOptions = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: ['node'] }
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['example.ts', 'worker.ts'] }),
    )

    const { stdout } = await run(process.execPath, [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '-p',
      project,
    ]).catch((error: { stdout: string }) => error)

    expect(stdout).toBe('')
  })
})
