/** What the pages of self-service are told before and after login: realms, settings, and what the user may do. */
import { autoEnrollment, maxToken } from '../core/policy/actions.ts'
import type { Policy } from '../core/policy/policy.ts'
import {
  editEmail,
  editSms,
  footerText,
  imprintUrl,
  mfaLogin,
  mfaThreeFields,
  pinContents,
  pinMaxLength,
  pinMinLength,
  privacyNoticeUrl,
  selfRights,
} from '../core/policy/selfservice.ts'
import { policyFor } from '../core/policy/subject.ts'
import { lastAccess, realmBox } from '../core/setting-keys.ts'
import { defaultRealm, type RealmRecord, type Settings, settingOf } from '../core/settings.ts'
import { tokenTypes } from '../core/tokens/index.ts'
import type { Facts } from './facts.ts'
import type { Self } from './self-user.ts'
import type { SettingsCache } from './settings.ts'

/** Before anybody has logged in, as policy has it for the default realm. */
export type PreContext = {
  /** Those that users may choose from. */
  readonly realms: readonly RealmRecord[]
  readonly defaultRealm: string
  readonly realmBox: boolean
  readonly mfaLogin: boolean
  readonly mfaThreeFields: boolean
  readonly autoEnroll: boolean
  readonly footerText: string
  readonly imprintUrl: string
  readonly privacyNoticeUrl: string
}
export type SelfContext = PreContext & {
  /** Names of actions. */
  readonly rights: readonly string[]
  /** Actions that are no rights, as far as a policy names them. */
  readonly values: Readonly<Record<string, string | number | null>>
  readonly lastAccess: boolean
  /** null: as many as they like. */
  readonly limit: number | null
  readonly limitsOfTypes: readonly { readonly type: string; readonly limit: number }[]
}

export type SelfContexts = {
  readonly before: (facts: Facts) => Promise<PreContext>
  readonly of: (self: Self) => SelfContext
}

export function createSelfContexts(settings: SettingsCache): SelfContexts {
  return {
    before: async ({ client, time }) => {
      const now = await settings.fresh()
      const realm = defaultRealm(now)?.name ?? null
      return preContext(now, policyFor(now, { user: null, realm, client, time }))
    },
    of: ({ settings: now, policy }) => ({
      ...preContext(now, policy),
      rights: selfRights.filter((right) => policy.value(right)).map(({ name }) => name),
      values: Object.fromEntries(
        [editEmail, editSms, pinMinLength, pinMaxLength, pinContents]
          .filter((action) => policy.names(action))
          .map((action) => [action.name, policy.value<string | number | null>(action)]),
      ),
      lastAccess: settingOf(now, lastAccess),
      limit: policy.value(maxToken),
      limitsOfTypes: tokenTypes.flatMap(({ name, actions }) => {
        const limit = policy.value(actions.limit)
        return limit === null ? [] : [{ type: name, limit }]
      }),
    }),
  }
}

function preContext(settings: Settings, policy: Policy): PreContext {
  const all = settingOf(settings, realmBox)
  return {
    realms: settings.realms.filter(({ isDefault }) => all || isDefault),
    defaultRealm: defaultRealm(settings)?.name ?? '',
    realmBox: all,
    mfaLogin: policy.value(mfaLogin),
    mfaThreeFields: policy.value(mfaThreeFields),
    autoEnroll: policy.value(autoEnrollment) !== '',
    footerText: policy.value(footerText),
    imprintUrl: policy.value(imprintUrl),
    privacyNoticeUrl: policy.value(privacyNoticeUrl),
  }
}
