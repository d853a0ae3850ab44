/** Privilege: every call that needs somebody's rights, by those who have none, other ones, or too few, and by detours. */

import type { Needed } from '../../src/core/policy/reach.ts'
import { neededBy } from '../../src/http/dialects/privacyidea/rights.ts'
import { neededBy as neededOnLinotp } from '../../src/http/rights.ts'
import { type Attack, type Outcome, pick, randomOf, type Start } from './attack.ts'
import { crowd, hasRow, keyOf, lookAt, make } from './calls.ts'
import { strangers, strangersToUsers, strangersToValidate } from './credentials.ts'
import { type Detour, detoursOf } from './detours.ts'
import { CANARY, foreignRows, furnish, samplesOf, selfSession, settle } from './grounds.ts'
import { CALLS, type Call } from './payloads.ts'
import { isDone, openSite, type Site } from './site.ts'

type Fields = Readonly<Record<string, string>>

const ADMINISTRATION = CALLS.filter(({ by }) => by === 'administrator')
const SELF_SERVICE = CALLS.filter(({ by }) => by === 'user')
/** What answers everybody alike, and reads nothing, is no secret. */
const VALIDATION = CALLS.filter(
  ({ by, path }) =>
    by === 'anybody' && /\/validate\//.test(path) && !/\/(ok|fail|initialize)$|polltransaction/.test(path),
)
async function boundToken({ admin }: Site, more: Fields): Promise<string> {
  const { result } = await admin('/otpost/api-tokens', { username: 'admin', name: 'bound', ...more })
  return (result.value as { readonly token: string }).token // the one reply that shows it
}

/** Makes sure that the calls are refused for want of rights alone. */
async function isOpenTo(site: Site, calls: readonly Call[], token: string): Promise<number> {
  let done = 0
  for (const call of calls) {
    const session = call.by === 'user' ? await selfSession(site) : ''
    const headers = session === '' ? { authorization: `Bearer ${token}` } : { cookie: `user_selfservice=${session}` }
    if (isDone(await make(site, call, { headers, fields: { session } }))) done++
  }
  return done
}

/** @param settings of the site, beside the usual ones; `scope`: of the API token with which the calls are done */
async function attackWithout(
  start: Start,
  calls: readonly Call[],
  held: typeof strangers,
  { settings, scope = '' }: { readonly settings?: Fields; readonly scope?: string } = {},
): Promise<Outcome> {
  const [site, other] = [await openSite(), await openSite()]
  const { through, check } = lookAt(site)
  let tries = 0
  try {
    await settle(other)
    await settle(site)
    for (const one of [site, other]) await furnish(one)
    if (settings) await site.admin('/system/setConfig', settings)
    for (const credential of await held(site, other)) {
      const some = calls.filter((call) => credential.against?.(call) ?? true)
      await check(credential.name, async () => {
        let due = 0
        await crowd(some, async (call) => {
          const answer = await make(site, call, credential)
          tries++
          if (isDone(answer) || answer.text.includes(CANARY))
            through.push(`${credential.name}: ${keyOf(call)} answered ${answer.status} ${answer.text.slice(0, 200)}`)
          if (hasRow(answer)) due++
        })
        return due
      })
      start.say(`${tries} calls, ${credential.name}`)
    }
    const open = await isOpenTo(site, calls, await boundToken(site, scope === '' ? {} : { scope }))
    if (open < calls.length / 2)
      through.push(`only ${open} calls are done for those who have the right: little was shown`)
    return { tries, through: through.slice(0, 20), note: `${calls.length} calls, ${open} of them done with a login` }
  } finally {
    await site.close()
    await other.close()
  }
}

const neededFor = (call: Call): Needed => {
  const params = new Map(Object.entries(samplesOf(call.path, call.names)))
  const key = keyOf(call).replace(/\{(\w+)\}/g, ':$1')
  const needed = call.path.startsWith('/pi/') ? neededBy(key.replace('/pi/', '/'), params) : neededOnLinotp(key, params)
  if (!needed) throw new Error(`no right is declared for ${key}`)
  return needed
}

/** API tokens that are bound to other scopes than the call needs, and to another realm than that of what it touches. */
async function attackBeyond(start: Start): Promise<Outcome> {
  const site = await openSite()
  const { through, check } = lookAt(site)
  let tries = 0
  try {
    await settle(site)
    await furnish(site)
    const headersOf = (token: string): Fields => ({ authorization: `Bearer ${token}` })
    for (const scope of ['admin', 'system', 'audit', 'tools']) {
      const headers = headersOf(await boundToken(site, { scope }))
      const beyond = ADMINISTRATION.filter((call) =>
        neededFor(call).some((rights) => rights.every((right) => right.scope !== scope || right.whole)),
      )
      await check(`bound to ${scope}`, async () => {
        await crowd(beyond, async (call) => {
          const answer = await make(site, call, { headers })
          tries++
          if (isDone(answer))
            through.push(`bound to ${scope}: ${keyOf(call)} answered ${answer.status} ${answer.text.slice(0, 200)}`)
        })
        return beyond.length
      })
      start.say(`${tries} calls beyond ${scope}`)
    }
    // With every right, but not where the foreign things are.
    const headers = headersOf(await boundToken(site, { scope: 'admin', realm: 'attacked' }))
    const fields = {
      serial: 'FOREIGN',
      user: 'foreign',
      username: 'foreign',
      realm: 'foreign',
      from: 'FOREIGN',
      to: 'FOREIGN',
      realms: 'attacked',
      'tokens[]': 'FOREIGN',
      viewrealm: 'foreign',
    }
    const before = (await foreignRows(site)).join()
    for (const call of ADMINISTRATION.filter((one) => /^\/(pi|admin|api)\//.test(one.path))) {
      await furnish(site)
      for (const names of [call.names, ...call.names.map((name) => [name])]) {
        const own = Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))
        const named = call.path
          .replace('{serial}', 'FOREIGN')
          .replace('{realm}', 'foreign')
          .replace('{resolver}', 'foreign')
          .replace('{id}', '1')
        const answer = await make(site, { ...call, path: named }, { headers, fields: own })
        tries++
        if (answer.text.includes(CANARY))
          through.push(`bound to a realm: ${keyOf(call)} shows ${answer.text.slice(0, 300)}`)
      }
      if ((await foreignRows(site)).join() !== before) {
        through.push(`bound to a realm: ${keyOf(call)} changed a foreign row`)
        break
      }
      start.say(`${tries} calls beyond a realm`)
    }
    return { tries, through: through.slice(0, 20) }
  } finally {
    await site.close()
  }
}

