/**
 * Replays recorded replies of LinOTP against this tree: `npm run test:golden [-- --update]`.
 *
 * `test/golden/waiting.json` names the scenarios that are replayed, and in each the requests that still differ. A
 * request that differs and is not named fails the run; so does a named one that no longer differs, so that the list
 * only ever gets shorter. `--update` writes the list anew from what the run showed.
 * The recordings are not part of this repository: OTPOST_GOLDEN is their folder, ../shared/golden by default.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

type Waiting = Record<string, readonly number[]>
type Report = {
  readonly results: readonly { readonly name: string; readonly failures: readonly { readonly n: number }[] }[]
}

const ROOT = resolve(import.meta.dirname, '..')
const GOLDEN = resolve(ROOT, process.env.OTPOST_GOLDEN ?? '../shared/golden')
const LIST = join(ROOT, 'test/golden/waiting.json')
const PASSWORD = 'golden-replay'
const update = process.argv.includes('--update')

const waiting = JSON.parse(readFileSync(LIST, 'utf8')) as Waiting // our own file
const folder = mkdtempSync(join(tmpdir(), 'otpost-golden-'))
const report = join(folder, 'report.json')
const server = spawn(process.execPath, [join(ROOT, 'src/runtimes/node.ts'), 'serve', '--port', '0', '--data', folder], {
  env: { ...process.env, OTPOST_ADMIN_PASSWORD: PASSWORD },
  stdio: ['ignore', 'pipe', 'ignore'],
})
try {
  const url = await listening()
  const replay = [
    join(GOLDEN, 'replay.mjs'),
    '--url',
    url,
    '--admin',
    'admin',
    '--password',
    PASSWORD,
    '--json',
    report,
  ]
  const only = update ? [] : ['--only', Object.keys(waiting).join(',')]
  await run([...replay, ...only])
  process.exitCode = compare(JSON.parse(readFileSync(report, 'utf8')) as Report) ? 0 : 1 // written by the runner
} finally {
  server.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}

function compare({ results }: Report): boolean {
  const seen: Waiting = Object.fromEntries(results.map(({ name, failures }) => [name, failures.map(({ n }) => n)]))
  if (update) {
    const kept = Object.entries(seen).filter(([name]) => name in waiting || seen[name]?.length === 0)
    const lines = kept.map(([name, numbers]) => `  ${JSON.stringify(name)}: [${numbers.join(', ')}]`)
    writeFileSync(LIST, `{\n${lines.join(',\n')}\n}\n`)
    return true
  }
  let good = true
  for (const [name, numbers] of Object.entries(seen)) {
    const known = waiting[name] ?? []
    const worse = numbers.filter((n) => !known.includes(n))
    const better = known.filter((n) => !numbers.includes(n))
    if (worse.length > 0) console.log(`${name}: differs at ${worse.join(', ')}; see above`)
    if (better.length > 0) console.log(`${name}: no longer differs at ${better.join(', ')}; run with --update`)
    good &&= worse.length === 0 && better.length === 0
  }
  console.log(good ? 'golden: as expected' : 'golden: not as expected')
  return good
}

function listening(): Promise<string> {
  return new Promise((found, failed) => {
    let output = ''
    server.stdout.on('data', (chunk: Buffer) => {
      output += chunk
      const url = /listening on (http:\S+)/.exec(output)?.[1]
      if (url) found(url)
    })
    server.on('exit', (code) => failed(new Error(`the server ended with ${code}:\n${output}`)))
  })
}

/** The runner ends with 1 when anything differs, which is judged by `compare`. */
function run(args: readonly string[]): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [...args], { stdio: 'inherit' })
    child.on('exit', (code) => (code === 0 || code === 1 ? done() : failed(new Error(`the runner ended with ${code}`))))
  })
}
