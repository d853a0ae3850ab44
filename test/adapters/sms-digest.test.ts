/** HTTP Digest: the vectors of RFC 7616 and RFC 2617, and gateways that demand it. */
import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { provider as smtpMail } from '../../src/adapters/mail/smtp.ts'
import { answerDigest } from '../../src/adapters/sms/digest.ts'
import { smsProviders } from '../../src/adapters/sms/index.ts'
import { findIn, type RawConfig } from '../../src/ports/provider.ts'
import { type Heard, startHttpServer } from '../support/http-server.ts'
import { mailEdges, NODE, WORKERS } from '../support/mail.ts'

const RFC7616 = {
  ...{ user: 'Mufasa', password: 'Circle of Life', method: 'GET', uri: '/dir/index.html' },
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
}
const challenge = (algorithm: string) =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`

describe('the answer', () => {
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('by %s is that of RFC 7616 §3.9.1', (algorithm, response) => {
    expect(answerDigest(challenge(algorithm), RFC7616)).toContain(`response="${response}"`)
  })

  it('prefers SHA-256 where both are offered, in whichever order, beside other schemes', () => {
    const both = `Basic realm="a, b", ${challenge('MD5')}, ${challenge('SHA-256')}`

    expect(answerDigest(both, RFC7616)).toContain('algorithm=SHA-256')
  })

  it('is that of RFC 2617 §3.5 for a challenge without an algorithm', () => {
    const old =
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    const request = { ...RFC7616, password: 'Circle Of Life', cnonce: '0a4f113b' }

    const answer = answerDigest(old, request)

    expect(answer).toContain('response="6629fae49393a05397450978507c4ef1"')
    expect(answer).not.toContain('algorithm')
  })

  it.each([
    '',
    'Basic realm="x"',
    'Digest',
    'Digest realm="x"',
    'Digest realm="x", nonce="n", algorithm=SHA-1',
    'Digest realm="x", nonce="n", qop="auth-int"',
    'Digest realm="x", nonce="n", algorithm=__proto__',
  ])('is none to %j', (header) => {
    expect(answerDigest(header, RFC7616)).toBeNull()
  })

  it('takes no time that grows with the square of a challenge, whatever a gateway sends', () => {
    expect(answerDigest(`Digest ${'\\"'.repeat(50_000)}`, RFC7616)).toBeNull()
    expect(answerDigest(`Digest "${'\\"'.repeat(50_000)}\\`, RFC7616)).toBeNull()
  })

  it('keeps quotes and other letters of a name where they belong', () => {
    expect(answerDigest(challenge('MD5'), { ...RFC7616, user: 'a", uri="/x' })).toContain('username="a\\", uri=\\"/x"')
    expect(answerDigest(challenge('MD5'), { ...RFC7616, user: 'Zoë' })).toContain("username*=UTF-8''Zo%C3%AB")
  })
})

const md5 = (text: string) => createHash('md5').update(text).digest('hex')
/** The check of a server, by RFC 7616 §3.4.1. */
function isRight({ method, path, query, headers }: Heard): boolean {
  const header = headers.get('authorization') ?? ''
  const value = (name: string) => new RegExp(`${name}="?([^",]+)"?`).exec(header)?.[1] ?? ''
  const uri = path + (query.size > 0 ? `?${query}` : '')
  const secret = md5('otp:gw:secret')
  const middle = `nonce-1:${value('nc')}:${value('cnonce')}:auth`
  return value('uri') === uri && value('response') === md5(`${secret}:${middle}:${md5(`${method}:${uri}`)}`)
}

const GATEWAYS: Readonly<Record<string, RawConfig>> = {
  HttpSMSProvider: { AUTH_TYPE: 'digest' },
  RestSMSProvider: {
    ...{ AUTHENTICATION: 'DIGEST', PAYLOAD: { text: '', to: '' } },
    ...{ SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to' },
  },
}
const SMS = { id: 'sms-1', to: '+491701234567', subject: '', text: '418276' }

describe.each(Object.entries(GATEWAYS))('%s', (name, keys) => {
  async function send(more: RawConfig = {}, capabilities = NODE) {
    const server = await startHttpServer((heard) =>
      isRight(heard)
        ? { status: 200, body: 'OK' }
        : { status: 401, headers: { 'www-authenticate': 'Digest realm="gw", nonce="nonce-1", qop="auth"' } },
    )
    onTestFinished(server.close)
    const provider = findIn(smsProviders(smtpMail), name)
    const edges = mailEdges(capabilities)
    const config = { URL: `${server.url}/send`, USERNAME: 'otp', PASSWORD: 'secret', ...keys, ...more }
    const read = await provider?.read(config, edges)
    if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
    return { delivery: await provider.create(read.value.config, edges)(SMS, AbortSignal.timeout(5000)), server }
  }

  it.each([NODE, WORKERS])('answers the challenge of a gateway on $runtime', async (capabilities) => {
    const { delivery, server } = await send({}, capabilities)

    expect(delivery).toMatchObject({ status: 'accepted' })
    expect(server.heard.map(({ headers }) => headers.has('authorization'))).toEqual([false, true])
    expect(server.heard[0]?.body).toBe(server.heard[1]?.body)
  })

  it('takes the credentials of the URL when there are no others', async () => {
    const server = await startHttpServer((heard) =>
      isRight(heard)
        ? { status: 200, body: 'OK' }
        : { status: 401, headers: { 'www-authenticate': 'Digest realm="gw", nonce="nonce-1", qop="auth"' } },
    )
    onTestFinished(server.close)

    const URL = `http://otp:secret@127.0.0.1:${server.port}/send?a=1`
    const { delivery } = await send({ URL, USERNAME: '', PASSWORD: '' })

    expect(delivery).toMatchObject({ status: 'accepted' })
  })

  it('asks twice at most, with a wrong password', async () => {
    const { delivery, server } = await send({ PASSWORD: 'wrong' })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'http_401' })
    expect(server.heard).toHaveLength(2)
  })
})

it('signs the query of a GET', async () => {
  const server = await startHttpServer((heard) =>
    isRight(heard)
      ? { status: 200, body: 'OK' }
      : { status: 401, headers: { 'www-authenticate': 'Digest realm="gw", nonce="nonce-1", qop="auth"' } },
  )
  onTestFinished(server.close)
  const provider = findIn(smsProviders(smtpMail), 'HttpSMSProvider')
  const config = { URL: server.url, HTTP_Method: 'GET', AUTH_TYPE: 'digest', USERNAME: 'otp', PASSWORD: 'secret' }
  const read = await provider?.read(config, mailEdges())
  if (!provider || !read?.ok) throw new Error('refused')

  const delivery = await provider.create(read.value.config, mailEdges())(SMS, AbortSignal.timeout(5000))

  expect(delivery).toMatchObject({ status: 'accepted' })
})
