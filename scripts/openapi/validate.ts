/** /validate, as docs/validate.md has it at length, and the health check. */
import { body, component, type Group, KEYS, map, object, TURNED_AWAY, text, truth, value, whole } from './operation.ts'

const USER = {
  user: 'Login, also user@realm or realm\\user (setting splitAtSign).',
  realm: 'Realm of the user; the default realm unless told.',
  resConf: 'Only users of this resolver.',
}
const PASS = { pass: 'PIN, OTP, or PIN and OTP.' }
const ANSWER = {
  transactionid: 'Transaction that is answered; its part .01, .02 … or the whole.',
  state: 'The same as transactionid.',
}
const TEXT = {
  data: 'Text of the SMS, with <otp>.',
  message: 'The same as data.',
  challenge: 'Text as well; all other options are left aside then.',
}
const ONLY = { serial: 'Only this token.', token_type: 'Only tokens of this type: email or sms.' }
const CHECK = { ...USER, ...PASS, ...ONLY, ...ANSWER, ...TEXT }
const shared = ['idempotencyKey']
const challenge = component('Challenge')

export const validate: Group = {
  name: 'validate',
  description: 'The API of RADIUS, PAM and web clients. A no is always the same no, under 200 for whoever may ask.',
  security: KEYS,
  envelope: 'linotp',
  statuses: TURNED_AWAY,
  operations: {
    'GET,POST /validate/check': {
      summary: 'Is the pass right? A right PIN makes a challenge, sends its OTP and says no.',
      parameters: {
        ...CHECK,
        auth_info: 'true: tell how long PIN and OTP were.',
        qr: 'The challenge as a page with a QR code.',
      },
      reply: value(truth, challenge),
      also: { 'text/html': 'With qr, where there is a challenge.' },
      shared,
    },
    'GET,POST /validate/check_s': {
      summary: 'The same for one token, by its serial, or for the only token of a user.',
      parameters: {
        ...{ serial: ONLY.serial, ...USER, ...PASS, ...ANSWER, data: TEXT.data, message: TEXT.message },
        challenge: 'Text as well; a challenge may be made.',
        auth_info: 'true: tell how long PIN and OTP were.',
      },
      reply: value(truth, challenge),
      shared,
    },
    'GET,POST /validate/check_t': {
      summary: 'Answers a transaction, whoever owns the token. transactionid or state must be given.',
      parameters: { ...ANSWER, 'pass!': PASS.pass, token_type: ONLY.token_type },
      reply: value(
        { anyOf: [object({ value: truth, failcount: whole }), truth] },
        object({ value: truth, failcount: whole, token_type: text, serial: text, failure: text }),
      ),
      shared,
    },
    'GET,POST /validate/check_status': {
      summary: 'What became of a transaction; the pass is the PIN. transactionid or state must be given.',
      parameters: { ...ANSWER, 'pass!': PASS.pass, ...USER, serial: ONLY.serial },
      reply: value(
        truth,
        object({
          transactions: map(
            object({
              ...{ received_count: whole, received_tan: truth, valid_tan: truth, message: text, status: text },
              token: object({ serial: text, type: text }),
            }),
          ),
        }),
      ),
    },
    'GET,POST /validate/simplecheck': {
      summary: 'As check, with ":-)" for yes and ":-(" for no, followed by transaction and message of a challenge.',
      parameters: CHECK,
      reply: body('text/html'),
      pages: TURNED_AWAY,
      shared,
    },
    'GET,POST /validate/radiuscheck': {
      summary: 'As check, for rlm_rest of FreeRADIUS: 204 for yes, 400 for no, no body.',
      parameters: CHECK,
      reply: body('', text, 204),
      statuses: { 400: 'No.' },
      shared,
    },
    'GET,POST /validate/smspin': {
      summary: 'Sends an SMS for a right PIN; the challenge stands in id.',
      parameters: CHECK,
      reply: value(truth),
      shared,
    },
    'GET,POST /validate/samlcheck': {
      summary: 'As check, with attributes of the user (setting allowSamlAttributes).',
      parameters: { ...CHECK, auth_info: 'true: tell how long PIN and OTP were.' },
      reply: value({ anyOf: [object({ auth: truth, attributes: object() }), truth] }, challenge),
      shared,
    },
    'GET,POST /validate/ok': { summary: 'Says yes.', reply: value(truth) },
    'GET,POST /validate/fail': { summary: 'Says no.', reply: value(truth) },
  },
}

export const health: Group = {
  name: 'healthcheck',
  description: 'For load balancers.',
  security: [],
  envelope: 'none',
  operations: {
    'GET /healthcheck/status': {
      summary: 'The process lives.',
      reply: body('application/json', object({ status: text, version: text, uptime: { type: 'number' } })),
    },
    'GET /healthcheck/ready': {
      summary: 'Database and keys are there.',
      reply: body('application/json', object({ status: text })),
      statuses: { 503: 'They are not; the log says why.' },
    },
  },
}
