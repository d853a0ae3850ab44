/** Bytes of parameters as text: UTF-8 if they are that, else latin-1. */
import { expect, it } from 'vitest'
import { readParams } from './params.ts'

const PIECES = ['61', 'c3a9', 'efbfbd', 'efbbbf', 'f09f9880', 'f09f98', 'c3', 'ff', 'e282', '80', 'eda080', '2b']

/** As the platform judges, by an exception. */
function expected(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return Buffer.from(bytes).toString('latin1')
  }
}

it('does not count a byte order mark before JSON', async () => {
  const headers = { 'content-type': 'application/json' }
  const params = await readParams(
    new Request('http://otpost.test/', { method: 'POST', headers, body: '\ufeff{"user":"ada"}' }),
  )

  expect(params).toMatchObject({ ok: true, value: new Map([['user', 'ada']]) })
})

it('is UTF-8 or latin-1 as the platform judges, for all rows of three pieces', async () => {
  const rows = PIECES.flatMap((a) => PIECES.flatMap((b) => PIECES.map((c) => a + b + c)))
  const wrong: string[] = []
  for (const hex of rows) {
    const body = `user=${hex.replace(/../g, '%$&')}`
    const params = await readParams(
      new Request('http://otpost.test/', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
      }),
    )
    const read = params.ok ? params.value.get('user') : params.error
    if (read !== expected(Buffer.from(hex, 'hex'))) wrong.push(hex)
  }

  expect(wrong).toEqual([])
})
