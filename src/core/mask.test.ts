import { expect, it } from 'vitest'
import { maskAddress } from './mask.ts'

it.each([
  ['alice@example.org', 'al***@example.org'],
  ['abc@example.org', 'ab***@example.org'],
  // Of a short name at least one letter is hidden.
  ['ab@example.org', 'a***@example.org'],
  ['a@example.org', '***@example.org'],
  ['odd@name@example.org', 'od***@example.org'],
  ['+49 170 1234567', '***67'],
  ['12345', '***45'],
  ['1234', '***'],
  ['12', '***'],
  ['', '***'],
  ['@example.org', '***rg'],
])('shows of %j no more than %j', (address, masked) => {
  expect(maskAddress(address)).toBe(masked)
})
