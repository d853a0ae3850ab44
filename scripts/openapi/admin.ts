/** /admin: LinOTP's administration of tokens, and who logs in. */
import { FILTERS } from '../../src/flows/user-list.ts'
import { neededBy } from '../../src/http/rights.ts'
import { type Group, list, map, members, named, object, text, truth, value, whole } from './operation.ts'

const TOKEN = {
  serial: 'Serial of the token; of several the list serial[].',
  user: 'All tokens of this user.',
  realm: 'Realm of the user.',
  resConf: 'Resolver of the user.',
}
const PAGE = { page: 'Number of the page, from 1.', pagesize: 'Entries on a page; setting pagesize unless told.' }
const count = value(whole, object({ message: text }))
const done = value(truth)

export const login: Group = {
  name: 'login',
  description: 'Sessions of administrators: a JWT in a cookie, and a CSRF token to be repeated in X-CSRF-TOKEN.',
  security: [],
  envelope: 'linotp',
  operations: {
    'POST /admin/login': {
      summary: 'Logs an administrator in.',
      parameters: {
        'username!': 'Name of the administrator, or user@realm of the admin realm.',
        'password!': 'The password.',
      },
      reply: value(truth, object({ message: text })),
      statuses: { 401: 'Wrong name or password.', 429: 'Too many are trying.' },
    },
  },
}

