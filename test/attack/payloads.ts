/** Payloads: texts that mean something to whatever a careless program hands them on to, and calls to put them into. */
import openapi from '../../docs/openapi.json' with { type: 'json' }

/** What must never become a recipient, a header, an event of the log, or a line of its own. */
export const EVE = 'eve@evil.test'
export const FORGED = 'x-forged'
/** Stands in a file beside the folder of templates. */
export const OUTSIDE = 'outside-the-folder-4711'

const LINES = ['\r\n', '\n', '\r', '\u0085', '\u2028', '\u2029', '%0d%0a', '%0a', '\\r\\n', '=0D=0A', '\u560d\u560a']
const SQL = [
  ...["'", '"', '`', '\\', "';--", "' OR '1'='1", "') OR 1=1 --", "'; DROP TABLE tokens;--", '" OR ""="', '/*', '*/--'],
  ...["' UNION SELECT username, password_hash FROM admins--", "'; UPDATE tokens SET fail_count = 0, active = 1;--"],
  ...['%', '_', '%%', '[a-z]', "x' AND load_extension('x')--", '?', '?1', ':now', '$1', '@x'],
]
const LDAP = ['*', '*)(uid=*', '*)(|(uid=*', 'ada)(objectClass=*', '\\2a', '\\00', ')(', '(', ')', '&', '|', '!', '\\']
const MAIL = [
  `ada@mail.test\r\nBcc: ${EVE}`,
  `ada@mail.test\r\nRCPT TO:<${EVE}>\r\n`,
  `\r\n.\r\nMAIL FROM:<${EVE}>\r\nRCPT TO:<${EVE}>\r\nDATA\r\n`,
  `ada@mail.test, ${EVE}`,
  `ada@mail.test;${EVE}`,
  `"x" <${EVE}>`,
  `<${EVE}>`,
  `ada@mail.test> SIZE=1 <${EVE}`,
  `=?utf-8?q?=0D=0ABcc:_${EVE}?=`,
  `@evil.test:ada@mail.test`,
  `ada@mail.test\0${EVE}`,
]
const MARKUP = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg onload=alert(1)>",
  '</p><h1>x</h1>',
  ']]>',
  '<!--',
  'javascript:alert(1)',
  '&#60;script&#62;',
]
const TEMPLATES = ['${otp}', '<otp>', '<serial>', '$otp', '${From}', '${', '{{7*7}}', '#{7*7}', '%(otp)s', '$&', '$`']
export const PATHS: readonly string[] = [
  ...['../outside.eml', '../../../../../../../etc/passwd', '/etc/passwd', 'file:///etc/passwd', '..', '.', './otp.eml'],
  ...['..%2foutside.eml', '%2e%2e/outside.eml', '%2e%2e%2foutside.eml', '%252e%252e%252foutside.eml', '/'],
  ...['....//outside.eml', '..\\outside.eml', 'x/../../outside.eml', 'otp.eml\0.png', 'link.eml', '..;/outside.eml'],
]
const WORDS = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'null', 'undefined', 'true', 'NaN'],
  ...['{"__proto__":{"admin":true}}', '{"a":1}', '[]', '[1,2]', '"x"', '1e999', '-1', '0x10', '9'.repeat(40), ''],
]
const SPREADSHEETS = ["=cmd|' /C calc'!A0", '+1+1', '-1+1', '@SUM(1)', '\t=1+1', '\r=1+1', '"=1+1', 'x";=1+1', 'x,=1+1']
const SIGNS = [
  '\0',
  'ada\0',
  '\ud800',
  '\udc00x',
  '\u202e',
  '\ufeff',
  '\u200b',
  '\u{1f511}',
  'a'.repeat(5000),
  ' ',
  '\t',
]

export const PAYLOADS: readonly string[] = [
  ...LINES.map((line) => `x${line}X-Forged: 1`),
  '"}\n{"time":"2000-01-01T00:00:00.000Z","level":"error","event":"x-forged"}',
  ...[SQL, LDAP, MAIL, MARKUP, TEMPLATES, PATHS, WORDS, SPREADSHEETS, SIGNS].flat(),
]

/** Much of it at once, for whatever nobody looks at closely. */
export const POLYGLOTS = [
  `x'"\`;--)\r\nX-Forged: 1\nBcc: ${EVE}<img src=x>`,
  `*)(uid=*'||'../../outside.eml\0\${otp}<script>\u2028\ud800,=1+1`,
] as const

/** Bytes of a form that are no UTF-8, longer than they need be, or no bytes at all. */
export const RAW_PAYLOADS = ['%c0%ae%c0%ae%c0%af', '%c0%80', '%e0%80%af', '%ff%fe', '%ed%a0%80', '%zz', '%', '%u0027']

export type Call = {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With names in braces. */
  readonly path: string
  readonly names: readonly string[]
  readonly pathNames: readonly string[]
  /** Whose call it is. */
  readonly by: 'anybody' | 'administrator' | 'user'
}

type Reference = { readonly $ref?: string }
type Parameter = { readonly name: string; readonly in: string }
type Operation = {
  readonly parameters?: readonly (Parameter | Reference)[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Reference }>> }
  readonly security?: readonly Readonly<Record<string, unknown>>[]
}

function follow<T extends object>(found: T | Reference): T {
  if (!('$ref' in found) || found.$ref === undefined) return found as T // no reference, so it is the thing itself
  const way = found.$ref.split('/').slice(1)
  return way.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], openapi) as T // as the document is built
}

/** Parameters that depend on what is configured, so that the document has no line for them. */
const UNLISTED: Readonly<Record<string, readonly string[]>> = {
  '/system/setResolver': ['passwdresolver.content'],
  '/system/setConfig': ['EmailProviderConfig', 'EmailProvider', 'SMSProviderConfig', 'splitAtSign'],
}

/** Every call that the document of the API knows, with its parameters. */
export const CALLS: readonly Call[] = Object.entries(openapi.paths).flatMap(([path, methods]) =>
  Object.entries(methods as Readonly<Record<string, Operation>>).map(([method, operation]): Call => {
    const parameters = (operation.parameters ?? []).map(follow<Parameter>)
    const bodies = Object.values(operation.requestBody?.content ?? {}).map(
      ({ schema }) => follow<{ readonly properties?: object }>(schema).properties ?? {},
    )
    // Where nothing is enough, a key is asked for by a setting alone.
    const ways = (operation.security ?? []).map(Object.keys)
    const schemes = ways.some((way) => way.length === 0) ? [] : ways.flat()
    const names = [
      ...parameters.filter((one) => one.in === 'query').map(({ name }) => name),
      ...bodies.flatMap(Object.keys),
      ...(UNLISTED[path] ?? []),
    ]
    return {
      ...{ path, method: method.toUpperCase() as Call['method'], names: [...new Set(names)] },
      pathNames: parameters.filter((one) => one.in === 'path').map(({ name }) => name),
      by:
        schemes.length === 0 ? 'anybody' : schemes.some((name) => /^selfservice/.test(name)) ? 'user' : 'administrator',
    }
  }),
)
