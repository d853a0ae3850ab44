/** privacyIDEA's dialect, as docs/privacyidea.md has it at length, under /pi. */
import { FILTERS } from '../../src/flows/user-list.ts'
import { neededBy } from '../../src/http/dialects/privacyidea/rights.ts'
import {
  body,
  component,
  type Group,
  KEYS,
  list,
  map,
  members,
  named,
  nullable,
  object,
  TURNED_AWAY,
  text,
  truth,
  value,
  whole,
} from './operation.ts'

const base = '/pi'
const USER = {
  user: 'Login, also user@realm where there is such a realm.',
  realm: 'Realm of the user; the default realm unless told.',
  resolver: 'Only users of this resolver.',
}
const ONLY = { serial: 'Serial of the token.', type: 'Only tokens of this type: email or sms.' }
const CHECK = {
  ...USER,
  ...ONLY,
  pass: 'PIN, OTP, or PIN and OTP.',
  transaction_id: 'Transaction that is answered.',
  ...named(['state', 'transactionid'], 'The same as transaction_id.'),
}
const EXCEPTION = { exception: '1: an error of status 500 where a message could not be sent.' }
const UNSENT = { 500: 'The message could not be sent, with exception.' }
const challenge = component('PrivacyideaChallenge')
const poll = value(truth, object({ challenge_status: text, message: text }))
const TRANSACTION = { transaction_id: 'Transaction.' }
const checked = ['idempotencyKey']

export const piValidate: Group = {
  name: 'privacyIDEA: validate',
  description:
    'For plugins and RADIUS. user or serial must be given. A wrong answer is no error; an unknown user is one.',
  base,
  security: KEYS,
  envelope: 'privacyidea',
  statuses: { 400: 'Something is missing or wrong, or there is no such user (result.error).', ...TURNED_AWAY },
  shared: ['nonce', 'client'],
  operations: {
    'GET,POST /validate/check': {
      summary: 'Is the pass right? result.authentication says ACCEPT, REJECT or CHALLENGE.',
      parameters: { ...CHECK, ...EXCEPTION },
      reply: value(truth, challenge),
      statuses: UNSENT,
      shared: checked,
    },
    'GET,POST /validate/radiuscheck': {
      summary: 'As check: 204 for yes, 400 for no, no body.',
      parameters: CHECK,
      reply: body('', text, 204),
      statuses: { 400: 'No.' },
      shared: checked,
    },
    'GET,POST /validate/samlcheck': {
      summary: 'As check, with attributes of the user (setting allowSamlAttributes).',
      parameters: { ...CHECK, ...EXCEPTION },
      reply: value(object({ auth: truth, attributes: object() }), challenge),
      statuses: UNSENT,
      shared: checked,
    },
    'GET,POST /validate/polltransaction': {
      summary: 'Was it answered elsewhere? Never: an OTP is answered at check.',
      parameters: { 'transaction_id!': TRANSACTION.transaction_id },
      reply: poll,
    },
    'GET,POST /validate/polltransaction/:id': {
      summary: 'The same.',
      parameters: { id: TRANSACTION.transaction_id },
      reply: poll,
    },
    'GET,POST /validate/initialize': {
      summary: 'For passkeys, of which there are none here: always refused.',
      reply: body('application/json', component('PrivacyideaEnvelope'), 400),
    },
  },
}

export const piLogin: Group = {
  name: 'privacyIDEA: login',
  description: 'A token for the header Authorization.',
  base,
  security: [],
  envelope: 'privacyidea',
  shared: ['nonce'],
  operations: {
    'POST /auth': {
      summary: 'Logs an administrator in.',
      parameters: { 'username!': 'Name of the administrator.', 'password!': 'The password.' },
      reply: value(
        object({
          ...members('token username realm role', text),
          ...{ auth: truth, log_level: whole, rights: list(text), menus: list(text) },
        }),
      ),
      statuses: {
        400: 'Parameters cannot be read.',
        401: 'Wrong name or password.',
        429: 'Too many are trying.',
      },
    },
  },
}

const PAGE = { page: 'Number of the page, from 1.', pagesize: 'Entries on a page; 15 unless told.' }
const paging = { count: whole, current: whole, prev: nullable(whole), next: nullable(whole) }
const TOKEN = { serial: 'Serial; or all tokens of a user.', ...USER }
const DATE = 'Like 2026-12-31T23:59+0100.'
const PIN = { pin: 'PIN.', otppin: 'The same as pin.' }
const VALIDITY = { validity_period_start: DATE, validity_period_end: DATE }
const counted = value(whole)
const realms = map(object({ default: truth, resolver: list(object(members('name type priority', text))) }))

const token = object({
  ...members('id failcount maxfail otplen count count_window sync_window', whole),
  ...members('serial tokentype description rollout_state user_id resolver username user_realm', text),
  ...members('active revoked locked user_editable', truth),
  ...{ realms: list(text), tokengroup: list({}), info: map(text) },
})
const challenges = object({
  ...members('transaction_id serial challenge data timestamp expiration', text),
  ...{ otp_received: truth, received_count: whole, otp_valid: truth },
})

