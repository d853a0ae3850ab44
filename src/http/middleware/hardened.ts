/** Hardened: headers that keep browsers from doing with a reply what nobody wants. No origin may read replies: there is no CORS. */
import type { MiddlewareHandler } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { Env } from '../env.ts'

/** Seconds: a year (RFC 6797 §6.1.1). */
const HSTS = 'max-age=31536000'

const headers = secureHeaders({
  // The pages of errors and of QR codes are text and inline SVG.
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    frameAncestors: ["'none'"],
    formAction: ["'none'"],
    baseUri: ["'none'"],
  },
  // Below: a browser that once saw it refuses plain HTTP for as long.
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
  referrerPolicy: 'no-referrer',
  crossOriginResourcePolicy: 'same-origin',
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
})

export const hardened: MiddlewareHandler<Env> = async (c, next) => {
  await headers(c, next)
  if (c.get('secure')) c.header('strict-transport-security', HSTS)
}
