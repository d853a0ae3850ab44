/** /system: LinOTP's configuration. */
import { neededBy } from '../../src/http/rights.ts'
import { body, either, type Group, list, map, nullable, object, text, truth, value } from './operation.ts'

const entries = value(object())
const done = value(truth)

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
const WARNED = 'Doubts about it stand in the header otpost-warning.'

export const system: Group = {
  name: 'system',
  description: 'Settings, providers, realms, resolvers, policies. What changes something is POST alone.',
  security: ['session', 'apiToken'],
  envelope: 'linotp',
  neededBy,
  statuses: { 401: 'Not logged in.' },
  shared: ['httperror'],
  operations: {
    'POST /system/setConfig': {
      summary: 'Saves settings (docs/settings.md).',
      parameters: {
        key: 'Name, with value beside it; or any number of NAME=value, with NAME.type=password.',
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
      summary: `Saves a provider. ${WARNED}`,
      parameters: {
        ...PROVIDER,
        'class!': 'Its class.',
        config: 'JSON; may be left out of a managed one that there is.',
        'timeout!': 'Seconds.',
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
      reply: value(truth, object({ message: text })),
    },
    'POST /system/setDefaultProvider': {
      summary: 'Makes a provider the default.',
      parameters: PROVIDER,
      reply: value(truth, object({ message: text })),
    },
    'POST /system/testProvider': {
      summary: 'Sends a message of trial, where `to` is given.',
      parameters: { ...PROVIDER, to: 'Address or number.' },
      reply: value(truth, object({ tries: list(object()) })),
    },
    'POST /system/setResolver': {
      summary: `Saves a resolver (docs/users.md). ${WARNED}`,
      parameters: {
        'name!': 'Name.',
        'type!': 'passwdresolver, ldapresolver, sqlresolver, httpresolver or localresolver.',
        previous_name: 'Changes that one.',
        fileName: 'Of a passwd file; each class has keys of its own.',
      },
      reply: done,
    },
    'GET,POST /system/getResolver': {
      summary: 'Shows a resolver, secrets as ***.',
      parameters: { 'resolver!': 'Name.' },
      reply: value(
        object({
          ...{ type: nullable(text), data: object(), resolver: text, spec: text, admin: truth, immutable: truth },
        }),
      ),
    },
    'GET,POST /system/getResolvers': { summary: 'Lists resolvers.', reply: entries },
    'POST /system/testResolver': {
      summary: 'Asks the directory of a resolver.',
      parameters: { 'name!': 'Name of the resolver.', user: 'Look for this login, too.' },
      reply: value(object({ result: truth, desc: text, user: map(text) })),
    },
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
      summary: `Saves a policy (docs/policies.md). ${WARNED}`,
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
        scope: 'Only of this scope.',
        action: 'Only with this action.',
        realm: 'Only in this realm.',
        user: 'Only for this user.',
        display_inactive: '1: inactive ones too.',
        export: 'true: a file.',
      },
      also: { 'text/plain': 'With export=true.' },
      reply: value(map(object())),
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
      reply: value(object({ allowed: truth, policy: either(text, map(object())) })),
    },
    'GET,POST /system/getPolicyDef': {
      summary: 'All actions, by scope.',
      parameters: { scope: 'Only this one.' },
      reply: entries,
    },
  },
}
