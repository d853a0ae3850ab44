/** The OpenAPI description of all that is served, docs/openapi.json, from the declarations under openapi/. */
import version from '../src/version.ts'
import { admin, login } from './openapi/admin.ts'
import { audit, v2 } from './openapi/audit.ts'
import {
  bodyName,
  bodySchemaOf,
  callsOf,
  describe,
  type Group,
  list,
  map,
  members,
  object,
  pathOf,
  type Schema,
  text,
  truth,
  whole,
} from './openapi/operation.ts'
import { otpost } from './openapi/otpost.ts'
import { piAdministration, piLogin, piValidate } from './openapi/privacyidea.ts'
import { system } from './openapi/system.ts'
import { userservice, userserviceLogin } from './openapi/userservice.ts'
import { health, validate } from './openapi/validate.ts'

export const groups: readonly Group[] = [
  ...[validate, login, admin, system, audit, v2, userserviceLogin, userservice, otpost],
  ...[piValidate, piLogin, piAdministration, health],
]

const DESCRIPTION = `One-time passwords by e-mail and SMS, on the wires of LinOTP and privacyIDEA.

* Paths are those of OTPOST_DIALECTS as it is unless told: LinOTP's dialect under /, privacyIDEA's under /pi.
* Parameters come from query, form (also multipart) or JSON; in LinOTP's dialect the query wins over the form.
* In LinOTP's dialect an error of administration is \`result.status\` false with \`result.error\`, under 200 unless httperror
  asks for another status. A wrong method is 405.
* A path of /system that reads may have anything behind it; other paths that are lists may end in a slash.`

const error = object({ code: whole, message: text })

const schemas: Readonly<Record<string, Schema>> = {
  Error: error,
  Envelope: {
    ...object({
      ...{ jsonrpc: text, version: text, versionNumber: text, detail: object() },
      id: { description: 'A number; the challenge in smspin.' },
      result: object({ status: truth, value: {}, error: { $ref: '#/components/schemas/Error' } }),
    }),
    required: ['result'],
  },
  Challenge: {
    description: 'Where an OTP was sent; several under one transaction. Policies may tell more, of every outcome.',
    ...object({
      ...members('transactionid message state info linotp_tokenserial linotp_tokentype linotp_tokendescription', text),
      challenges: map({ $ref: '#/components/schemas/Challenge' }),
      auth_info: list(list({})),
    }),
  },
  PrivacyideaEnvelope: {
    ...object({
      ...{ jsonrpc: text, id: whole, time: whole, version: text, versionnumber: text, nonce: text, signature: text },
      result: object({
        ...{ status: truth, value: {}, error: { $ref: '#/components/schemas/Error' } },
        authentication: { enum: ['ACCEPT', 'CHALLENGE', 'REJECT'] },
      }),
      detail: { type: ['object', 'null'], properties: { threadid: whole } },
    }),
    required: ['result'],
  },
  PrivacyideaChallenge: {
    description: 'Where an OTP was sent; of a yes or a no its message, and what policies tell.',
    ...object({
      ...members('transaction_id serial type message client_mode preferred_client_mode', text),
      ...{ messages: list(text), transaction_ids: list(text) },
      multi_challenge: list(object(members('transaction_id serial type message client_mode', text))),
    }),
  },
}

const shared = (where: 'query' | 'header', name: string, description: string): Schema => ({
  ...{ name, in: where, description, schema: text },
})
const parameters: Readonly<Record<string, Schema>> = {
  httperror: shared('query', 'httperror', 'Status of an error, as an HTML page instead of JSON.'),
  idempotencyKey: shared('header', 'Idempotency-Key', 'The same for a request that is sent again (docs/validate.md).'),
  nonce: shared('query', 'nonce', 'Stands in the answer, and under its signature.'),
  client: shared('query', 'client', 'For whom a RADIUS server asks, where OTPOST_PI_OVERRIDE_CLIENT lets it.'),
}

const apiKey = (where: 'cookie' | 'header' | 'query', name: string, description: string): Schema => ({
  ...{ type: 'apiKey', in: where, name, description },
})
const securitySchemes: Readonly<Record<string, Schema>> = {
  sessionCookie: apiKey('cookie', 'access_token_cookie', 'Of /admin/login.'),
  csrfToken: apiKey('header', 'X-CSRF-TOKEN', 'The cookie csrf_access_token, repeated; also as parameter csrf_token.'),
  apiToken: { type: 'http', scheme: 'bearer', description: 'Of /otpost/api-tokens or `otpost token`.' },
  selfserviceCookie: apiKey(
    'cookie',
    'user_selfservice',
    'Of /userservice/login; userauthcookie of /userservice/auth.',
  ),
  selfserviceSession: apiKey('query', 'session', 'The text of the cookie, repeated; in a form or JSON as well.'),
  authorization: apiKey('header', 'Authorization', 'The token of /pi/auth or an API token, bare or behind Bearer.'),
  validateKey: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API token with the right validate; also without Bearer.',
  },
  validateKeyHeader: apiKey('header', 'X-API-Key', 'The same.'),
  validateKeyPassword: { type: 'http', scheme: 'basic', description: 'The same as password; any user.' },
  piAuthorization: apiKey('header', 'PI-Authorization', 'The same; wins over Authorization.'),
}

export function openapi(): Schema {
  const paths: Record<string, Record<string, Schema>> = {}
  const calls = groups.flatMap(callsOf)
  for (const call of calls) {
    const path = pathOf(call)
    paths[path] = { ...paths[path], [call.method.toLowerCase()]: describe(call) }
  }
  const bodies = calls.flatMap((call) => {
    const schema = bodySchemaOf(call)
    return schema ? [[bodyName(call), schema] as const] : []
  })
  return {
    openapi: '3.1.0',
    info: {
      title: 'otpost',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'Wherever otpost is served.' }],
    tags: groups.map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      ...{ schemas: { ...schemas, ...Object.fromEntries(bodies) }, parameters, securitySchemes },
      responses: {
        HttpError: {
          description: 'An error under the status that httperror asked for.',
          content: { 'text/html': { schema: text } },
        },
        NotReady: {
          description: 'Database or keys are not there; the log says why.',
          headers: { 'Retry-After': { schema: text } },
          content: { 'text/plain': { schema: text } },
        },
      },
    },
  }
}

export const openapiFile = (): string => `${pretty(openapi(), '')}\n`

/** What fits on a line stands on one. */
function pretty(value: unknown, indent: string): string {
  const short = JSON.stringify(value)
  if (typeof value !== 'object' || value === null || indent.length + short.length <= 120) return short
  const deeper = `${indent} `
  const lines = Array.isArray(value)
    ? value.map((one) => deeper + pretty(one, deeper))
    : Object.entries(value).map(([name, one]) => `${deeper}${JSON.stringify(name)}: ${pretty(one, deeper)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`
}
