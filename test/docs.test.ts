import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { policiesPage, settingsPage } from '../scripts/reference.ts'

it.each([
  ['docs/policies.md', policiesPage],
  ['docs/settings.md', settingsPage],
])('%s says what the declarations say', (path, page) => {
  expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')).toBe(page())
})
