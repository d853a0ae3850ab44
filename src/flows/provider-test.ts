/**
 * Test of a provider: the message that users would get by it, subject, template and all, with an OTP that is none.
 *
 * What policies say to everybody counts; nobody's own attributes are filled in.
 */

import { validityOf } from '../core/challenge.ts'
import type { AdminFailure } from '../core/failures.ts'
import { preferredLanguages } from '../core/language.ts'
import { language } from '../core/policy/actions.ts'
import { policyFor } from '../core/policy/subject.ts'
import { err, ok, type Result } from '../core/result.ts'
import { challengeValidity } from '../core/settings.ts'
import { tokenTypes } from '../core/tokens/index.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Deliver, Render, Try } from './deliver.ts'
import type { Facts } from './facts.ts'
import type { MessagePlan } from './message.ts'
import { findProviderIn, readType } from './provider-admin.ts'
import type { SettingsCache } from './settings.ts'

/** Not of any token, and of a kind that nobody takes for one. */
const SAMPLE = { otp: '123456', serial: 'TEST', transactionId: '00000000000000000', attributes: {} }

export type TestResult = { readonly delivered: boolean; readonly tries: readonly Try[] }

/** Without `to`: is it there? With it, a message is sent. */
export type TestProvider = (
  command: { readonly type: string; readonly name: string; readonly to: string | null },
  facts: Facts,
) => Promise<Result<TestResult | null, AdminFailure>>

type Parts = {
  readonly store: Store
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly deliver: Deliver
  readonly messages: (plan: MessagePlan) => Render
}

export function createProviderTest({ store, audit, settings: cache, deliver, messages }: Parts): TestProvider {
  return async ({ type: typeName, name, to }, facts) => {
    const channel = readType(typeName)
    if (!channel.ok) return channel
    const type = tokenTypes.find((one) => one.channel === channel.value)
    const address = to === null ? null : (type?.readAddress(to) ?? null)
    if (type && to !== null && address === null)
      return err({ code: 'parameter_invalid', field: 'to', rule: type.addressRule })
    const settings = await cache.fresh()
    const record = findProviderIn(settings, channel.value, name)
    if (!record) return err({ code: 'provider_unknown', name })
    if (!type || address === null) {
      await audit.write(facts, { success: true, info: name })
      return ok(null)
    }

    const everybody = {
      user: { login: '', resolver: '', attributes: {} },
      realm: '',
      client: facts.client,
      time: facts.time,
    }
    const policy = policyFor(settings, everybody)
    const { delivered, tries } = await deliver(
      [record],
      messages({
        request: facts.requestId,
        id: `test.${facts.requestId}`,
        to: address,
        ...type.template(policy, { text: null, fallback: null }),
        values: SAMPLE,
        languages: preferredLanguages({
          decided: policy.value(language),
          attributes: {},
          accepted: facts.acceptLanguage ?? '',
        }),
        version: settings.version,
        now: facts.now,
        validity: (provider) =>
          validityOf(challengeValidity(settings, type.name), type.validityBound(settings, provider)),
      }),
      facts,
    )
    const info = tries.map((t) => `${t.provider}: ${t.reason || t.status}`).join(', ')
    const entry = { success: delivered, info, actionDetail: 'message_sent' }
    if (delivered) await store.endRest(record, await audit.row(facts, entry))
    else await audit.write(facts, entry)
    return ok({ delivered, tries })
  }
}
