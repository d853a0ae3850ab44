/**
 * Signature Version 4 as a service checks it, written from its documentation alone
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html), on node:crypto.
 */
import { createHash, createHmac } from 'node:crypto'

export type SignedRequest = {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly body: string
}

const hash = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')
const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest()

export const signingKey = (secret: string, day: string, region: string, service: string): Buffer =>
  ['aws4_request'].reduce(mac, [region, service].reduce(mac, mac(`AWS4${secret}`, day)))

/** @returns what is wrong with the signature, or null. Requests have no query. */
export function signatureProblem(
  { method, path, headers, body }: SignedRequest,
  expected: { readonly keyId: string; readonly secret: string; readonly region: string; readonly service: string },
): string | null {
  const header = headers.get('authorization') ?? ''
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/
  const [, keyId, day = '', region = '', service = '', signed = '', signature] = form.exec(header) ?? []
  if (signature === undefined) return 'IncompleteSignature'
  if (keyId !== expected.keyId) return 'InvalidClientTokenId'
  const date = headers.get('x-amz-date') ?? ''
  if (!/^\d{8}T\d{6}Z$/.test(date) || !date.startsWith(day)) return 'IncompleteSignature'
  if (region !== expected.region || service !== expected.service) return 'SignatureDoesNotMatch'
  const names = signed.split(';')
  // Host and every x-amz- header must be signed.
  const demanded = ['host', ...[...headers.keys()].filter((name) => name.startsWith('x-amz-'))]
  if (!demanded.every((name) => names.includes(name)) || names.join() !== names.toSorted().join())
    return 'IncompleteSignature'

  const canonical = [
    method,
    path.split('/').map(encodeURIComponent).join('/'),
    '',
    ...names.map((name) => `${name}:${(headers.get(name) ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signed,
    hash(body),
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', date, `${day}/${region}/${service}/aws4_request`, hash(canonical)].join('\n')
  const right = mac(signingKey(expected.secret, day, region, service), text).toString('hex')
  return right === signature ? null : 'SignatureDoesNotMatch'
}
