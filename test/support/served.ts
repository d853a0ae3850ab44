/** A server in another process, as clients speak to it: over TCP, with cookies. */
import type { Fields } from './harness.ts'

export type Body = { readonly result: { readonly value: unknown }; readonly detail?: Readonly<Record<string, string>> }

export async function checkAt(url: string, fields: Fields): Promise<Body> {
  const response = await fetch(`${url}/validate/check`, { method: 'POST', body: new URLSearchParams(fields) })
  return (await response.json()) as Body // the envelope, which other tests look at
}

/** @returns a POST in the name of the administrator `admin` */
export async function logInAt(url: string, password: string): Promise<(path: string, fields: Fields) => Promise<Body>> {
  const login = await fetch(`${url}/admin/login`, {
    method: 'POST',
    body: new URLSearchParams({ username: 'admin', password }),
  })
  const cookies = login.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '')
  const csrf = cookies.find((cookie) => cookie.startsWith('csrf'))?.split('=')[1] ?? ''
  return async (path, fields) => {
    const headers = { cookie: cookies.join('; '), 'x-csrf-token': csrf }
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: new URLSearchParams(fields) })
    return (await response.json()) as Body // the envelope, which other tests look at
  }
}