export const piAdministration: Group = {
  name: 'privacyIDEA: administration',
  description: 'Tokens, and what clients read of system, realms and users.',
  base,
  security: ['privacyidea', 'authorization'],
  envelope: 'privacyidea',
  neededBy,
  statuses: {
    400: 'Something is missing or wrong, or there is no such user.',
    401: 'Not logged in.',
    403: 'The right is missing.',
    404: 'There is no such token or realm.',
  },
  shared: ['nonce'],
  operations: {
    'GET /auth/rights': { summary: 'Types of tokens.', reply: value(map(text)) },
    'GET,POST /validate/triggerchallenge': {
      summary: 'Challenges for all tokens of a user, or for one. user or serial must be given.',
      parameters: { ...USER, ...ONLY },
      reply: value(whole, challenge),
      shared: ['client'],
    },
    'GET /token': {
      summary: 'Lists tokens.',
      parameters: {
        ...USER,
        serial: 'Serial; * for any text.',
        tokenrealm: 'Realm of the token.',
        type: 'Type; * for any text.',
        type_list: 'Types, separated by commas.',
        ...named(['active', 'assigned'], 'true or false.'),
        ...named(['description', 'userid'], 'Of this value; * for any text.'),
        infokey: 'With this entry in info.',
        infovalue: 'Its value.',
        rollout_state: 'enrolled: all are.',
        sortby: 'serial, tokentype, description, failcount, active, count, user_id or resolver.',
        sortdir: 'asc or desc.',
        ...PAGE,
      },
      reply: value(object({ tokens: list(token), ...paging })),
    },
    'POST /token/init': {
      summary: 'Enrols a token, or enrols one anew.',
      parameters: {
        'type!': 'email or sms.',
        ...USER,
        serial: 'Serial; made up unless told.',
        email: 'Where mails go.',
        phone: 'Where SMS go.',
        dynamic_email: '1: to the present address of the user.',
        dynamic_phone: '1: to the present number of the user.',
        ...PIN,
        description: 'Description.',
        otpkey: 'Secret in hex; random unless told.',
        genkey: '1: the secret is made here.',
        otplen: 'Digits of an OTP.',
        hashlib: 'sha1, sha256 or sha512.',
        ...VALIDITY,
      },
      reply: value(truth, object({ serial: text, rollout_state: text })),
    },
    'POST /token/enable[/:serial]': { summary: 'Enables tokens.', parameters: TOKEN, reply: counted },
    'POST /token/disable[/:serial]': { summary: 'Disables tokens.', parameters: TOKEN, reply: counted },
    'POST /token/reset[/:serial]': { summary: 'Sets fail counts to 0.', parameters: TOKEN, reply: counted },
    'POST /token/set[/:serial]': {
      summary: 'Changes settings of tokens.',
      parameters: {
        ...TOKEN,
        ...PIN,
        description: 'Description.',
        hashlib: 'sha1, sha256 or sha512.',
        max_failcount: 'Failures that lock it.',
        ...named(['count_window', 'sync_window'], 'Window.'),
        ...named(['count_auth_max', 'count_auth_success_max'], 'Answers at most; 0: any number.'),
        ...VALIDITY,
      },
      reply: counted,
    },
    'POST /token/setpin[/:serial]': {
      summary: 'Sets the PIN; otppin or pin must be given.',
      parameters: { ...TOKEN, ...PIN },
      reply: counted,
    },
    'POST /token/description[/:serial]': {
      summary: 'Sets the description.',
      parameters: { ...TOKEN, description: 'Description.' },
      reply: counted,
    },
    'POST /token/assign[/:serial]': {
      summary: 'Gives a token to a user.',
      parameters: {
        'serial!': 'Serial.',
        'user!': USER.user,
        realm: USER.realm,
        resolver: USER.resolver,
        pin: 'PIN; kept unless told.',
      },
      reply: value(truth),
    },
    'POST /token/unassign[/:serial]': {
      summary: 'Takes a token from its user.',
      parameters: { 'serial!': 'Serial.' },
      reply: counted,
    },
    'DELETE /token/:serial': { summary: 'Removes a token.', parameters: { serial: 'Serial.' }, reply: counted },
    'GET /token/challenges[/:serial]': {
      summary: 'Open challenges.',
      parameters: { serial: 'Of this token.', transaction_id: 'Of this transaction.', ...PAGE },
      reply: value(object({ challenges: list(challenges), ...paging })),
    },
    'GET /system': { summary: 'Settings; secrets are not shown.', reply: value(map(text)) },
    'GET /system/:key': {
      summary: 'One setting; null where there is none.',
      parameters: { key: 'Name.' },
      reply: value(nullable(text)),
    },
    'GET /realm': { summary: 'Realms.', reply: value(realms) },
    'GET /user': {
      summary: 'Users.',
      parameters: {
        realm: 'Realm.',
        user: 'The same as username.',
        ...named(FILTERS, 'Attribute of this name; * for any text.'),
      },
      reply: value(list(object({ ...members('username userid resolver', text), editable: truth }))),
    },
  },
}
