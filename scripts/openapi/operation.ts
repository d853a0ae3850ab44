/** How an operation is written down here, and what becomes of it in an OpenAPI document (version 3.1). */
import type { NeededBy } from '../../src/http/middleware/entitled.ts'
import { rightsText } from './rights.ts'

/** Name and meaning of each parameter; a name that ends in `!` must be given. */
export type Parameters = Readonly<Record<string, string>>
export type Schema = Readonly<Record<string, unknown>>

/** What stands in `result.value` and `detail`, or a reply that has a form of its own; type '': no body. */
export type Reply =
  | { readonly value: Schema; readonly detail?: Schema }
  | { readonly body: { readonly type: string; readonly schema: Schema; readonly status: number } }

export type Operation = {
  readonly summary: string
  readonly parameters?: Parameters
  readonly reply: Reply
  /** Content types that are answered as well, and when. */
  readonly also?: Readonly<Record<string, string>>
  /** More than that of the reply; in the envelope of the group, where there is a body. */
  readonly statuses?: Readonly<Record<number, string>>
  /** More of them, with an HTML page. */
  readonly pages?: Readonly<Record<number, string>>
  /** Names of shared parameters, in query or header. */
  readonly shared?: readonly string[]
}

export type Group = {
  readonly name: string
  readonly description: string
  /** Path before those of its operations. */
  readonly base?: string
  /** Which of the document's security schemes; none: open to all. */
  readonly security: readonly (keyof typeof SECURITY)[]
  readonly envelope: 'linotp' | 'privacyidea' | 'none'
  /** Which right a call needs, by method and path below the base. */
  readonly neededBy?: NeededBy
  /** Of all its operations. */
  readonly statuses?: Readonly<Record<number, string>>
  readonly shared?: readonly string[]
  /** By `GET,POST /path`; the path as the server has it, `[/:name]` for an end that may be left out. */
  readonly operations: Readonly<Record<string, Operation>>
}

export const text: Schema = { type: 'string' }
export const truth: Schema = { type: 'boolean' }
export const whole: Schema = { type: 'integer' }
export const object = (properties: Readonly<Record<string, Schema>> = {}): Schema => ({
  type: 'object',
  ...(Object.keys(properties).length > 0 ? { properties } : {}),
})
/** Members that have a schema in common. */
export const members = (names: string, schema: Schema): Readonly<Record<string, Schema>> =>
  Object.fromEntries(names.split(' ').map((name) => [name, schema]))
export const list = (items: Schema): Schema => ({ type: 'array', items })
/** Members by names that vary. */
export const map = (items: Schema): Schema => ({ type: 'object', additionalProperties: items })
export const either = (...schemas: readonly Schema[]): Schema => ({ anyOf: schemas })
export const nullable = (schema: Schema): Schema => either(schema, { type: 'null' })
export const component = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
export const value = (schema: Schema, detail?: Schema): Reply =>
  detail === undefined ? { value: schema } : { value: schema, detail }
export const body = (type: string, schema: Schema = text, status = 200): Reply => ({ body: { type, schema, status } })
/** Parameters that have a meaning in common. */
export const named = (names: readonly string[], meaning: string): Parameters =>
  Object.fromEntries(names.map((name) => [name, meaning]))

const ENVELOPES = { linotp: component('Envelope'), privacyidea: component('PrivacyideaEnvelope'), none: null } as const

const SECURITY = {
  /** Nobody need prove anything, unless settings say so. */
  none: {},
  session: { sessionCookie: [], csrfToken: [] },
  reading: { sessionCookie: [] },
  apiToken: { apiToken: [] },
  selfservice: { selfserviceCookie: [], selfserviceSession: [] },
  privacyidea: { piAuthorization: [] },
  authorization: { authorization: [] },
  validateKey: { validateKey: [] },
  validateKeyHeader: { validateKeyHeader: [] },
  validateKeyPassword: { validateKeyPassword: [] },
} as const

/** Of /validate, where settings say who may ask. */
export const KEYS = ['none', 'validateKey', 'validateKeyHeader', 'validateKeyPassword'] as const
export const TURNED_AWAY = {
  401: 'An API key is missing or wrong (setting validate_api_key); WWW-Authenticate says so.',
  403: 'The address may not ask (setting validate_clients).',
} as const

/** One call: a method, a path as the routes have it, and what is said of both. */
export type Call = {
  readonly group: Group
  readonly operation: Operation
  readonly method: string
  readonly path: string
}

export const callsOf = (group: Group): readonly Call[] =>
  Object.entries(group.operations).flatMap(([key, operation]) => {
    const [methods = '', written = ''] = key.split(' ')
    const [short = '', end] = written.split(/[[\]]/)
    const paths = end === undefined ? [short] : [short, short + end]
    return methods.split(',').flatMap((method) => paths.map((path) => ({ group, operation, method, path })))
  })

