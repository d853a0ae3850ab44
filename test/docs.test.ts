import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openapiFile } from '../scripts/openapi.ts'
import { policiesPage, settingsPage } from '../scripts/reference.ts'

it.each([
  ['docs/policies.md', policiesPage],
  ['docs/settings.md', settingsPage],
  ['docs/openapi.json', openapiFile],
])('%s says what the declarations say', (path, page) => {
  expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')).toBe(page())
})
