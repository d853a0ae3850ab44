import { constants, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonical, createSignReply, isPem } from './signature.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))

describe('canonical', () => {
  it('is what Python writes with sorted keys', () => {
    // json.dumps(…, sort_keys=True)
    expect(canonical({ b: [1, null, true], a: { z: 'ü\n"\\\u007f\u{1f511}', Z: -1.5 }, c: {}, d: [] })).toBe(
      '{"a": {"Z": -1.5, "z": "\\u00fc\\n\\"\\\\\\u007f\\ud83d\\udd11"}, "b": [1, null, true], "c": {}, "d": []}',
    )
  })
})

describe('a signature', () => {
  it('is RSA-PSS with SHA-256 and the longest salt, over the canonical text', async () => {
    const body = { result: { value: true }, nonce: 'ü' }
    const [kind, hex = ''] = (await (await createSignReply(pem))(body)).split(':')

    const options = { key: createPublicKey(privateKey), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 256 - 34 }
    const holds = (text: string) => verify('sha256', Buffer.from(text), options, Buffer.from(hex, 'hex'))
    expect([kind, hex.length]).toEqual(['rsa_sha256_pss', 512])
    expect([holds(canonical(body)), holds(canonical({ ...body, nonce: 'u' }))]).toEqual([true, false])
  })

  it('is made with a key whose line breaks are written as \\n', async () => {
    const sign = await createSignReply(pem.trim().replaceAll('\n', '\\n'))

    expect(await sign({})).toMatch(/^rsa_sha256_pss:/)
  })

  it.each([
    [
      'another kind of key',
      String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })),
    ],
    ['a damaged key', pem.replace(/\n.{4}/, '\nAAAA')],
  ])('is refused by %s', async (_, text) => {
    expect(isPem(text)).toBe(true)
    await expect(createSignReply(text)).rejects.toThrow()
  })

  it.each(['', 'nonsense', String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }))])(
    'knows what is no private key at all',
    (text) => expect(isPem(text)).toBe(false),
  )
})