/** `/a/:b` is `/a/{b}` in OpenAPI. */
export const pathOf = ({ group, path }: Call): string => (group.base ?? '') + path.replace(/:(\w+)/g, '{$1}')

export function describe(call: Call): Schema {
  const { group, operation, method, path } = call
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const given = givenOf(operation)
  const others = given.filter(({ name }) => !inPath.includes(name))
  const shared = [...(group.shared ?? []), ...(operation.shared ?? [])]
  const parameters = [
    ...inPath.map((name) => ({
      ...{ name, in: 'path', required: true, schema: text },
      description: given.find((one) => one.name === name)?.description ?? 'As lists show it.',
    })),
    ...(method === 'POST' ? [] : others.map((one) => ({ ...one, in: 'query', schema: text }))),
    ...shared.map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ]
  const right = group.neededBy && rightsText(`${method} ${path}`, operation.parameters ?? {}, group.neededBy)
  return {
    tags: [group.name],
    operationId: idOf(call),
    summary: operation.summary,
    ...(right ? { description: right } : {}),
    security: group.security.map((name) => SECURITY[name === 'session' && method === 'GET' ? 'reading' : name]),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(bodySchemaOf(call) ? { requestBody: bodyOf(call) } : {}),
    responses: responsesOf(call),
  }
}

const idOf = (call: Call): string =>
  call.method.toLowerCase() + pathOf(call).replace(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())

type Given = { readonly name: string; readonly required: boolean; readonly description: string }

const givenOf = ({ parameters = {} }: Operation): readonly Given[] =>
  Object.entries(parameters).map(([name, description]) => ({
    ...{ name: name.replace(/!$/, ''), required: name.endsWith('!'), description },
  }))

/** Name of the schema of a body: it stands in components, since a form and JSON have the same. */
export const bodyName = (call: Call): string => `${idOf(call)}Body`

export function bodySchemaOf({ operation, method, path }: Call): Schema | null {
  const given = givenOf(operation).filter(({ name }) => !path.includes(`:${name}`))
  if (method !== 'POST' || given.length === 0) return null
  const required = given.filter((one) => one.required).map(({ name }) => name)
  return {
    ...{ type: 'object', properties: Object.fromEntries(given.map((one) => [one.name, schemaOf(one)])) },
    ...(required.length > 0 ? { required } : {}),
  }
}

function bodyOf(call: Call): Schema {
  const schema = component(bodyName(call))
  const required = bodySchemaOf(call)?.required !== undefined
  return { content: { 'application/x-www-form-urlencoded': { schema }, [JSON_TYPE]: { schema } }, required }
}

const schemaOf = ({ name, description }: Given): Schema =>
  name.endsWith('[]') ? { ...list(text), description } : { ...text, description }

function responsesOf({ group, operation }: Call): Schema {
  const { reply, also = {}, statuses = {}, pages = {} } = operation
  const envelope = ENVELOPES[group.envelope]
  const refusals = Object.entries({ ...group.statuses, ...statuses }).map(([status, description]) => {
    const bare = 'body' in reply && reply.body.type === ''
    const schema = envelope ?? ('body' in reply ? reply.body.schema : text)
    return [status, { description, ...(bare ? {} : { content: { [JSON_TYPE]: { schema } } }) }] as const
  })
  const html = Object.entries(pages).map(
    ([status, description]) => [status, { description, content: { 'text/html': { schema: text } } }] as const,
  )
  const main = contentOf(reply, envelope)
  const more = Object.entries(also).map(([type, description]) => [type, { schema: { ...text, description } }])
  const content = { ...main, ...Object.fromEntries(more) }
  const status = 'body' in reply ? reply.body.status : 200
  const answer = { description: 'The answer.', ...(Object.keys(content).length > 0 ? { content } : {}) }
  const busy = group.envelope === 'none' ? {} : { 503: { $ref: '#/components/responses/NotReady' } }
  const asked = group.shared?.includes('httperror') ? { default: { $ref: '#/components/responses/HttpError' } } : {}
  return { ...Object.fromEntries([...refusals, ...html]), [status]: answer, ...busy, ...asked }
}

const JSON_TYPE = 'application/json'

function contentOf(reply: Reply, envelope: Schema | null): Schema {
  if ('value' in reply) {
    const { value: given, detail } = reply
    const own = object({ result: object({ value: given }), ...(detail ? { detail } : {}) })
    return { [JSON_TYPE]: { schema: envelope ? { allOf: [envelope, own] } : own } }
  }
  const { type, schema, status } = reply.body
  if (type === '') return {}
  // What cannot be done is said in the envelope, whatever the answer would have been.
  const refusal = envelope && status === 200 ? { [JSON_TYPE]: { schema: envelope } } : {}
  const own = type === JSON_TYPE && envelope && status === 200 ? either(schema, envelope) : schema
  return { ...refusal, [type]: { schema: own } }
}
