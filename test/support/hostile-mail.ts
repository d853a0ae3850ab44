/** Mails with hostile values: a template that puts values wherever a value can stand, and what a reader makes of a mail. */

/** Header fields, both texts, attributes of HTML with each kind of quotes and with none. */
export const TEMPLATE = [
  'Subject: ${Subject} for ${givenname}',
  'Reply-To: "Help ${surname}" <help@example.org>',
  'X-Name: ${givenname}',
  'X-Serial: ${serial}',
  'Content-Type: multipart/related; boundary="outer"',
  '',
  '--outer',
  'Content-Type: multipart/alternative; boundary="inner"',
  '',
  '--inner',
  'Content-Type: text/plain; charset=utf-8',
  '',
  '[${givenname}|${surname}|${serial}|${description}|${otp}]',
  '--inner',
  'Content-Type: text/html; charset=utf-8',
  '',
  `<p title="\${givenname}" id='\${surname}' lang=\${otp}>[\${givenname}|\${surname}|\${serial}|\${description}|\${otp}]</p>`,
  '--inner--',
  '--outer',
  'Content-Type: image/png',
  'Content-ID: <logo>',
  'Content-Transfer-Encoding: base64',
  '',
  'iVBORw0KGgo=',
  '--outer--',
].join('\n')

/** Names of the headers of the whole, as a reader of lines sees them. */
export const headerNames = (raw: string): readonly string[] =>
  (raw.split('\r\n\r\n')[0] ?? '')
    .split('\r\n')
    .filter((line) => !/^[ \t]/.test(line))
    .map((line) => line.split(':')[0] ?? '')
    .sort()

/** What a browser shows for a text without tags. */
export const unescapeHtml = (html: string): string =>
  html.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))

/** Blanks at folds and ends are no matter of content (RFC 5322 §2.2.3); a decoder takes a byte order mark for itself. */
export const squeezed = (text: string): string => text.replaceAll('\ufeff', '').replace(/\s+/g, ' ').trim()

/** Header fields that every mail has. */
export const COMMON = ['Auto-Submitted', 'Content-Type', 'Date', 'From', 'MIME-Version', 'Message-ID', 'Subject', 'To']
