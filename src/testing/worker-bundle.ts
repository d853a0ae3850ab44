/**
 * The Worker as one file, built by wrangler as `wrangler deploy` would build it. The package carries it in
 * `dist/worker/`; in the source tree it is built when it is asked for, and again when a source has changed.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Root of the package, or of the source tree. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BUILT = fileURLToPath(new URL('../worker/workers.js', import.meta.url))
const CACHE = join(ROOT, '.build/worker')
/** Milliseconds that a bundle of older sources is kept for processes which may still read it. */
const KEPT = 3_600_000

/** Path of the Worker that belongs to this code. @throws when it is not there and wrangler cannot build it */
export async function workerBundle(): Promise<string> {
  // Node strips no types in node_modules, so an installed package is JavaScript and carries its Worker.
  if (!import.meta.url.endsWith('.ts')) return BUILT
  const path = join(CACHE, `workers-${await digestOfSources()}.js`)
  if (await exists(path)) return path
  await mkdir(CACHE, { recursive: true })
  const folder = await mkdtemp(join(CACHE, 'making-'))
  try {
    // Several processes may be at it; each renames a whole file.
    await rename(await bundleWorker(folder), path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  await removeOlder(path)
  return path
}

/**
 * Builds `workers.js` into a folder, alone: no source map, which would be three times its size, and texts inside.
 *
 * @param minify as `wrangler.toml` has it; false keeps the names of modules in comments
 * @returns its path
 * @throws with wrangler's own words when it cannot be built
 */
export async function bundleWorker(folder: string, minify = true): Promise<string> {
  const wrangler = createRequire(import.meta.url).resolve('wrangler/package.json')
  const cli = join(dirname(wrangler), 'bin/wrangler.js')
  await promisify(execFile)(
    process.execPath,
    [cli, 'deploy', '--dry-run', '--outdir', folder, minify ? '--minify' : '--no-minify'],
    {
      cwd: ROOT,
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        CI: 'true',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_WRITE_LOGS: 'false',
      },
    },
  ).catch((cause: Error) => {
    throw new Error(`wrangler could not bundle the Worker: ${cause.message}`, { cause })
  })
  const path = join(folder, 'workers.js')
  const code = await withTexts(await readFile(path, 'utf8'), folder)
  await writeFile(path, code.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n'))
  const texts = (await readdir(folder)).filter((name) => name.endsWith('.eml'))
  await Promise.all(['workers.js.map', 'README.md', ...texts].map((name) => rm(join(folder, name), { force: true })))
  return path
}

/** Wrangler uploads texts as modules of their own, beside the code; in one file they are constants. */
const IMPORTED_TEXT = /\bimport\s*([\w$]+)\s*from\s*"\.\/([\w.-]+\.eml)";/g

async function withTexts(code: string, folder: string): Promise<string> {
  const names = [...code.matchAll(IMPORTED_TEXT)].map(([, , name = '']) => name)
  const texts = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  )
  return code.replace(IMPORTED_TEXT, (_, variable, name) => `var ${variable} = ${JSON.stringify(texts.get(name))};`)
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256')
  const all = await readdir(join(ROOT, 'src'), { recursive: true })
  // The Worker imports nothing of these folders, nor tests.
  const sources = all.filter((name) => /(?<!\.test)\.ts$/.test(name) && !/^(testing|cli)[/\\]/.test(name))
  const templates = await readdir(join(ROOT, 'templates'))
  const files = [...sources.map((path) => join('src', path)), ...templates.map((path) => join('templates', path))]
  for (const name of ['wrangler.toml', 'package-lock.json', ...files.sort()])
    hash.update(`${name}\0`).update(await readFile(join(ROOT, name)))
  return hash.digest('hex').slice(0, 16)
}

async function removeOlder(current: string): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const path = join(CACHE, name)
    const made = await stat(path).catch(() => null) // somebody else may have removed it
    if (path !== current && made && made.mtimeMs < Date.now() - KEPT) await rm(path, { recursive: true, force: true })
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
