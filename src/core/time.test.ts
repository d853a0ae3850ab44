import { expect, it } from 'vitest'
import { mailDate } from './time.ts'

it.each([0, 1, 59, 951_782_399, 951_782_400, 1_782_909_015, 4_102_444_799])('writes %i as mails have it', (now) => {
  expect(mailDate(now)).toBe(new Date(now * 1000).toUTCString().replace('GMT', '-0000'))
})
