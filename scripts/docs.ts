/** Writes docs/policies.md, docs/settings.md and docs/openapi.json from the declarations: `npm run docs`. `--check` only compares. */
import { readFileSync, writeFileSync } from 'node:fs'
import { openapiFile } from './openapi.ts'
import { policiesPage, settingsPage } from './reference.ts'

const pages = {
  'docs/policies.md': policiesPage(),
  'docs/settings.md': settingsPage(),
  'docs/openapi.json': openapiFile(),
}
for (const [path, page] of Object.entries(pages)) {
  const file = new URL(`../${path}`, import.meta.url)
  if (!process.argv.includes('--check')) writeFileSync(file, page)
  else if (readFileSync(file, 'utf8') !== page) {
    console.error(`${path} is not what the declarations say: run npm run docs`)
    process.exitCode = 1
  }
}
