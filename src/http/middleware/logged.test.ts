import { expect, it } from 'vitest'
import { shownPath } from './logged.ts'

it.each([
  ['/validate/check', '/validate/check'],
  ['/', '/'],
  ['/api/v2/', '/api/v2/'],
  ['/api/v2/tokens/LSEM0001A3F4', '/api/v2/…'],
  ['/validate/check&user=ada&pass=pin418276', '/validate/…'],
  ['/otpost/users/corp/ada@example.org', '/otpost/users/…'],
  ['/validate/check/ada/secret', '/validate/check/…'],
])('of %s the log shows %s', (path, shown) => {
  expect(shownPath(path)).toBe(shown)
})
