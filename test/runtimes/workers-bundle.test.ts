/** What Cloudflare enforces and workerd on this machine does not, read from the bundle and its configuration. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleWorker } from '../../src/testing/worker-bundle.ts'

const ROOT = new URL('../../', import.meta.url)
const read = (path: string) => readFile(new URL(path, ROOT), 'utf8')

let bundle = ''
/** Modules in the bundle, which esbuild names in comments. */
let modules: readonly string[] = []
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'otpost-bundle-'))
  bundle = await readFile(await bundleWorker(folder, false), 'utf8')
  await rm(folder, { recursive: true })
  modules = [...bundle.matchAll(/^ *\/\/ ((?:\.\.\/)*(?:src|node_modules|work)\/\S+)$/gm)].map(([, path = '']) => path)
})

describe("the Worker's bundle", () => {
  it('is made of the sources that a Worker needs', () => {
    expect(modules).toEqual(expect.arrayContaining(['src/runtimes/workers.ts', 'src/adapters/sockets/workers.ts']))
  })

  it.each([
    ['src/cli/'],
    ['src/testing/'],
    ['src/adapters/catcher/'],
    ['src/adapters/sql/'],
    ['src/adapters/users/web-hashes.ts'],
    ['node_modules/postgres/'],
    ['node_modules/mysql2/'],
    ['src/adapters/store/migrate.ts'],
    ['node_modules/smtp-server/'],
    ['node_modules/commander/'],
    ['node_modules/@hono/node-server/'],
    ['node_modules/@libsql/client/lib-esm/node'],
    ['node_modules/libsql/'],
  ])('has nothing of %s, which is for processes', (path) => {
    expect(modules.filter((name) => name.includes(path))).toEqual([])
  })

  it.each([
    ['code from text', /\beval\s*\(|\bnew Function\b|(?<![.\w])Function\s*\(/],
    ['WebAssembly, which must not be compiled at run time', /\bWebAssembly\b|\.wasm\b/],
    ['PBKDF2, which Cloudflare stops at 100,000 iterations', /pbkdf2/i],
  ])('has no %s', (_, pattern) => {
    const code = bundle.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')

    expect(pattern.exec(code)?.[0]).toBeUndefined()
  })
})

describe('wrangler.toml', () => {
  const dateOf = async (path: string) => /compatibility_?date\W+(\d{4}-\d\d-\d\d)/i.exec(await read(path))?.[1] ?? ''

  it('has the compatibility date that the testing kit uses', async () => {
    expect(await dateOf('wrangler.toml')).toBe(await dateOf('src/testing/miniflare.ts'))
  })

  it('is not dated after the workerd of this tree, which would refuse it', async () => {
    const { version } = JSON.parse(await read('node_modules/workerd/package.json'))
    const [, year, month, day] = /^1\.(\d{4})(\d\d)(\d\d)\./.exec(version) ?? []

    expect((await dateOf('wrangler.toml')) <= `${year}-${month}-${day}`).toBe(true)
  })

  it('has migrations that wrangler accepts', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'otpost-d1-'))
    const wrangler = fileURLToPath(new URL('node_modules/wrangler/bin/wrangler.js', ROOT))
    const apply = ['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', folder]

    const { stdout } = await promisify(execFile)(process.execPath, [wrangler, ...apply], {
      cwd: fileURLToPath(ROOT),
      env: { ...process.env, NODE_OPTIONS: '', CI: 'true', WRANGLER_SEND_METRICS: 'false' },
    })

    const names = (await readdir(new URL('migrations/', ROOT))).filter((name) => name.endsWith('.sql'))
    // The table is printed anew after each migration.
    const applied = new Set([...stdout.matchAll(/(\w+\.sql) +│ ✅/g)].map(([, name]) => name))
    expect([...applied]).toEqual(names.sort())
    await rm(folder, { recursive: true, force: true })
  })
})
