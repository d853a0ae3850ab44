/** /admin, /system, /audit and /api/v2: LinOTP's administration. */
import { body, type Group, list, object, text, truth, value, whole } from './operation.ts'

const TOKEN = {
  serial: 'Serial of the token; several as serial[].',
  user: 'All tokens of this user.',
  realm: 'Realm of the user.',
  resConf: 'Resolver of the user.',
}
const PAGE = { page: 'Number of the page, from 1.', pagesize: 'Entries on a page; setting pagesize unless told.' }
const V2_PAGE = {
  page: 'Number of the page, from 0.',
  pageSize: 'Entries on a page; 0: all.',
  sortBy: 'Member to sort by.',
  sortOrder: 'asc or desc.',
}
const count = value(whole, object({ message: text }))
const done = value(truth)
const entries = value(object())
const SECURITY = ['session', 'apiToken'] as const

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
  security: SECURITY,
  envelope: 'linotp',
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
        realm: 'Realm of the user.',
        serial: 'Serial; made up unless told.',
        email_address: 'Where mails go.',
        phone: 'Where SMS go.',
        pin: 'PIN.',
        description: 'Description.',
        otpkey: 'Secret in hex; random unless told.',
        otplen: 'Digits of an OTP.',
        hashlib: 'sha1, sha256 or sha512.',
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
          resultset: object({ pages: whole, pagesize: whole, tokens: whole, page: whole }),
        }),
      ),
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
      reply: entries,
    },
    'POST /admin/setPin': {
      summary: 'Sets the user PIN of mOTP tokens, of which there are none here.',
      parameters: { 'serial!': 'Serial.', userpin: 'PIN.' },
      reply: entries,
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
      parameters: { 'serial!': TOKEN.serial, 'realms!': 'Names, separated by commas; may be empty.' },
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
      reply: entries,
    },
    'GET,POST /admin/checkstatus': {
      summary: 'Open challenges.',
      parameters: {
        transactionid: 'Of this transaction.',
        state: 'The same.',
        serial: 'Of this token.',
        user: 'Of this user.',
        realm: 'Realm of the user.',
        open: 'true: answered ones too.',
      },
      reply: entries,
    },
    'GET,POST /admin/getTokenOwner': {
      summary: 'Attributes of the owner.',
      parameters: { 'serial!': 'Serial.' },
      reply: entries,
    },
    'GET,POST /admin/getSerialByOtp': {
      summary: 'Finds the token of an OTP.',
      parameters: {
        'otp!': 'The OTP.',
        type: 'Only of this type.',
        realm: 'Only in this realm.',
        assigned: '1: with an owner, 0: without.',
      },
      reply: entries,
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
        username: 'With this login, * for any text; other attributes likewise.',
        page: 'Number of the page.',
        rp: 'Entries on a page.',
      },
      reply: value(list(object())),
    },
    'POST /admin/testresolver': {
      summary: 'Asks the directory of a resolver.',
      parameters: { 'name!': 'Name of the resolver.' },
      reply: value(object({ result: truth, desc: text })),
    },
  },
}

const POLICY = {
  scope: 'Scope.',
  action: 'Actions, like name=value separated by commas.',
  realm: 'Realms.',
  user: 'Users.',
  client: 'Addresses and networks.',
  time: 'Six fields; * for always.',
  active: 'True or False.',
}
const PROVIDER = { 'type!': 'email or sms.', 'name!': 'Name.' }

