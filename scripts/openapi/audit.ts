/** /audit and /api/v2: LinOTP's search of the audit, and its newer reads. */
import { FILTERS } from '../../src/flows/user-list.ts'
import { neededBy } from '../../src/http/rights.ts'
import { body, type Group, list, members, named, nullable, object, text, truth, value, whole } from './operation.ts'

const SECURITY = ['session', 'apiToken'] as const

export const audit: Group = {
  name: 'audit',
  description: 'Who did what (docs/audit.md).',
  security: SECURITY,
  envelope: 'linotp',
  neededBy,
  statuses: { 401: 'Not logged in.' },
  shared: ['httperror'],
  operations: {
    'GET,POST /audit/search': {
      summary: "LinOTP's search: a grid, without the envelope.",
      parameters: {
        ...named(['number', 'id'], 'Number of the row.'),
        ...named(['date', 'timestamp'], 'Time.'),
        ...named(['tokentype', 'token_type'], 'Type of the token.'),
        ...named(
          ['action', 'success', 'serial', 'user', 'realm', 'administrator', 'action_detail', 'info', 'linotp_server'],
          'Column of this name; % for any text, _ for one character.',
        ),
        ...named(['client', 'log_level', 'clearance_level'], 'Column of this name.'),
        page: 'Number of the page, from 1.',
        rp: 'Rows on a page.',
        sortname: 'Column.',
        sortorder: 'asc or desc.',
        query: 'Text of a grid search.',
        qtype: 'Its column, or extsearch: column=text;column=text.',
        or: 'true: one of the conditions is enough.',
        outform: 'csv: a file; without page and rp all rows.',
        delimiter: 'Of the file: a comma unless told.',
        headers: 'true: the file has a head.',
      },
      reply: body(
        'application/json',
        object({ page: whole, total: whole, rows: list(object({ id: whole, cell: list({}) })) }),
      ),
      also: { 'text/csv': 'With outform=csv.' },
    },
  },
}

const PAGE = { page: 'Number of the page, from 0.', pageSize: 'Entries on a page; 0: all.' }
const SORT = { sortBy: 'Member to sort by.', sortOrder: 'asc or desc.' }
const page = (record: Parameters<typeof list>[0]) =>
  value(object({ ...members('page pageSize totalPages totalRecords', whole), pageRecords: list(record) }))

const token = object({
  ...{ id: whole, description: nullable(text), serial: text, type: text, creationDate: text, isActive: truth },
  ...{ realms: list(text), tokenConfiguration: object(), userInfo: nullable(object()), usageData: object() },
  validityPeriod: object(members('validityStart validityEnd', nullable(text))),
})
const user = object({
  ...{ userId: text, username: text, idResolverInfo: object(members('resolverName resolverClass', text)) },
  ...members('givenName surname email phone mobile userDescription', nullable(text)),
})
const entry = object({
  ...{ id: whole, timestamp: text, action: text, success: truth, signatureCheck: truth },
  ...{ logLevel: text, clearanceLevel: whole },
  ...members('actionDetail serial tokenType user realm administrator info linotpServer client', nullable(text)),
})

export const v2: Group = {
  name: 'api/v2',
  description: "LinOTP's newer reads. A refusal by policy is 403 here.",
  security: SECURITY,
  envelope: 'linotp',
  neededBy,
  statuses: { 401: 'Not logged in.', 403: 'The right is missing.' },
  shared: ['httperror'],
  operations: {
    'GET /api/v2/auditlog': {
      summary: 'Rows of the audit.',
      parameters: {
        ...PAGE,
        ...SORT,
        id: 'Number of the row.',
        timestamp: 'Time.',
        success: 'true or false.',
        ...named(
          ['action', 'actionDetail', 'serial', 'tokenType', 'user', 'realm', 'administrator', 'info'],
          'Member of this name; * for any text.',
        ),
        ...named(['linotpServer', 'client', 'logLevel', 'clearanceLevel'], 'Member of this name; * for any text.'),
      },
      reply: page(entry),
    },
    'GET /api/v2/tokens': {
      summary: 'Tokens.',
      parameters: {
        ...PAGE,
        ...SORT,
        searchTerm: 'Text.',
        userId: 'Of this user.',
        username: 'Login, * for any text.',
        realm: 'Realm.',
        resolverName: 'Resolver.',
      },
      reply: page(token),
    },
    'GET /api/v2/tokens/:serial': {
      summary: 'One token; an empty object where there is none.',
      parameters: { serial: 'Serial.' },
      reply: value(token),
    },
    'GET /api/v2/realms': {
      summary: 'Realms.',
      reply: value(
        list(object({ name: text, entry: text, userIdResolvers: list(text), default: truth, admin: truth })),
      ),
    },
    'GET /api/v2/realms/:realm/users': {
      summary: 'Users of a realm.',
      parameters: { realm: 'Name.', ...PAGE, ...named(FILTERS, 'Attribute of this name; * for any text.') },
      reply: page(user),
    },
    'GET /api/v2/resolvers': {
      summary: 'Resolvers.',
      reply: value(
        list(
          object({
            ...{ name: text, type: text, spec: text, realms: list(text) },
            ...members('readOnly immutable admin', truth),
          }),
        ),
      ),
    },
    'GET /api/v2/resolvers/:resolver/users': {
      summary: 'Users of a resolver.',
      parameters: { resolver: 'Name.', ...PAGE, ...named(FILTERS, 'Attribute of this name; * for any text.') },
      reply: page(user),
    },
    'GET /api/v2/resolvers/:resolver/users/:id': {
      summary: 'One user; an empty object where there is none.',
      parameters: { resolver: 'Name.', id: 'Id within the resolver.' },
      reply: value(user),
    },
  },
}
