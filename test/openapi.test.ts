/** docs/openapi.json: valid, of exactly the calls that are served, and what they answer is what it says. */
import { globSync, readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Call, callsOf, pathOf } from '../scripts/openapi/operation.ts'
import { groups, openapi } from '../scripts/openapi.ts'
import type { Right } from '../src/core/policy/reach.ts'
import { adminActions } from '../src/core/policy/rights.ts'
import { neededBy as neededByPi } from '../src/http/dialects/privacyidea/rights.ts'
import { neededBy as neededByLinotp } from '../src/http/rights.ts'
import { SAMPLES } from './support/calls.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness } from './support/harness.ts'
import { ALL_RIGHTS, type Browser, logIn, policy, setUpUsers, spare } from './support/self.ts'

const CSV = 'serial,type,email\nEM5,email,a@mail.test\n'
const SMTP = '{"SMTP_SERVER": "mail.test", "EMAIL_FROM": "a@mail.test"}'

type Described = {
  readonly operationId: string
  readonly description?: string
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}
/** What this test reads of the document. */
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>> }

const document = openapi() as Document // it is made of what the type says, and more
const calls = groups.flatMap(callsOf)
const keyOf = (call: Call): string => `${call.method} ${pathOf(call)}`
const describedAs = (call: Call): Described | undefined => document.paths[pathOf(call)]?.[call.method.toLowerCase()]

let h: Harness
beforeAll(async () => {
  h = await startHarness()
})
afterAll(() => h.close())

it('is valid', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(openapi()))

  expect([valid, errors]).toEqual([true, undefined])
})

/** Every call that is served; a list may end in a slash, what reads of /system in anything: the same calls. */
const routed = (): readonly string[] => {
  const routes = h.app.routes.filter(({ method }) => method !== 'ALL') // middleware, and answers to wrong methods
  return [...new Set(routes.map(({ method, path }) => `${method} ${path.replace(/\/\*?$/, '')}`))]
}
const inBraces = (key: string): string => key.replace(/:(\w+)/g, '{$1}')

it('has every call that is served, and no other', () => {
  expect(calls.map(keyOf).toSorted()).toEqual(routed().map(inBraces).toSorted())
})

it('names each operation by itself', () => {
  expect(new Set(calls.map((call) => describedAs(call)?.operationId)).size).toBe(calls.length)
})

it('says of every call of administration which right it needs', () => {
  const rights = routed().flatMap((key) => {
    const [below, neededBy] = key.includes(' /pi/') ? [key.replace('/pi', ''), neededByPi] : [key, neededByLinotp]
    const needed = SAMPLES.flatMap((fields) => neededBy(below, new Map(Object.entries(fields)))?.flat() ?? [])
    return needed
      .filter(isKnown)
      .map(({ scope, action }) => [key, action === null ? `any of ${scope}` : `${scope}/${action}`])
  })
  const said = (key: string) => {
    const [method = '', path = ''] = inBraces(key).split(' ')
    return document.paths[path]?.[method.toLowerCase()]?.description ?? ''
  }

  expect(rights.length).toBeGreaterThan(100)
  expect(rights.filter(([key = '', right = '']) => !said(key).includes(right))).toEqual([])
})
/** Without its type, enrolment asks for a type that there is not. */
const isKnown = ({ scope, action }: Right): boolean =>
  scope !== 'admin' || action === null || adminActions.includes(action)

it('has no parameter that nothing reads', () => {
  const sources = globSync('src/{http,flows,core}/**/*.ts', { exclude: ['**/*.test.ts'] })
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  const words = new Set(sources.match(/[\w-]+/g)?.map((word) => word.toLowerCase()))
  const names = calls.flatMap(({ operation }) => Object.keys(operation.parameters ?? {}))
  const unread = names.map((name) => name.replace(/(?:\[\])?!?$/, '')).filter((name) => !words.has(name.toLowerCase()))

  expect([...new Set(unread)]).toEqual([])
})