export const system: Group = {
  name: 'system',
  description: 'Settings, providers, realms, resolvers, policies. What changes something is POST alone.',
  security: SECURITY,
  envelope: 'linotp',
  operations: {
    'POST /system/setConfig': {
      summary: 'Saves settings (docs/settings.md).',
      parameters: {
        key: 'Name, with value beside it; or any number of NAME=value.',
        value: 'Value.',
        type: 'password: keep it sealed.',
        description: 'Description.',
      },
      reply: entries,
    },
    'GET,POST /system/getConfig': { summary: 'Reads a setting, or all.', parameters: { key: 'Name.' }, reply: entries },
    'POST /system/delConfig': { summary: 'Removes a setting.', parameters: { 'key!': 'Name.' }, reply: entries },
    'POST /system/setDefault': {
      summary: 'Saves defaults of new tokens.',
      parameters: {
        DefaultOtpLen: 'Digits.',
        DefaultMaxFailCount: 'Failures.',
        DefaultCountWindow: 'Window.',
        DefaultSyncWindow: 'Window.',
        DefaultResetFailCount: 'True or False.',
      },
      reply: entries,
    },
    'POST /system/setProvider': {
      summary: 'Saves a provider.',
      parameters: {
        ...PROVIDER,
        'class!': 'Its class.',
        'config!': 'JSON.',
        timeout: 'Seconds.',
        default: 'true: it is the default.',
        managed: 'Password of a managed provider.',
      },
      reply: done,
    },
    'GET,POST /system/getProvider': {
      summary: 'Shows providers, secrets as ***.',
      parameters: { 'type!': PROVIDER['type!'], name: 'Only this one.' },
      reply: entries,
    },
    'POST /system/delProvider': {
      summary: 'Removes a provider.',
      parameters: { ...PROVIDER, managed: 'Password of a managed provider.' },
      reply: done,
    },
    'POST /system/setDefaultProvider': { summary: 'Makes a provider the default.', parameters: PROVIDER, reply: done },
    'POST /system/testProvider': {
      summary: 'Sends a message of trial, where `to` is given.',
      parameters: { ...PROVIDER, to: 'Address or number.' },
      reply: value(truth, object({ tries: list(object()) })),
    },
    'POST /system/setResolver': {
      summary: 'Saves a resolver (docs/users.md).',
      parameters: {
        'name!': 'Name.',
        'type!': 'passwdresolver, ldapresolver, sqlresolver, httpresolver or localresolver.',
        previous_name: 'Changes that one.',
        fileName: 'Of a passwd file.',
      },
      reply: done,
    },
    'GET,POST /system/getResolver': {
      summary: 'Shows a resolver, secrets as ***.',
      parameters: { 'resolver!': 'Name.' },
      reply: entries,
    },
    'GET,POST /system/getResolvers': { summary: 'Lists resolvers.', reply: entries },
    'POST /system/delResolver': {
      summary: 'Removes a resolver that no realm has.',
      parameters: { 'resolver!': 'Name.' },
      reply: done,
    },
    'POST /system/setRealm': {
      summary: 'Saves a realm.',
      parameters: { 'realm!': 'Name.', 'resolvers!': 'Names of resolvers, separated by commas.' },
      reply: done,
    },
    'GET,POST /system/getRealms': { summary: 'Lists realms.', parameters: { realm: 'Only this one.' }, reply: entries },
    'POST /system/delRealm': { summary: 'Removes a realm.', parameters: { 'realm!': 'Name.' }, reply: entries },
    'POST /system/setDefaultRealm': {
      summary: 'Makes a realm the default.',
      parameters: { realm: 'Name; empty: none is.' },
      reply: done,
    },
    'GET,POST /system/getDefaultRealm': { summary: 'The default realm.', reply: entries },
    'POST /system/setPolicy': {
      summary: 'Saves a policy (docs/policies.md).',
      parameters: {
        'name!': 'Name.',
        'scope!': POLICY.scope,
        'action!': POLICY.action,
        'realm!': POLICY.realm,
        user: POLICY.user,
        client: POLICY.client,
        time: POLICY.time,
        active: POLICY.active,
        enforce: 'true: although it may lock administrators out.',
      },
      reply: entries,
    },
    'GET,POST /system/getPolicy': {
      summary: 'Lists policies.',
      parameters: {
        name: 'Only these.',
        ...POLICY,
        display_inactive: '1: inactive ones too.',
        export: 'true: a file.',
      },
      reply: entries,
    },
    'POST /system/delPolicy': {
      summary: 'Removes policies.',
      parameters: { 'name!': 'Names, separated by commas.', enforce: 'true: although it may lock administrators out.' },
      reply: entries,
    },
    'POST /system/importPolicy': {
      summary: 'Saves the policies of a file.',
      parameters: { 'file!': 'The file, multipart or as text.' },
      reply: body('text/xml'),
    },
    'GET,POST /system/checkPolicy': {
      summary: 'Which policies match?',
      parameters: {
        'user!': 'Login.',
        'realm!': 'Realm.',
        'scope!': 'Scope.',
        'action!': 'Action.',
        'client!': 'Address.',
      },
      reply: value(object({ allowed: truth, policy: object() })),
    },
    'GET,POST /system/getPolicyDef': {
      summary: 'All actions, by scope.',
      parameters: { scope: 'Only this one.' },
      reply: entries,
    },
  },
}

