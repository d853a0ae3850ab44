/** /otpost and /metrics: what LinOTP's API has no word for. The command line speaks it. */
import { USER_FIELDS } from '../../src/core/local-user.ts'
import { neededBy } from '../../src/http/rights.ts'
import {
  body,
  type Group,
  list,
  map,
  members,
  named,
  nullable,
  object,
  text,
  truth,
  value,
  whole,
} from './operation.ts'

const done = value(truth)
const PASSWORD = 'The password.'
const USER = {
  ...named(
    USER_FIELDS.filter((name) => name !== 'username'),
    'Attribute of this name.',
  ),
  password: 'Password.',
  password_hash: 'Its hash instead, as docs/users.md lists them.',
  attributes: 'JSON object of texts: other attributes.',
}
const FILTERS = [
  ...['number', 'requestId', 'action', 'success', 'serial', 'tokenType', 'user', 'realm'],
  ...['administrator', 'detail', 'info', 'client', 'server'],
]
const keys = value(list(object({ id: text, known: truth, current: truth, uses: map(whole) })))

export const otpost: Group = {
  name: 'otpost',
  description:
    'Administrators, API tokens, users of our own, imports, templates, keys, the audit: what the command line uses.',
  security: ['session', 'apiToken'],
  envelope: 'linotp',
  neededBy,
  statuses: { 401: 'Not logged in.' },
  shared: ['httperror'],
  operations: {
    'GET /otpost/admins': {
      summary: 'Lists administrators.',
      reply: value(list(object({ username: text, createdAt: whole }))),
    },
    'POST /otpost/admins': {
      summary: 'Adds an administrator.',
      parameters: { 'username!': 'Name.', 'password!': PASSWORD },
      reply: done,
    },
    'POST /otpost/admins/:username/password': {
      summary: 'Gives an administrator another password; ends the sessions.',
      parameters: { username: 'Name.', 'password!': PASSWORD },
      reply: done,
    },
    'DELETE /otpost/admins/:username': {
      summary: 'Removes an administrator with the API tokens.',
      parameters: { username: 'Name.' },
      reply: done,
    },
    'GET /otpost/api-tokens': {
      summary: 'Lists API tokens.',
      reply: value(
        list(
          object({
            ...{ id: text, admin: text, name: text, createdAt: whole, scope: list(text), realms: list(text) },
            ...{ expiresAt: nullable(whole), lastUsedAt: nullable(whole) },
          }),
        ),
      ),
    },
    'POST /otpost/api-tokens': {
      summary: 'Makes an API token, which is shown this once.',
      parameters: {
        'username!': 'Whose rights it has.',
        name: 'What it is for.',
        scope: 'Only these: scopes, scope/action or read-only, separated by blanks.',
        realm: 'Only in these realms.',
        expires: 'After which time, like 30d.',
      },
      reply: value(object({ id: text, token: text })),
    },
    'DELETE /otpost/api-tokens/:id': { summary: 'Revokes an API token.', reply: done },

    'POST /otpost/users': {
      summary: 'Adds a user of a localresolver.',
      parameters: { 'resolver!': 'Name of the resolver.', 'username!': 'Login.', ...USER },
      reply: value(object({ userid: text })),
    },
    'POST /otpost/users/:resolver/:username': {
      summary: 'Changes a user; what is not given stays.',
      parameters: { resolver: 'Name of the resolver.', username: 'Login.', ...USER },
      reply: done,
    },
    'DELETE /otpost/users/:resolver/:username': {
      summary: 'Removes a user; says how many tokens are left without one.',
      parameters: { resolver: 'Name of the resolver.', username: 'Login.' },
      reply: value(object({ tokens: whole })),
    },
    'POST /otpost/users/import': {
      summary: 'Imports users; content or rows must be given.',
      parameters: {
        'resolver!': 'Name of the resolver.',
        content: 'CSV with a head.',
        columns: 'JSON object: which column of it is which attribute.',
        'rows[]': 'Rows instead, each {"line": 2, "fields": {…}}.',
        replace: 'true: users who are in no row are removed.',
        dry_run: 'true: only say what would happen.',
        skip_refused: 'true: store the good rows although others are refused.',
      },
      reply: value(
        object({
          ...members('stored dry_run', truth),
          ...members('rows added changed unchanged removed refused_rows', whole),
          refused: list(object()),
        }),
      ),
    },
    'POST /otpost/tokens/import': {
      summary: 'Imports tokens; a line for each row, and one that counts them.',
      parameters: {
        'csv!': 'CSV with a head; or the body, as text/csv.',
        dry_run: 'true: only say what would happen.',
      },
      reply: body('application/x-ndjson'),
    },

    'GET /otpost/templates': {
      summary: 'Lists templates.',
      reply: value(list(object({ name: text, place: text, bytes: nullable(whole), changedAt: nullable(whole) }))),
    },
    'POST /otpost/templates': {
      summary: 'Saves a template.',
      parameters: { 'name!': 'Name.', 'source!': 'The template.' },
      reply: value(object({ warnings: list(text) })),
    },
    'DELETE /otpost/templates': { summary: 'Removes a template.', parameters: { 'name!': 'Name.' }, reply: done },
    'GET /otpost/templates/source': {
      summary: 'Shows a template.',
      parameters: { 'name!': 'Name.' },
      reply: value(object({ place: text, source: text })),
    },
    'GET /otpost/templates/preview': {
      summary: 'Fills in a template.',
      parameters: {
        'name!': 'Name.',
        user: 'With the attributes of this user.',
        realm: 'Realm of the user.',
        language: 'In this language.',
      },
      reply: value(
        object({
          ...members('subject text place', text),
          ...members('html from replyTo', nullable(text)),
          ...{ headers: list({}), images: list({}), warnings: list(text) },
        }),
      ),
    },

    'GET /otpost/policies/explain': {
      summary: 'What policies decide for a user, and why.',
      parameters: { 'user!': 'Login.', 'realm!': 'Realm.', 'client!': 'Address.' },
      reply: value(
        object({ userFound: truth, decided: list(object()), silent: list(object({ policy: text, because: text })) }),
      ),
    },
    'GET /otpost/providers/rests': {
      summary: 'Providers that failed and are asked last for a while.',
      reply: value(list(object())),
    },
    'GET /otpost/keys': { summary: 'Lists master keys, and what they seal.', reply: keys },
    'POST /otpost/keys/rotate': {
      summary: 'Seals a slice of values with the first key; `next` says where to go on.',
      parameters: { kind: 'next.kind of the answer before.', after: 'next.after of the answer before.' },
      reply: value(object({ resealed: whole, unreadable: whole, next: nullable(object({ kind: text, after: text })) })),
    },
    'POST /otpost/keys/finish': { summary: 'Forgets keys that seal nothing.', reply: keys },
    'POST /otpost/restored': {
      summary: 'After a backup was restored: no OTP that was sent since counts again.',
      reply: value(object({ tokens: whole, challenges: whole })),
    },

    'GET /otpost/audit/export': {
      summary: 'All rows that match, line by line.',
      parameters: {
        ...named(FILTERS, 'Only rows with this value; * for any text.'),
        since: 'From this time: epoch seconds, a date, or a time of RFC 3339.',
        until: 'Before this time.',
        order: 'asc or desc.',
        limit: 'Rows at most.',
        format: 'jsonl or csv.',
      },
      reply: body('application/x-ndjson'),
      also: { 'text/csv': 'With format=csv.' },
    },
    'GET /otpost/audit/verify': {
      summary: 'Verifies the chain; progress line by line, the verdict last.',
      parameters: { anchor: 'As a checkpoint has written it.' },
      reply: body('application/x-ndjson'),
    },
    'POST /otpost/audit/checkpoint': {
      summary: 'Seals the rows that are not sealed yet.',
      reply: value(object({ sealed: whole })),
    },
    'POST /otpost/audit/prune': {
      summary: 'Removes old rows; before or keep_days must be given.',
      parameters: {
        before: 'Rows before this time.',
        keep_days: 'Rows that are older than so many days.',
        force: 'true: although they do not verify.',
      },
      reply: value(nullable(object(members('first last findings', whole)))),
    },
    'GET /metrics': {
      summary: 'For Prometheus.',
      reply: body('text/plain'),
      pages: { 404: 'There are none on this runtime.' },
    },
  },
}