describe('what is answered is what it says:', () => {
  /** Something that there is, or may be, by name of the parameter. */
  const GIVEN: Fields = {
    ...{
      type: 'email',
      user: 'ada',
      username: 'ada',
      realm: 'home',
      resolver: 'people',
      name: 'people',
      serial: 'EM1',
    },
    ...{ client: '192.0.2.7', scope: 'admin', action: 'show', key: 'splitAtSign', id: '1001', pass: 'pin-' },
    ...{ from: 'EM1', to: 'EM2', realms: 'home', resolvers: 'people', 'tokens[]': 'EM2', countAuthMax: '9', csv: CSV },
    ...{ content: 'username\nzoe\n', keep_days: '1', email_address: 'a@mail.test', email: 'a@mail.test', pin: 'pin-' },
    ...{
      password: 'correct horse',
      description: 'x',
      source: 'Subject: x\n\n<otp>',
      DefaultOtpLen: '6',
      count_auth_max: '9',
    },
  }
  /** Where they mean something else. */
  const OWN: Readonly<Record<string, Fields>> = {
    '/admin/init': { serial: 'EM3', scope: '' },
    '/token/init': { serial: 'EM7' },
    '/token/:serial': { serial: 'EM7' },
    '/admin/userlist': { username: 'ada' },
    '/system/setResolver': { name: 'more', type: 'localresolver' },
    '/system/setProvider': { name: 'more', class: 'SMTPEmailProvider', config: SMTP, timeout: '5' },
    '/system/testProvider': { name: 'catcher', to: 'a@example.org' },
    '/system/importPolicy': { file: '[p]\nscope = admin\naction = *\nrealm = *\nactive = False\n' },
    '/otpost/users': { resolver: 'own' },
    '/otpost/users/import': { resolver: 'own' },
    '/otpost/users/:resolver/:username': { resolver: 'own' },
    '/otpost/api-tokens': { scope: 'read-only', realm: '' },
    '/userservice/enroll': { serial: 'EM8' },
    '/userservice/assign': { serial: 'EM6' },
  }
  const ofSelf = (path: string, name: string): boolean => name === 'serial' && path.startsWith('/userservice/')
  const given = (path: string, name: string): string =>
    OWN[path]?.[name] ?? (ofSelf(path, name) ? 'EM4' : GIVEN[name]) ?? '123456'
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  let browser: Browser

  beforeAll(async () => {
    ajv.addSchema(openapi(), 'openapi')
    await enroll(h, 'ada', 'EM1')
    await enroll(h, 'bob', 'EM2')
    await setUpUsers(h)
    await enroll(h, 'alice', 'EM4', { realm: 'corp' })
    await spare(h, 'EM6', { realm: 'corp' })
    await h.admin('/system/setResolver', { name: 'own', type: 'localresolver' })
    await policy(h, ALL_RIGHTS)
    browser = await logIn(h, 'alice', { realm: 'corp' })
  })

  /** What reads comes first, what removes something last. */
  const LATER = [/^POST/, /unassign/, /remove|delete/, /^DELETE/, /system\/del|logout/]
  const rank = (call: Call): number => LATER.findLastIndex((pattern) => pattern.test(keyOf(call)))
  const ordered = calls.toSorted((a, b) => rank(a) - rank(b))

  it('status, content type and shape, with all parameters, with those that must be given, and with none', async () => {
    const wrong: string[] = []
    const done = new Set<Call>()
    for (const call of ordered)
      for (const fields of variantsOf(call)) {
        const reply = await make(call, fields)
        const said = faultOf(call, reply)
        if (reply.json.result?.status !== false) done.add(call)
        if (said) wrong.push(`${keyOf(call)} ${JSON.stringify(fields)}: ${said}`)
      }

    expect(wrong).toEqual([])
    // What was refused alone says nothing of the shape.
    expect(calls.length - done.size).toBeLessThan(20)
  })

  it.each([
    ['validate_api_key', 'True', 401],
    ['validate_clients', '203.0.113.5', 403],
  ])('the refusals of /validate under %s', async (key, value, status) => {
    await h.admin('/system/setConfig', { [key]: value })
    await h.check({ user: 'ada', pass: '' }) // what is answered without a look at the database learns of it so
    const asked = calls.filter(({ path, group }) => path.startsWith('/validate/') && group.security.includes('none'))

    const replies = await Promise.all(asked.map(async (call) => [keyOf(call), await make(call, {}), call] as const))

    await h.admin('/system/delConfig', { key })
    expect(asked.length).toBeGreaterThan(30)
    for (const [name, reply, call] of replies) {
      expect(reply.status, name).toBe(status)
      expect(faultOf(call, reply), name).toBeNull()
    }
  })

  /** Nothing, what must be given, and all that something is known for; each once. */
  function variantsOf({ operation, path }: Call): readonly Fields[] {
    const names = Object.keys(operation.parameters ?? {})
    const must = names.filter((name) => name.endsWith('!'))
    const known = names.filter((name) => must.includes(name) || (OWN[path]?.[name] ?? GIVEN[name]) !== undefined)
    const fieldsOf = (some: readonly string[]): Fields =>
      Object.fromEntries(some.map((name) => name.replace('!', '')).map((name) => [name, given(path, name)]))
    return [[], ...(must.length > 0 ? [must] : []), ...(known.length > must.length ? [known] : [])].map(fieldsOf)
  }

  async function make(call: Call, fields: Fields): Promise<Reply> {
    const { group, method } = call
    const path = (group.base ?? '') + call.path.replace(/:(\w+)/g, (_, name: string) => given(call.path, name))
    if (group.security.includes('selfservice'))
      return browser[method === 'GET' ? 'get' : 'call'](path.replace('/userservice/', ''), fields)
    const query = new URLSearchParams(fields)
    return method === 'POST'
      ? h.request(path, { method, body: query }, 'operator')
      : h.request(`${path}?${query}`, { method }, 'operator')
  }

  /** null: as declared. */
  function faultOf(call: Call, reply: Reply): string | null {
    const declared = describedAs(call)?.responses[reply.status]
    if (!declared) return `status ${reply.status}`
    const type = reply.headers.get('content-type')?.split(';')[0] ?? ''
    if (declared.content === undefined) return reply.text === '' ? null : `a body of ${type}`
    if (!(type in declared.content)) return `${type} under ${reply.status}`
    if (type !== 'application/json') return null
    const steps = [
      'paths',
      pathOf(call),
      call.method.toLowerCase(),
      'responses',
      reply.status,
      'content',
      type,
      'schema',
    ]
    const pointer = steps.map((step) => encodeURIComponent(String(step).replaceAll('/', '~1'))).join('/')
    const fits = ajv.getSchema(`openapi#/${pointer}`)
    if (!fits) throw new Error(`there is no schema at ${pointer}`)
    return fits(JSON.parse(reply.text)) ? null : `${ajv.errorsText(fits.errors)} in ${reply.text}`
  }
})
