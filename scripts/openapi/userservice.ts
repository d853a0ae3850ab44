/** /userservice: what users do for themselves (docs/selfservice.md). */
import { type Group, list, map, members, nullable, object, text, truth, value, whole } from './operation.ts'

const token = object({ Enrollment: object({ status: text, detail: text }) })
const status = {
  ...{ received_count: whole, received_tan: truth, valid_tan: truth, message: text, status: text },
  ...{ accept: truth, reject: truth },
}
const challenge = {
  ...{ message: text, transactionId: text, replyMode: list(text), state: text },
  ...members('linotp_tokenserial linotp_tokentype linotp_tokendescription', text),
}
const settings = object({
  default_realm: text,
  ...members('realm_box mfa_login mfa_3_fields autoassign autoenroll', truth),
  ...members('footer_text imprint_url privacy_notice_url', nullable(text)),
})
const context = {
  ...{ version: text, copyright: text, settings },
  realms: map(object({ realmname: text, default: truth })),
}
const USER = {
  login: 'Name of the user.',
  username: 'The same as login.',
  realm: 'Realm of the user.',
}
const HISTORY = 'date, action, success, serial, token_type or action_detail.'
/** What was done, and 1. */
const done = (name: string) => value(object({ [name]: whole }))
const serial = { 'serial!': 'One of the own tokens.' }

export const userserviceLogin: Group = {
  name: 'userservice: login',
  description: 'Sessions of users: a cookie, whose text is repeated in the parameter session.',
  security: [],
  envelope: 'linotp',
  operations: {
    'GET,POST /userservice/pre_context': {
      summary: 'What a page needs before the login; in detail.',
      reply: value(truth, object(context)),
    },
    'GET,POST /userservice/login': {
      summary: 'Logs in, with the cookie user_selfservice; a second factor may be asked for, which is the next call.',
      parameters: {
        ...USER,
        password: 'Password of the directory.',
        otp: 'OTP, at once or for the second factor.',
        session: 'Text of the cookie, for the second factor.',
        serial: 'Token of the second factor.',
        data: 'Text of its message.',
        message: 'The same as data.',
      },
      reply: value(
        truth,
        object({ ...challenge, ...status, tokenList: list(token), challenges: map(object(challenge)) }),
      ),
      statuses: { 401: 'The session is not valid.', 429: 'Too many are trying.' },
    },
    'GET,POST /userservice/auth': {
      summary: 'Logs in, with the cookie userauthcookie.',
      parameters: { ...USER, password: 'base32(OTP) and base32(password), with a colon between them.' },
      reply: value(truth, object({ ...challenge, ...status, tokenList: list(token) })),
      statuses: { 429: 'Too many are trying.' },
    },
    'GET,POST /userservice/logout': { summary: 'Ends the session of the cookie.', reply: value(truth) },
  },
}

export const userservice: Group = {
  name: 'userservice',
  description: 'Own tokens, as far as policies of scope selfservice allow.',
  security: ['selfservice'],
  envelope: 'linotp',
  statuses: { 401: 'Not logged in.' },
  shared: ['httperror'],
  operations: {
    'GET,POST /userservice/context': {
      summary: 'What a page needs; in detail.',
      reply: value(truth, object({ ...context, user: object(), tokenArray: list(token), actions: list(text) })),
    },
    'GET,POST /userservice/userinfo': {
      summary: 'Own attributes.',
      reply: value(map(text)),
    },
    'GET,POST /userservice/usertokenlist': {
      summary: 'Own tokens.',
      parameters: { active: 'true: only active ones.' },
      reply: value(list(token)),
    },
    'GET,POST /userservice/verify': {
      summary: 'Tries a token: a challenge, what became of it, or its OTP.',
      parameters: {
        serial: 'One of the own tokens.',
        transactionid: 'Transaction that is asked about or answered.',
        transactionId: 'The same.',
        state: 'The same.',
        otp: 'The OTP.',
      },
      reply: value(truth, object({ ...status, transactionId: text, replyMode: list(text) })),
    },
    'GET,POST /userservice/history': {
      summary: 'Own rows of the audit: a grid, without the envelope.',
      parameters: {
        page: 'Number of the page, from 1.',
        rp: 'Rows on a page.',
        sortname: HISTORY,
        sortorder: 'asc or desc.',
        query: 'Text that is looked for.',
        qtype: `Its column: ${HISTORY}`,
      },
      reply: {
        body: {
          ...{ type: 'application/json', status: 200 },
          schema: object({ page: whole, total: whole, rows: list(object({ id: whole, cell: list({}) })) }),
        },
      },
      statuses: { 429: 'Too many are searching.' },
    },
    'GET,POST /userservice/getSerialByOtp': {
      summary: 'Finds the own token of an OTP.',
      parameters: { 'otp!': 'The OTP.', type: 'Only of this type.' },
      reply: value(object({ serial: text })),
      statuses: { 429: 'Too many are searching.' },
    },
    'POST /userservice/enroll': {
      summary: 'Enrols a token.',
      parameters: {
        'type!': 'email or sms.',
        serial: 'Serial; made up unless told.',
        prefix: 'What a serial that is made up begins with.',
        email_address: 'Where mails go.',
        phone: 'Where SMS go.',
        pin: 'PIN, exactly where the user may set one.',
        description: 'Description.',
        genkey: '1; the secret is made here.',
        otplen: 'Digits of an OTP.',
        hashlib: 'sha1, sha256 or sha512.',
      },
      reply: value(truth, object({ serial: text })),
    },
    'POST /userservice/enable': { summary: 'Enables a token.', parameters: serial, reply: done('enable token') },
    'POST /userservice/disable': { summary: 'Disables a token.', parameters: serial, reply: done('disable token') },
    'POST /userservice/delete': { summary: 'Removes a token.', parameters: serial, reply: done('delete token') },
    'POST /userservice/reset': {
      summary: 'Sets its fail count to 0.',
      parameters: serial,
      reply: done('reset Failcounter'),
    },
    'POST /userservice/unassign': {
      summary: 'Gives a token away.',
      parameters: serial,
      reply: value(object({ 'unassign token': truth })),
    },
    'POST /userservice/setpin': {
      summary: 'Sets its PIN.',
      parameters: { ...serial, 'userpin!': 'PIN.' },
      reply: done('set userpin'),
    },
    'POST /userservice/setdescription': {
      summary: 'Sets its description.',
      parameters: { ...serial, 'description!': 'Description.' },
      reply: done('set description'),
    },
    'POST /userservice/resync': {
      summary: 'Finds its counter by two OTPs.',
      parameters: { ...serial, 'otp1!': 'The first.', 'otp2!': 'The next.' },
      reply: value(object({ 'resync Token': truth })),
    },
    'POST /userservice/assign': {
      summary: 'Takes a token that belongs to nobody.',
      parameters: { 'serial!': 'Serial.', pin: 'PIN.', description: 'Description.' },
      reply: value(object({ 'assign token': truth })),
    },
  },
}
