/** A service that knows users, over HTTP, for tests of directories: what it knows and how it behaves can be changed. */

import type { Fields, Harness } from './harness.ts'
import { type Answer, type Heard, type HttpServer, startHttpServer } from './http-server.ts'

export type Person = {
  readonly id: string
  readonly login: string
  readonly mail?: unknown
  readonly mobile?: string
  readonly password?: string
}
export type People = HttpServer & {
  /** Instead of what it would say. */
  answer: ((heard: Heard) => Answer | Promise<Answer> | null) | null
  people: readonly Person[]
}

export const PEOPLE: readonly Person[] = [
  { id: 'u1', login: 'zoe', mail: ['', 'zoe@mail.test'], mobile: '+49 170 1', password: 'zoe-password' },
  { id: 'u2', login: 'yan', mail: 'yan@mail.test', password: 'yan-password' },
]

export async function startPeople(): Promise<People> {
  const state: Pick<People, 'answer' | 'people'> = { answer: null, people: PEOPLE }
  const server = await startHttpServer(async (heard) => (await state.answer?.(heard)) ?? reply(heard, state.people))
  return Object.assign(state, server)
}

function reply({ path, query, body }: Heard, people: readonly Person[]): Answer {
  const shown = ({ id, login, mail = '', mobile = '' }: Person) => ({ id, account: { login }, mail, mobile })
  if (path === '/users') {
    const login = query.get('login')
    const found = people.filter((person) => login === null || person.login === login)
    return { status: 200, body: { data: { users: found.map(shown) } } }
  }
  if (path === '/check') {
    const { username, password } = JSON.parse(body) as Readonly<Record<string, string>> // what CHECK_BODY says
    const right = people.some((person) => person.login === username && person.password === password)
    return { status: right ? 200 : 401, body: { right } }
  }
  const person = people.find(({ id }) => path === `/users/${encodeURIComponent(id)}`)
  return person ? { status: 200, body: { data: { users: shown(person) } } } : { status: 404 }
}

/** Parameters of a resolver that asks it. */
export const peopleConfig = (url: string): Fields => ({
  USER_URL: `${url}/users?login={login}`,
  ID_URL: `${url}/users/{userid}`,
  LIST_URL: `${url}/users?limit={limit}`,
  HEADERS: '{"X-Api-Key": "people-secret"}',
  USERS_PATH: 'data.users',
  MAP: '{"userid": "id", "username": "account.login", "email": "mail", "mobile": "mobile"}',
  CHECK_URL: `${url}/check`,
})

/** A realm of its own for the resolver, beside other ones. */
export async function usePeople(h: Harness, url: string, realm: string, more: readonly string[] = []): Promise<void> {
  for (const [path, fields] of [
    ['/system/setResolver', { name: realm, type: 'httpresolver', ...peopleConfig(url) }],
    ['/system/setRealm', { realm, resolvers: [realm, ...more].join(',') }],
  ] as const) {
    const { json, text } = await h.admin(path, fields)
    if (json.result?.status !== true) throw new Error(text)
  }
}