export const admin: Group = {
  name: 'admin',
  description: 'Tokens and their users.',
  security: ['session', 'apiToken'],
  envelope: 'linotp',
  neededBy,
  statuses: { 401: 'Not logged in.' },
  shared: ['httperror'],
  operations: {
    'GET,POST /admin/logout': {
      summary: 'Ends the session, on every node.',
      reply: value(truth, object({ message: text })),
    },
    'POST /admin/init': {
      summary: 'Enrols a token, or enrols one anew.',
      parameters: {
        'type!': 'email or sms.',
        user: 'Who gets it.',
        realm: 'Realm of the user, or of the token.',
        resConf: 'Resolver of the user.',
        serial: 'Serial; made up unless told.',
        prefix: 'What a serial that is made up begins with.',
        email_address: 'Where mails go.',
        phone: 'Where SMS go.',
        pin: 'PIN.',
        description: 'Description.',
        otpkey: 'Secret in hex; random unless told.',
        genkey: '1: the secret is made here.',
        otplen: 'Digits of an OTP.',
        hashlib: 'sha1, sha256 or sha512.',
        scope: 'JSON: where the token may be used.',
        rollout: 'Given: for the enrolment of another token alone.',
      },
      reply: value(truth, object({ serial: text })),
    },
    'GET,POST /admin/show': {
      summary: 'Lists tokens.',
      parameters: {
        ...TOKEN,
        ...PAGE,
        filter: 'Text in description, serial, type, owner; or /:active:/, /:inactive:/ and their kin.',
        viewrealm: 'The same as realm.',
        sortby: 'TokenDesc, TokenId, TokenType, TokenSerialnumber, Userid, FailCount and so on.',
        sortdir: 'desc: downwards.',
        user_fields: 'Attributes of the owner to show, separated by commas.',
        tokeninfo_format: 'json: TokenInfo as an object.',
        outform: 'csv: a file.',
      },
      reply: value(
        object({
          data: list(object()),
          resultset: object(members('pages pagesize tokens page', whole)),
        }),
      ),
      also: { 'application/force-download': 'With outform=csv.' },
    },
    'POST /admin/remove': { summary: 'Removes tokens.', parameters: TOKEN, reply: count },
    'POST /admin/enable': { summary: 'Enables tokens.', parameters: TOKEN, reply: count },
    'POST /admin/disable': { summary: 'Disables tokens.', parameters: TOKEN, reply: count },
    'POST /admin/reset': { summary: 'Sets fail counts to 0.', parameters: TOKEN, reply: count },
    'POST /admin/set': {
      summary: 'Changes settings of tokens; names in any case.',
      parameters: {
        ...TOKEN,
        pin: 'PIN.',
        MaxFailCount: 'Failures that lock it.',
        SyncWindow: 'Window for resynchronising.',
        CounterWindow: 'Look-ahead window.',
        OtpLen: 'Digits of an OTP.',
        hashlib: 'sha1, sha256 or sha512.',
        description: 'Description.',
        phone: 'Number of an SMS token.',
        countAuth: 'Answers so far.',
        countAuthMax: 'Answers at most; 0: any number.',
        countAuthSuccess: 'Right answers so far.',
        countAuthSuccessMax: 'Right answers at most; 0: any number.',
        validityPeriodStart: 'dd/mm/yy HH:MM, UTC.',
        validityPeriodEnd: 'dd/mm/yy HH:MM, UTC.',
      },
      reply: value(map(whole)),
    },
    'POST /admin/setPin': {
      summary: 'Sets the user PIN of mOTP tokens, of which there are none here.',
      parameters: { 'serial!': 'Serial.', 'userpin!': 'PIN.' },
      reply: value(object()),
    },
    'POST /admin/setValidity': {
      summary: 'Sets limits of several tokens.',
      parameters: {
        'tokens[]!': 'Serials.',
        countAuthMax: 'Answers at most, or unlimited.',
        countAuthSuccessMax: 'Right answers at most, or unlimited.',
        validityPeriodStart: 'Epoch seconds, or unlimited.',
        validityPeriodEnd: 'Epoch seconds, or unlimited.',
      },
      reply: value(list(text)),
    },
    'POST /admin/assign': {
      summary: 'Gives tokens to a user.',
      parameters: {
        'serial!': TOKEN.serial,
        'user!': 'Who gets them.',
        realm: 'Realm of the user.',
        resConf: 'Resolver of the user.',
        pin: 'PIN; kept unless told.',
      },
      reply: done,
    },
    'POST /admin/unassign': {
      summary: 'Takes tokens from their users.',
      parameters: { 'serial!': TOKEN.serial },
      reply: done,
    },
    'POST /admin/resync': {
      summary: 'Finds the counter of a token by two OTPs.',
      parameters: { ...TOKEN, 'otp1!': 'The first.', 'otp2!': 'The next.' },
      reply: done,
    },
    'POST /admin/tokenrealm': {
      summary: 'Sets the realms of a token.',
      parameters: { 'serial!': 'Serial.', 'realms!': 'Names, separated by commas; may be empty.' },
      reply: value(whole),
    },
    'POST /admin/copyTokenPin': {
      summary: 'Copies the PIN of one token to another.',
      parameters: { 'from!': 'Serial.', 'to!': 'Serial.' },
      reply: done,
    },
    'POST /admin/copyTokenUser': {
      summary: 'Gives a token to the owner of another.',
      parameters: { 'from!': 'Serial.', 'to!': 'Serial.' },
      reply: done,
    },
    'POST /admin/losttoken': {
      summary: 'A token for a while in the place of a lost one, which is disabled.',
      parameters: { 'serial!': 'Serial of the lost one.', type: 'email or sms.', email: 'Address.', mobile: 'Number.' },
      reply: value(
        object({
          ...members('serial valid_to password end_date token_typ', text),
          ...{ init: truth, ...members('user pin disable', whole) },
        }),
      ),
    },
    'GET,POST /admin/checkstatus': {
      summary: 'Open challenges.',
      parameters: {
        transactionid: 'Of this transaction.',
        state: 'The same.',
        serial: 'Of this token.',
        user: 'Of this user.',
        realm: 'Realm of the user.',
        resConf: 'Resolver of the user.',
        open: 'false: answered ones too.',
      },
      reply: value(object({ values: map(object({ challenges: map(object()), tokeninfo: object() })) })),
    },
    'GET,POST /admin/getTokenOwner': {
      summary: 'Attributes of the owner.',
      parameters: { 'serial!': 'Serial.' },
      reply: value(map(text)),
    },
    'GET,POST /admin/getSerialByOtp': {
      summary: 'Finds the token of an OTP.',
      parameters: {
        'otp!': 'The OTP.',
        type: 'Only of this type.',
        realm: 'Only in this realm.',
        assigned: '1: with an owner, 0: without.',
      },
      reply: value(object({ success: truth, ...members('serial user_login user_resolver', text) })),
    },
    'GET,POST /admin/check_serial': {
      summary: 'Is a serial free, and if not, which one like it is?',
      parameters: { 'serial!': 'Serial.' },
      reply: value(object({ unique: truth, new_serial: text })),
    },
    'GET,POST /admin/userlist': {
      summary: 'Lists users.',
      parameters: {
        realm: 'Of this realm.',
        resConf: 'Of this resolver.',
        ...named(FILTERS, 'Attribute of this name; * for any text.'),
        page: 'Number of the page, from 0.',
        rp: 'Entries on a page.',
      },
      reply: value(list(object())),
    },
    'POST /admin/testresolver': {
      summary: 'Asks the directory of a resolver.',
      parameters: { 'name!': 'Name of the resolver.', user: 'Look for this login, too.' },
      reply: value(object({ result: truth, desc: text, user: map(text) })),
    },
  },
}
