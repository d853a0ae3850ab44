/** The floors of docs/architecture.md: who may import whom, and what the pure floors may not touch. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = resolve(import.meta.dirname, '../src')
const FLOORS: Readonly<Record<string, number>> = {
  'version.ts': 0,
  core: 0,
  ports: 1,
  flows: 2,
  http: 3,
  web: 3,
  adapters: 3,
  'config.ts': 4,
  'compose.ts': 4,
  cli: 5,
  runtimes: 5,
  testing: 5,
  'index.ts': 5,
}
/** Entry points may use each other: a runtime starts the command line, the testing kit starts a server. */
const TOP = 5
const FORBIDDEN_BELOW: readonly RegExp[] = [
  /\bDate\.now\b/,
  /\bnew Date\(/,
  /\bMath\.random\b/,
  /\bgetRandomValues\b/,
  /\brandomUUID\b/,
  /(?<![.\w])fetch\(/,
  /\bsetTimeout\b/,
  /\bprocess\./,
  /\bDeno\./,
  /\bconsole\./,
]

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
)
const part = (file: string): string => file.split('/')[0] ?? ''
const text = (file: string): string => readFileSync(join(SRC, file), 'utf8')
const imports = (file: string): readonly string[] =>
  [...text(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)].map(([, path = '']) =>
    relative(SRC, resolve(SRC, dirname(file), path)),
  )

describe('floors', () => {
  it('finds the sources', () => expect(files.length).toBeGreaterThan(40))

  it.each(files)('%s imports from its own folder and lower floors only', (file) => {
    const floor = FLOORS[part(file)]
    expect(floor, `src/${part(file)} has no floor`).toBeDefined()

    const wrong = imports(file).filter((imported) => {
      // The shipped mail templates, which only a Worker cannot read from the disk.
      if (file === 'runtimes/workers.ts' && /^\.\.\/templates\/[^/]+\.eml$/.test(imported)) return false
      const other = FLOORS[part(imported)]
      if (floor === undefined || other === undefined) return true
      if (part(file) === part(imported)) return crossesSiblings(file, imported)
      return floor === TOP ? other > floor : other >= floor && !(floor === 4 && other === 4)
    })

    expect(wrong).toEqual([])
  })

  it.each(files.filter((file) => ['core', 'flows'].includes(part(file))))('%s touches nothing outside', (file) => {
    const code = text(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

    expect(FORBIDDEN_BELOW.filter((pattern) => pattern.test(code))).toEqual([])
  })
})

/** Adapters, token types and dialects do not know their siblings; a list (`index.ts`) knows them all. */
function crossesSiblings(file: string, imported: string): boolean {
  for (const root of ['adapters/', 'core/tokens/', 'http/dialects/']) {
    if (!file.startsWith(root) || !imported.startsWith(root)) continue
    const [mine = '', ...rest] = file.slice(root.length).split('/')
    const [other = '', ...otherRest] = imported.slice(root.length).split('/')
    if (rest.length === 0 || otherRest.length === 0) return false
    if (mine !== other) return true
  }
  return false
}
