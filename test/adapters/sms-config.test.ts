/** Configurations of SMS providers: what each key may say, what is refused and why, and what is only warned about. */
import { describe, expect, it } from 'vitest'
import { provider as smtpMail } from '../../src/adapters/mail/smtp.ts'
import { smsProviders } from '../../src/adapters/sms/index.ts'
import type { Edges } from '../../src/ports/edges.ts'
import { findIn, type Provider, type RawConfig } from '../../src/ports/provider.ts'
import { mailEdges, NODE, WORKERS } from '../support/mail.ts'

const providers = smsProviders(smtpMail)
const onNode: Edges = { ...mailEdges(NODE), writeFile: async () => {} }

function provider(name: string): Provider {
  const found = findIn(providers, name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}
const read = (name: string, raw: RawConfig, edges = onNode) => provider(name).read(raw, edges)
const HTTP = { URL: 'https://sms.example.org/send' }

describe.each(providers.map((one) => [one.name, one] as const))('%s', (name, one) => {
  it('takes its own sample, without a warning', async () => {
    const result = await one.read(one.sample, onNode)

    expect(result.ok && result.value.warnings).toEqual([])
  })

  it('answers to the identifiers of the contract, and to nothing else', () => {
    const identifiers = [
      name,
      `linotp.provider.smsprovider.${name}`,
      `smsprovider.${name}.${name}`,
      `smsprovider.${name}`,
    ]

    expect(identifiers.map((identifier) => findIn(providers, identifier)?.name)).toEqual(identifiers.map(() => name))
    expect(new Set(one.classNames)).toEqual(new Set(identifiers))
    for (const other of [name.toLowerCase(), ` ${name}`, `os.${name}`, ''])
      expect(findIn(providers, other)).toBeUndefined()
  })

  it('keeps keys that nobody knows, and names them', async () => {
    const result = await one.read({ ...one.sample, COLOUR: 'blue', SHAPE: { round: true } }, onNode)

    expect(result.ok && result.value.warnings).toEqual(['COLOUR', 'SHAPE'])
  })

  it('knows the keys that the server merges in, and every secret and bound key', async () => {
    const own = Object.fromEntries([...one.secretKeys, ...one.boundKeys].map((key) => [key, one.sample[key] ?? '']))
    const result = await one.read({ ...own, ...one.sample, timeout: 30, Managed: 'x' }, onNode)

    expect(result.ok && result.value.warnings).toEqual([])
  })

  it('takes empty texts and null of optional keys as absent', async () => {
    const result = await one.read({ ...one.sample, MSISDN: '', SUPPRESS_PREFIX: null, here: '', USERNAME: '' }, onNode)

    expect(result.ok).toBe(true)
  })

  it.each<readonly [string, unknown, string]>([
    ['MSISDN', 'maybe', 'must be one of true, false, yes, no, 1, 0'],
    ['MSISDN', {}, 'must be one of true, false, yes, no, 1, 0'],
    ['SUPPRESS_PREFIX', 49, 'must be text'],
  ])('refuses %s = %j', async (key, value, rule) => {
    expect(await one.read({ ...one.sample, [key]: value }, onNode)).toEqual({ ok: false, error: { key, rule } })
  })
})

describe('HttpSMSProvider', () => {
  it('needs nothing but a URL', async () => {
    const result = await read('HttpSMSProvider', HTTP)

    expect(result.ok && result.value.config).toEqual({
      ...{ URL: 'https://sms.example.org/send', HTTP_Method: 'POST', AUTH_TYPE: 'basic' },
      ...{ SMS_PHONENUMBER_KEY: 'phone', SMS_TEXT_KEY: 'sms', PARAMETER: {}, HEADERS: {} },
      route: { proxy: null, authority: null, client: null },
    })
  })

  it.each<readonly [RawConfig, string, string]>([
    [{}, 'URL', 'is required'],
    [{ URL: '' }, 'URL', 'is required'],
    [{ URL: null }, 'URL', 'is required'],
    [{ URL: 7 }, 'URL', 'must be an http or https URL'],
    [{ URL: 'sms.example.org/send' }, 'URL', 'must be an http or https URL'],
    [{ URL: 'ftp://sms.example.org/' }, 'URL', 'must be an http or https URL'],
    [{ URL: 'file:///etc/passwd' }, 'URL', 'must be an http or https URL'],
    [{ URL: 'http://' }, 'URL', 'must be an http or https URL'],
    [{ ...HTTP, HTTP_Method: 'PUT' }, 'HTTP_Method', 'must be GET or POST'],
    [{ ...HTTP, HTTP_Method: 'post' }, 'HTTP_Method', 'must be GET or POST'],
    [{ ...HTTP, AUTH_TYPE: 'ntlm' }, 'AUTH_TYPE', 'must be basic or digest'],
    [{ ...HTTP, AUTH_TYPE: 1 }, 'AUTH_TYPE', 'must be basic or digest'],
    [{ ...HTTP, SMS_TEXT_KEY: 1 }, 'SMS_TEXT_KEY', 'must be text'],
    [{ ...HTTP, SMS_PHONENUMBER_KEY: ['to'] }, 'SMS_PHONENUMBER_KEY', 'must be text'],
    [{ ...HTTP, PARAMETER: 'account=corp' }, 'PARAMETER', 'must be an object of texts'],
    [{ ...HTTP, PARAMETER: { to: { x: 1 } } }, 'PARAMETER.to', 'must be text'],
    [{ ...HTTP, PARAMETER: { to: null } }, 'PARAMETER.to', 'must be text'],
    [{ ...HTTP, PARAMETER: ['account', 'corp'] }, 'PARAMETER', 'must be an object of texts'],
    [{ ...HTTP, HEADERS: ['X-Key: 1'] }, 'HEADERS', 'must be an object of texts'],
    [{ ...HTTP, HEADERS: 'X-Key: 1' }, 'HEADERS', 'must be an object of texts'],
    [{ ...HTTP, HEADERS: { 'X Key': '1' } }, 'HEADERS', 'must be names and values of HTTP headers'],
    [{ ...HTTP, HEADERS: { 'X-Key': 'a\r\nb: c' } }, 'HEADERS', 'must be names and values of HTTP headers'],
    [{ ...HTTP, HEADERS: { 'X-Key': '€' } }, 'HEADERS', 'must be names and values of HTTP headers'],
    [{ ...HTTP, USERNAME: 5 }, 'USERNAME', 'must be text'],
    [{ ...HTTP, PASSWORD: 5 }, 'PASSWORD', 'must be text'],
    [{ ...HTTP, RETURN_SUCCESS: true }, 'RETURN_SUCCESS', 'must be text'],
    [{ ...HTTP, RETURN_FAIL: 0 }, 'RETURN_FAIL', 'must be text'],
    [{ ...HTTP, RETURN_SUCCESS_REGEX: '[' }, 'RETURN_SUCCESS_REGEX', 'must be a regular expression'],
    [{ ...HTTP, RETURN_FAIL_REGEX: '(?P<id>\\d+)' }, 'RETURN_FAIL_REGEX', 'must be a regular expression'],
    [{ ...HTTP, RETURN_FAIL_REGEX: 7 }, 'RETURN_FAIL_REGEX', 'must be a regular expression'],
    [{ ...HTTP, SERVER_CERTIFICATE: false }, 'SERVER_CERTIFICATE', 'must not be false: every certificate is verified'],
  ])('refuses %j for %s: %s', async (raw, key, rule) => {
    expect(await read('HttpSMSProvider', raw)).toEqual({ ok: false, error: { key, rule } })
  })

  it.each<readonly [RawConfig]>([
    [{ AUTH_TYPE: 'BASIC' }],
    [{ AUTH_TYPE: 'Digest' }],
    [{ PARAMETER: { n: 1, on: true, text: 'x' } }],
    [{ HEADERS: { 'X-Key': 'ü', 'X-N': 5 } }],
    [{ URL: 'http://user:p%C3%A4ss@127.0.0.1:8080/a?b=c' }],
    [{ URL: 'HTTPS://sms.example.org' }],
    [{ URL: 'http://50%:x@sms.test/' }], // a lone % stands for itself
    [{ timeout: '3,10' }],
    [{ SERVER_CERTIFICATE: 'True', PROXY: '' }],
    [{ HTTP_Method: '' }],
  ])('takes %j', async (raw) => expect((await read('HttpSMSProvider', { ...HTTP, ...raw })).ok).toBe(true))

  it('hides its password, and asks for it again when URL, user, proxy or authority change', () => {
    expect(provider('HttpSMSProvider')).toMatchObject({
      secretKeys: ['PASSWORD'],
      boundKeys: ['URL', 'USERNAME', 'PROXY', 'SERVER_CERTIFICATE'],
    })
  })
})

describe('FileSMSProvider', () => {
  it.each<readonly [RawConfig, string, string]>([
    [{}, 'file', 'is required'],
    [{ file: '' }, 'file', 'is required'],
    [{ file: 7 }, 'file', 'must be a file name'],
    [{ file: 'x', here: 7 }, 'here', 'must be a directory'],
  ])('refuses %j for %s: %s', async (raw, key, rule) => {
    expect(await read('FileSMSProvider', raw)).toEqual({ ok: false, error: { key, rule } })
  })

  it('is refused on a runtime without files', async () => {
    expect(await read('FileSMSProvider', { file: 'x' }, mailEdges(WORKERS))).toEqual({
      ok: false,
      error: { key: 'file', rule: 'cannot be written on this runtime' },
    })
  })
})
