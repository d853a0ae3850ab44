/** Detours: requests that some program between client and route may take for another one. */
import { FORM } from './site.ts'

type Fields = Readonly<Record<string, string>>
export type Detour = { readonly method: string; readonly path: string; readonly headers: Fields; readonly body: string }

const OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override']
/** Where somebody says who they are, or where they are. */
const CLAIMS: Fields = {
  ...{ 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-original-url': '/' },
  ...{ 'x-rewrite-url': '/', 'x-remote-user': 'admin', 'remote-user': 'admin', 'x-forwarded-user': 'admin' },
  ...{ 'x-operator': 'admin', operator: 'admin', host: 'localhost', origin: 'null', 'x-csrf-token': '' },
}

/** The same path in other spellings. */
const spellings = (path: string): readonly string[] => {
  const [, first = '', ...rest] = path.split('/')
  const behind = rest.join('/')
  return [
    ...[`${path}/`, `/${path}`, `//${first}//${behind}`, `/./${first}/${behind}`, `/${first}/./${behind}`],
    ...[`/${first}/../${first}/${behind}`, `/validate/..${path}`, `/healthcheck/..${path}`, `/pi/..${path}`],
    ...[
      `/userservice/..%2f${first}/${behind}`,
      `/${first}%2f${behind}`,
      `/${first}%5c${behind}`,
      `/${first}\\${behind}`,
    ],
    ...[`/%2e%2e${path}`, `/validate/%2e%2e${path}`, `/validate/check/..%2f..${path}`, path.toUpperCase()],
    ...[
      `/${first[0]?.toUpperCase()}${first.slice(1)}/${behind}`,
      `/%${first.charCodeAt(0).toString(16)}${first.slice(1)}/${behind}`,
    ],
    ...[
      `${path};x=1`,
      `/${first};x/${behind}`,
      `${path}.json`,
      `${path}%00`,
      `${path}%20`,
      `${path}%2f`,
      `${path}?`,
      `${path}#x`,
    ],
    ...[`/validate/ok/..;${path}`, `http://localhost${path}`, `/pi${path}`, path.replace(/^\/pi/, '') || '/'],
  ]
}

export function detoursOf(method: string, path: string, form: string): readonly Detour[] {
  const query = `${path}?${form}`
  const get = { method: 'GET', path: query, headers: {}, body: '' }
  return [
    ...['GET', 'HEAD', 'OPTIONS', 'TRACE'].map((other) => ({ ...get, method: other })),
    ...['PUT', 'PATCH', 'DELETE', 'PROPFIND', 'QUERY', 'POST'].map((other) => ({
      ...{ method: other, path, headers: FORM, body: form },
    })),
    ...['GET', 'HEAD', 'POST'].flatMap((outer) =>
      OVERRIDES.map((name) => ({ method: outer, path: query, headers: { ...FORM, [name]: method }, body: '' })),
    ),
    { ...get, path: `${query}&_method=${method}` },
    { method: 'POST', path: `${path}?_method=${method}`, headers: FORM, body: form },
    ...spellings(path).map((spelling) => ({ method, path: spelling, headers: FORM, body: form })),
    ...Object.entries(CLAIMS).map(([name, value]) => ({
      method,
      path,
      headers: { ...FORM, [name]: value },
      body: form,
    })),
    ...['text/plain', 'application/json', 'multipart/form-data; boundary=x'].map((type) => ({
      ...{ method, path: query, headers: { 'content-type': type }, body: '{"csrf_token": ""}' },
    })),
    { method, path: `${query}&csrf_token=&X-CSRF-TOKEN=x&session=x&access_token=x`, headers: FORM, body: form },
  ]
}
