/** /validate in LinOTP's words: parameters to a command, an outcome to a reply (contract 2.0, 2.1). */
import type { CheckCommand, CheckOutcome } from '../../../flows/check.ts'
import type { TriggeredChallenge } from '../../../flows/trigger.ts'
import { type Params, param } from '../../params.ts'
import { type JsonObject, success } from './envelope.ts'

export function decodeCheck(params: Params): CheckCommand {
  const user = param(params, 'user') ?? ''
  const serial = param(params, 'serial') || null
  // `challenge` replaces all other options, transaction ids and serials included (contract 2.1).
  const options = (param(params, 'challenge') ?? '') === ''
  return {
    user:
      user === '' && serial !== null
        ? null
        : { user, realm: param(params, 'realm') ?? undefined, resConf: param(params, 'resConf') ?? undefined },
    serial: options ? serial : null,
    tokenType: options ? (param(params, 'token_type')?.toLowerCase() ?? null) : null,
    pass: param(params, 'pass'),
    transactionId: options ? param(params, 'transactionid', 'state') : null,
  }
}

export const encodeCheck = (outcome: CheckOutcome): JsonObject =>
  success(outcome.kind === 'accepted', 0, outcome.kind === 'challenged' ? challengeDetail(outcome) : null)

/** What a client is told when something went wrong that it must not know. */
export const refusal = (): JsonObject => success(false, 0)

function challengeDetail({ parentId, challenges }: Extract<CheckOutcome, { kind: 'challenged' }>): JsonObject {
  const [only, ...others] = challenges
  if (only && others.length === 0) return describe(only)
  return {
    challenges: Object.fromEntries(challenges.map((challenge) => [challenge.serial, describe(challenge)])),
    transactionid: parentId,
    message: 'Multiple challenges submitted.',
  }
}

const describe = (challenge: TriggeredChallenge): JsonObject => ({
  transactionid: challenge.transactionId,
  message: challenge.message,
  ...(challenge.alreadySent ? { info: 'challenge already submitted' } : {}),
  state: challenge.transactionId,
  linotp_tokenserial: challenge.serial,
  linotp_tokentype: challenge.type,
  linotp_tokendescription: challenge.description,
})
