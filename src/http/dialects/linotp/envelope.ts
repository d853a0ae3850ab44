/** LinOTP's envelope (contract 1.1 to 1.3). The version in it is ours. */
import packageInfo from '../../../version.ts'
import type { Json, JsonObject } from '../../json.ts'

/** LinOTP's API version, which its clients compare. */
const API_VERSION = '2.0802'

export type { Json, JsonObject }

const product = { version: `otpost ${packageInfo}`, versionNumber: packageInfo }

/** @param detail left out when it is empty, as LinOTP does */
export function success(value: Json, id: Json, detail?: JsonObject | null): JsonObject {
  const result = { status: true, value }
  return {
    jsonrpc: API_VERSION,
    result,
    ...product,
    id,
    ...(detail && Object.keys(detail).length > 0 ? { detail } : {}),
  }
}

export function failure(error: { readonly code: number; readonly message: string }, id = 1): JsonObject {
  return { jsonrpc: API_VERSION, result: { status: false, error }, ...product, id }
}

export const toText = (body: JsonObject): string => JSON.stringify(body, null, 3)
export const JSON_TYPE = 'application/json'

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  410: 'Gone',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}

/** LinOTP's HTML page for `httperror` and for what its framework refuses. */
export function errorPage(code: number, text = ''): string {
  const title = `${code} ${code} ${REASONS[code] ?? 'LinOTP Error'}`
  return `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1>${escapeHtml(text)}</body></html>\n`
}

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** What `httperror` asks for: a status, 500 for anything that is no number, null when it is absent. */
export function httpErrorStatus(httperror: string | null): number | null {
  if (httperror === null) return null
  const status = /^\s*\d+\s*$/.test(httperror) ? Number(httperror) : 500
  return status >= 200 && status <= 599 ? status : 500
}
