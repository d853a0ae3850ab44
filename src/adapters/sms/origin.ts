/**
 * `ORIGIN`: the site that an OTP is for. It becomes the last line of the message, `@host #otp`, by which browsers offer
 * the OTP on that site and on no other: https://wicg.github.io/sms-one-time-codes/
 */
import * as v from 'valibot'
import type { MessageDefaults } from '../../ports/provider.ts'

const ORIGIN = 'must be a host name, or an address like https://login.example.org'

export const originKeys = {
  ORIGIN: v.optional(
    v.pipe(
      v.string(ORIGIN),
      v.transform(hostOf),
      v.check((host) => host !== '', ORIGIN),
    ),
  ),
} as const

export const smsDefaults = ({ ORIGIN: origin }: { readonly ORIGIN?: string | undefined }): MessageDefaults => ({
  subject: '',
  ...(origin === undefined ? {} : { origin }),
})

/** In ASCII, since that is what a browser compares; empty when there is none. */
function hostOf(text: string): string {
  const address = text.includes('://') ? text : `https://${text}`
  if (!URL.canParse(address)) return ''
  const url = new URL(address)
  const isOrigin = url.protocol === 'https:' && url.href === `${url.origin}/` && url.port === ''
  return isOrigin && /^[a-z0-9.-]+\.[a-z][a-z0-9-]*$/.test(url.hostname) ? url.hostname : ''
}
