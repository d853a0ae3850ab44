import { expect, it } from 'vitest'
import { decodeAuth } from './userservice.ts'

const auth = (password: string) => decodeAuth(new Map([...Object.entries({ login: 'ada', password })]))

it.each<readonly [string, string, string]>([
  ['MFWGSY3F:MFWGSY3FFVYHO===', 'alice', 'alice-pw'],
  [':mfwgsy3f', '', 'alice'],
  ['====:MFWGSY3F=', '', 'alice'],
])('auth reads OTP and password of %j', (password, otp, read) =>
  expect(auth(password)).toMatchObject({ otp, password: read }),
)

it('auth is read in time that grows with its length, since anybody may send it', () => {
  expect(auth(`${'='.repeat(500_000)}A:AA`)).toBeNull()
})
