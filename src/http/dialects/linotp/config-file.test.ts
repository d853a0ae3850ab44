import { describe, expect, it } from 'vitest'
import { isEncrypted, readLinotpFile } from './config-file.ts'

const reply = (value: object): object => ({ jsonrpc: '2.0802', result: { status: true, value }, id: 1 })
const PROVIDER = { Class: 'SMTPEmailProvider', Config: '{"SMTP_SERVER":"a"}', Timeout: '120', Default: true }
const POLICY = { scope: 'authentication', action: 'otppin=1', realm: 'corp', active: 'False', name: 'p', user: '' }

const NOTHING = { config: new Map(), providers: [], policies: [] }
const config = (entries: Readonly<Record<string, string>>) => ({ ...NOTHING, config: new Map(Object.entries(entries)) })
const providers = [
  { name: 'mail1', class: 'SMTPEmailProvider', config: '{"SMTP_SERVER":"a"}', timeout: '120', isDefault: true },
]
const policies = [
  {
    ...{ name: 'p', scope: 'authentication', action: 'otppin=1', realm: 'corp', user: '*', client: '*', time: '*' },
    active: false,
  },
]

describe('a file of LinOTP', () => {
  it.each<readonly [string, string | object, object | null]>([
    ['the reply of getConfig', reply({ 'linotp.A': '1', 'enclinotp.B': 2, C: null }), config({ A: '1', B: '2' })],
    ['its value alone', { A: '1' }, config({ A: '1' })],
    ['the reply of getProvider', reply({ mail1: PROVIDER }), { ...NOTHING, providers }],
    [
      'a managed provider',
      reply({ m: { Class: 'X', Timeout: '1', Managed: true, Default: false } }),
      { ...NOTHING, providers: [{ name: 'm', class: 'X', config: null, timeout: '1', isDefault: false }] },
    ],
    ['the reply of getPolicy', reply({ p: POLICY }), { ...NOTHING, policies }],
    [
      'policies among the configuration',
      {
        'Policy.p.scope': 'authentication',
        'Policy.p.action': 'otppin=1',
        'Policy.p.realm': 'corp',
        'Policy.p.active': 'False',
        A: '1',
      },
      { ...config({ A: '1' }), policies },
    ],
    [
      'a list of replies',
      [reply({ A: '1' }), reply({ mail1: PROVIDER }), reply({ p: POLICY })],
      { ...config({ A: '1' }), providers, policies },
    ],
    [
      'policy.cfg',
      '[p]\nscope = authentication\naction = otppin=1\nrealm = corp\nactive = False\n',
      { ...NOTHING, policies },
    ],
    ['lines', '\ufeff# a comment\nlinotp.A = 1\r\nB=x = y\n\n', config({ A: '1', B: 'x = y' })],
    ['nothing there', reply({}), NOTHING],
    ['an error', { result: { status: false, error: { code: -311 } } }, null],
    ['something else', '{"a":{"b":1}}', null],
    ['a list with something else', [reply({ A: '1' }), 7], null],
    ['broken JSON', '{"a":', null],
    ['an empty file', '', null],
  ])('may be %s', (_, file, expected) => {
    expect(readLinotpFile(typeof file === 'string' ? file : JSON.stringify(file))).toEqual(expected)
  })
})

describe('an encrypted value', () => {
  it.each([
    ['4ac33bc0abcdca5609d79225a61cbc9f:035c997699b1d754', true],
    ['v1.k1.AAAAAAAAAAAAAAAA.AAAA', true],
    ['{"SMTP_SERVER":"a"}', false],
    ['v1', false],
    ['ab:cd', false],
  ])('%s: %s', (value, expected) => {
    expect(isEncrypted(value)).toBe(expected)
  })
})
