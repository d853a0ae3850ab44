/** privacyIDEA's envelope (contract A.1, A.2). The version in it is ours. */
import packageInfo from '../../../version.ts'
import type { Json, JsonObject } from '../../json.ts'

/** `id`: 2 where somebody logs in, which adds `result.authentication`; 1 elsewhere. */
export type Answer = {
  readonly id: 1 | 2
  readonly value: Json
  readonly detail?: JsonObject | null
  readonly authentication?: Authentication
}
export type Authentication = 'ACCEPT' | 'CHALLENGE' | 'REJECT'

/** `status` is that of HTTP; clients read the body all the same. */
export type PiError = {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 429 | 500
  readonly code: number
  readonly message: string
}

const version = `otpost ${packageInfo}`

/** @param threadId an integer that stands in every detail; here it leads to the request in log and audit */
export function success({ id, value, detail, authentication }: Answer, threadId: number): JsonObject {
  return {
    id,
    jsonrpc: '2.0',
    result: { status: true, value, ...(authentication ? { authentication } : {}) },
    ...(detail ? { detail: { ...detail, threadid: threadId } } : {}),
    version,
    versionnumber: packageInfo,
  }
}

export const failure = ({ code, message }: PiError): JsonObject => ({
  id: 1,
  jsonrpc: '2.0',
  result: { status: false, error: { code, message } },
  detail: null,
  version,
})

/** 48 bits of the request id: an integer that every client can hold. */
export const threadIdOf = (requestId: string): number => Number.parseInt(requestId.slice(0, 12), 16)
