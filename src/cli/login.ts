/** Login with a password, as browsers do it (contract 1.6): for the first API token, and where there is none. */
import type { Send } from './request.ts'

export type Credentials = { readonly username: string; readonly password: string }

/** @returns `send` with the cookie and the CSRF token of a session. @throws when the name or the password is wrong */
export async function logIn(base: string, send: Send, { username, password }: Credentials): Promise<Send> {
  const body = new URLSearchParams({ username, password })
  const request = new Request(`${base.replace(/\/+$/, '')}/admin/login`, { method: 'POST', body, redirect: 'manual' })
  const response = await send(request)
  if (response.status === 401) throw new Error(`${base} does not accept this password of ${username}`)
  if (response.status === 429)
    throw new Error(`${base} takes no login now, since others go on or too many have failed: try again later`)
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '')
  const csrf = cookies.find((cookie) => cookie.startsWith('csrf_access_token='))?.split('=')[1]
  if (csrf === undefined)
    throw new Error(`${base} did not answer a login as otpost does (status ${response.status}): is the URL right?`)
  return (given) => {
    given.headers.set('cookie', cookies.join('; '))
    given.headers.set('x-csrf-token', csrf)
    return send(given)
  }
}