const AUDIT = {
  action: 'Path of the request.',
  serial: 'Serial.',
  user: 'Login.',
  realm: 'Realm.',
  administrator: 'Who administered.',
  client: 'Address.',
  info: 'Text.',
}

export const audit: Group = {
  name: 'audit',
  description: 'Who did what (docs/audit.md).',
  security: SECURITY,
  envelope: 'none',
  operations: {
    'GET,POST /audit/search': {
      summary: "LinOTP's search: a grid, without the envelope.",
      parameters: {
        ...AUDIT,
        page: 'Number of the page, from 1.',
        rp: 'Rows on a page.',
        sortname: 'Column.',
        sortorder: 'asc or desc.',
        query: 'Text of a grid search.',
        qtype: 'Its column, or extsearch.',
        outform: 'csv: a file.',
      },
      reply: body(
        'application/json',
        object({ page: whole, total: whole, rows: list(object({ id: whole, cell: list({}) })) }),
      ),
    },
  },
}

export const v2: Group = {
  name: 'api/v2',
  description: "LinOTP's newer reads. A refusal by policy is 403.",
  security: SECURITY,
  envelope: 'linotp',
  operations: {
    'GET /api/v2/auditlog': {
      summary: 'Rows of the audit.',
      parameters: { ...V2_PAGE, ...AUDIT, success: 'true or false.' },
      reply: value(
        object({ page: whole, pageSize: whole, totalPages: whole, totalRecords: whole, pageRecords: list(object()) }),
      ),
      statuses: { 403: 'Not allowed.' },
    },
    'GET /api/v2/tokens': {
      summary: 'Tokens.',
      parameters: {
        ...V2_PAGE,
        searchTerm: 'Text.',
        userId: 'Of this user.',
        username: 'Login, * for any text.',
        realm: 'Realm.',
        resolverName: 'Resolver.',
      },
      reply: value(
        object({ page: whole, pageSize: whole, totalPages: whole, totalRecords: whole, pageRecords: list(object()) }),
      ),
      statuses: { 403: 'Not allowed.' },
    },
    'GET /api/v2/tokens/:serial': { summary: 'One token.', reply: entries, statuses: { 403: 'Not allowed.' } },
    'GET /api/v2/realms': { summary: 'Realms.', reply: value(list(object())), statuses: { 403: 'Not allowed.' } },
    'GET /api/v2/realms/:realm/users': {
      summary: 'Users of a realm.',
      parameters: V2_PAGE,
      reply: value(list(object())),
      statuses: { 403: 'Not allowed.' },
    },
    'GET /api/v2/resolvers': { summary: 'Resolvers.', reply: value(list(object())), statuses: { 403: 'Not allowed.' } },
    'GET /api/v2/resolvers/:name/users': {
      summary: 'Users of a resolver.',
      parameters: V2_PAGE,
      reply: value(list(object())),
      statuses: { 403: 'Not allowed.' },
    },
    'GET /api/v2/resolvers/:name/users/:id': {
      summary: 'One user.',
      reply: entries,
      statuses: { 403: 'Not allowed.' },
    },
  },
}