/** A user with every right that policy can give, at another user's token. */
async function attackNeighbour(start: Start): Promise<Outcome> {
  const site = await openSite()
  const through: string[] = []
  let tries = 0
  try {
    await settle(site)
    await furnish(site)
    const rows = async () =>
      JSON.stringify(
        (await site.query("SELECT * FROM tokens WHERE serial IN ('NEIGHBOUR', 'FOREIGN') ORDER BY id")).map((row) => ({
          ...row,
        })),
      )
    const token = { type: 'email', realm: 'attacked', pin: 'pin-', email_address: 'bob@mail.test', description: CANARY }
    await site.admin('/admin/init', { ...token, user: 'bob', serial: 'NEIGHBOUR' })
    const before = await rows()
    for (const call of SELF_SERVICE) {
      const session = await selfSession(site)
      for (const serial of ['NEIGHBOUR', 'FOREIGN', 'neighbour', 'NEIGHBOUR ', 'NEIGHBOU_', '*', '%'])
        for (const more of [
          {},
          { user: 'bob', login: 'bob', realm: 'attacked' },
          { user: 'foreign', realm: 'foreign' },
        ]) {
          const answer = await make(site, call, {
            headers: { cookie: `user_selfservice=${session}` },
            fields: { session, serial, ...more },
          })
          tries++
          if (answer.text.includes(CANARY))
            through.push(`${keyOf(call)} with ${serial} shows ${answer.text.slice(0, 200)}`)
        }
      if ((await rows()) !== before) {
        through.push(`${keyOf(call)} changed another one's token`)
        break
      }
      start.say(`${tries} calls`)
    }
    return { tries, through: through.slice(0, 20) }
  } finally {
    await site.close()
  }
}

/** Other methods, spellings of the path and overrides, without a login and with the cookie that a browser sends along. */
async function attackDetours(start: Start): Promise<Outcome> {
  const site = await openSite()
  const { through, check } = lookAt(site)
  const random = randomOf(start.seed)
  let tries = 0
  try {
    await settle(site)
    await furnish(site)
    const { cookie } = await site.logIn()
    const writing = ADMINISTRATION.filter(({ method }) => method !== 'GET')
    for (const call of writing) {
      const inPath = samplesOf(call.path, call.pathNames)
      const path = call.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(inPath[name] ?? 'x'))
      const form = new URLSearchParams(samplesOf(call.path, call.names)).toString()
      // What is there to be read, or to be ended, by GET is no detour.
      const isRead = ({ method: other, path: way }: Detour) =>
        ['GET', 'HEAD'].includes(other) &&
        CALLS.some((one) => one.method === 'GET' && one.path === way.split('?')[0]?.replace(/\/$/, ''))
      const all = detoursOf(call.method, path, form)
      const detours = start.profile === 'full' ? all : Array.from({ length: 8 }, () => pick(all, random))
      await check(keyOf(call), async () => {
        for (const headers of [{}, { cookie }])
          await crowd(detours, async (detour) => {
            if ('cookie' in headers && isRead(detour)) return
            const answer = await site
              .send(detour.method, detour.path, { headers: { ...detour.headers, ...headers }, body: detour.body })
              .catch(() => null) // not even HTTP
            tries++
            if (answer && isDone(answer))
              through.push(
                `${detour.method} ${detour.path} ${JSON.stringify(detour.headers)} answered ${answer.status} ${answer.text.slice(0, 200)}`,
              )
          })
        return 0
      })
      start.say(`${tries} detours, ${keyOf(call)}`)
      if (through.length > 20) break
    }
    return { tries, through: through.slice(0, 20), note: `${writing.length} calls` }
  } finally {
    await site.close()
  }
}

export const privileges: readonly Attack[] = [
  {
    name: 'administration by those who have no login',
    on: 'file',
    run: (start) => attackWithout(start, ADMINISTRATION, strangers),
  },
  {
    name: 'self-service by those who have no session',
    on: 'file',
    run: (start) => attackWithout(start, SELF_SERVICE, strangersToUsers),
  },
  {
    name: '/validate by those who have no key, where one is asked for',
    on: 'file',
    run: (start) =>
      attackWithout(start, VALIDATION, strangersToValidate, {
        settings: { validate_api_key: 'True' },
        scope: 'validate',
      }),
  },
  { name: 'administration beyond scope and realm', on: 'file', run: attackBeyond },
  { name: "self-service at a neighbour's token", on: 'file', run: attackNeighbour },
  { name: 'administration by detours', on: 'file', run: attackDetours },
]
