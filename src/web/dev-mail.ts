/**
 * /dev/mail: the mails that the catcher holds, for the eyes of the developer at this machine.
 *
 * The mails hold OTPs, so the page answers only a browser that asked for a loopback host by name: a foreign site whose
 * name was rebound to 127.0.0.1 sends its own name in Host. No CORS, no scripts, everything escaped.
 * Mount at `/`: `app.route('/', devMailRoutes(catcher))`.
 */
import { Hono, type MiddlewareHandler } from 'hono'
import { accepts } from 'hono/accepts'
import { html } from 'hono/html'
import type { CaughtMail, MailCatcher } from '../ports/catcher.ts'

/** Seconds between two loads of the page. */
const REFRESH_SECONDS = 3

const LOOPBACK_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 0 auto; padding: 1rem }
header, article header { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; justify-content: space-between }
article { border-top: 1px solid GrayText; padding: 0.5rem 0 }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin: 0.5rem 0 0 }
h2, p, pre { overflow-wrap: anywhere }
pre { font: 1rem/1.5 ui-monospace, monospace; white-space: pre-wrap; margin: 0.5rem 0 }
form { display: inline }
`

/** @param catcher where the mails are; the page reads and clears, nothing else */
export function devMailRoutes(catcher: Pick<MailCatcher, 'mails' | 'clear'>) {
  const routes = new Hono()
  const newestFirst = () => catcher.mails().toReversed()

  // By exact path, since `/dev/*` would also catch what others mount beside it.
  for (const path of ['/dev/mail', '/dev/mail.json', '/dev/mail.css', '/dev/mail/clear']) routes.use(path, guard)

  routes.get('/dev/mail', (c) => {
    c.header('vary', 'accept')
    const type = accepts(c, { header: 'Accept', supports: ['text/html', 'application/json'], default: 'text/html' })
    if (type === 'application/json') return c.json(newestFirst())
    return c.html(page(newestFirst(), c.req.query('refresh') !== 'off'))
  })
  routes.get('/dev/mail.json', (c) => c.json(newestFirst()))
  routes.get('/dev/mail.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))
  routes.post('/dev/mail/clear', (c) => {
    catcher.clear()
    return c.redirect('/dev/mail', 303)
  })

  return routes
}

const guard: MiddlewareHandler = async (c, next) => {
  c.header('cache-control', 'no-store')
  c.header('x-content-type-options', 'nosniff')
  c.header('cross-origin-resource-policy', 'same-origin')
  // Not `no-referrer`: the page's own form would then be posted with `Origin: null`.
  c.header('referrer-policy', 'same-origin')
  c.header(
    'content-security-policy',
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  )

  // Without the header the runtime has taken the host from elsewhere (HTTP/2, a request made in memory).
  const host = c.req.header('host') ?? new URL(c.req.url).host
  if (!LOOPBACK_HOST.test(host)) return c.text('Open this page as http://127.0.0.1 or http://localhost.\n', 403)

  // A form on a foreign site can post here, but not without naming its origin.
  const origin = c.req.header('origin')
  if (c.req.method === 'POST' && origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
    return c.text('Use the button on the page.\n', 403)
  }
  return next()
}

/** @returns `undefined` for `null` and anything else that is no URL */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

function page(mails: readonly CaughtMail[], refreshing: boolean) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refreshing ? html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">` : ''}
<title>${mails.length} caught ${mails.length === 1 ? 'mail' : 'mails'} – otpost</title>
<link rel="stylesheet" href="/dev/mail.css">
</head>
<body>
<header>
<h1>Caught mail</h1>
<div>
${refreshing ? html`<a href="/dev/mail?refresh=off">Stop refreshing</a>` : html`<a href="/dev/mail">Refresh every ${REFRESH_SECONDS} seconds</a>`}
<form method="post" action="/dev/mail/clear"><button>Clear</button></form>
</div>
</header>
<main>
${mails.length === 0 ? html`<p>No mail yet. Trigger a challenge for a user with an e-mail token; its mail appears here instead of being sent.</p>` : mails.map(article)}
</main>
</body>
</html>
`
}

function article(mail: CaughtMail) {
  const time = new Date(mail.receivedAt * 1000).toISOString()
  return html`<article aria-labelledby="mail-${mail.id}">
<h2 id="mail-${mail.id}" dir="auto">${mail.subject || '(no subject)'}</h2>
<p>To <bdi>${mail.to.join(', ')}</bdi> · from <bdi>${mail.from || '(nobody)'}</bdi> · <time datetime="${time}">${time.slice(0, 19).replace('T', ' ')} UTC</time></p>
<pre dir="auto">${mail.text}</pre>
</article>
`
}
