/** How an operation is written down here, and what becomes of it in an OpenAPI document (version 3.1). */

/** Name and meaning of each parameter; a name that ends in `!` must be given. */
export type Parameters = Readonly<Record<string, string>>

/** What stands in `result.value`, as JSON Schema, or one of the replies that have a form of their own. */
export type Reply =
  | { readonly value: Schema; readonly detail?: Schema }
  | { readonly body: { readonly type: string; readonly schema: Schema; readonly status?: number } }
export type Schema = Readonly<Record<string, unknown>>

export type Operation = {
  readonly summary: string
  readonly parameters?: Parameters
  readonly reply: Reply
  /** More than 200. */
  readonly statuses?: Readonly<Record<number, string>>
}
/** By `GET,POST /path`; the path as the server has it, with `:name` for what varies. */
export type Operations = Readonly<Record<string, Operation>>

export type Group = {
  readonly name: string
  readonly description: string
  /** Which of the document's security schemes; none: open to all. */
  readonly security: readonly ('session' | 'apiToken' | 'selfservice' | 'privacyidea')[]
  readonly envelope: 'linotp' | 'privacyidea' | 'none'
  readonly operations: Operations
}

export const text: Schema = { type: 'string' }
export const truth: Schema = { type: 'boolean' }
export const whole: Schema = { type: 'integer' }
export const object = (properties: Readonly<Record<string, Schema>> = {}): Schema => ({
  type: 'object',
  ...(Object.keys(properties).length > 0 ? { properties } : {}),
})
export const list = (items: Schema): Schema => ({ type: 'array', items })
export const value = (schema: Schema, detail?: Schema): Reply =>
  detail === undefined ? { value: schema } : { value: schema, detail }
export const body = (type: string, schema: Schema = text, status = 200): Reply => ({ body: { type, schema, status } })

const ENVELOPES: Readonly<Record<Group['envelope'], (value: Schema, detail?: Schema) => Schema>> = {
  linotp: (given, detail) => ({
    allOf: [
      { $ref: '#/components/schemas/Envelope' },
      object({
        result: object({ status: truth, value: given }),
        ...(detail ? { detail } : {}),
      }),
    ],
  }),
  privacyidea: (given, detail) => ({
    allOf: [
      { $ref: '#/components/schemas/PrivacyideaEnvelope' },
      object({ result: object({ status: truth, value: given }), ...(detail ? { detail } : {}) }),
    ],
  }),
  none: (given) => given,
}

const SECURITY: Readonly<Record<Group['security'][number], readonly Schema[]>> = {
  session: [{ sessionCookie: [], csrfToken: [] }],
  apiToken: [{ apiToken: [] }],
  selfservice: [{ selfserviceCookie: [] }],
  privacyidea: [{ privacyideaToken: [] }],
}

/** The paths of a group, as OpenAPI has them. */
export function pathsOf(group: Group): Readonly<Record<string, Readonly<Record<string, Schema>>>> {
  const paths: Record<string, Record<string, Schema>> = {}
  for (const [key, operation] of Object.entries(group.operations)) {
    const [methods = '', path = ''] = key.split(' ')
    const written = path.replace(/:(\w+)/g, '{$1}')
    for (const method of methods.split(',')) {
      paths[written] ??= {}
      ;(paths[written] as Record<string, Schema>)[method.toLowerCase()] = describe(group, operation, method, path)
    }
  }
  return paths
}

function describe(group: Group, operation: Operation, method: string, path: string): Schema {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: text,
  }))
  const given = Object.entries(operation.parameters ?? {}).map(([name, meaning]) => ({
    name: name.replace(/!$/, ''),
    required: name.endsWith('!'),
    meaning,
  }))
  const hasBody = method === 'POST'
  const parameters = [
    ...inPath,
    ...(hasBody
      ? []
      : given.map(({ name, required, meaning }) => ({
          name,
          in: 'query',
          required,
          description: meaning,
          schema: text,
        }))),
  ]
  return {
    tags: [group.name],
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(\w)/g, (_, letter: string) => letter.toUpperCase()).replace(/[^A-Za-z0-9]/g, '')}`,
    summary: operation.summary,
    security: group.security.flatMap((name) => SECURITY[name]),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(hasBody && given.length > 0 ? { requestBody: bodyOf(given) } : {}),
    responses: responsesOf(group, operation),
  }
}

/** A form; JSON with the same names does as well. */
function bodyOf(given: readonly { name: string; required: boolean; meaning: string }[]): Schema {
  const required = given.filter((one) => one.required).map(({ name }) => name)
  const schema = {
    type: 'object',
    properties: Object.fromEntries(given.map(({ name, meaning }) => [name, { ...text, description: meaning }])),
    ...(required.length > 0 ? { required } : {}),
  }
  return {
    content: { 'application/x-www-form-urlencoded': { schema }, 'application/json': { schema } },
    ...(required.length > 0 ? { required: true } : {}),
  }
}

function responsesOf(group: Group, { reply, statuses = {} }: Operation): Schema {
  const main =
    'body' in reply
      ? {
          [String(reply.body.status ?? 200)]: {
            description: 'The answer.',
            ...(reply.body.type === '' ? {} : { content: { [reply.body.type]: { schema: reply.body.schema } } }),
          },
        }
      : {
          200: {
            description: 'The answer; a refusal has `result.status` false and `result.error` instead of `value`.',
            content: { 'application/json': { schema: ENVELOPES[group.envelope](reply.value, reply.detail) } },
          },
        }
  const more = Object.fromEntries(Object.entries(statuses).map(([status, description]) => [status, { description }]))
  const refused = group.security.length > 0 ? { 401: { description: 'Not logged in.' } } : {}
  return { ...main, ...refused, ...more }
}
