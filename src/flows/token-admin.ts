/** Administration of tokens: one flow for each call of the contract (7.1), all over the same choice of tokens. */
import { createTokenChallenges } from './token-challenges.ts'
import { createTokenChanges } from './token-changes.ts'
import { createChoice, type TokenParts } from './token-choice.ts'
import { createTokenImport } from './token-import.ts'
import { createTokenLost } from './token-lost.ts'
import { createTokenOtps } from './token-otps.ts'
import { createTokenOwners } from './token-owners.ts'
import { createTokenShow } from './token-show.ts'

export type TokenAdmin = ReturnType<typeof createTokenAdmin>

export function createTokenAdmin(parts: TokenParts) {
  const choice = createChoice(parts)
  return {
    ...createTokenShow(parts, choice),
    ...createTokenChanges(parts, choice),
    ...createTokenOwners(parts, choice),
    ...createTokenOtps(parts, choice),
    ...createTokenChallenges(parts, choice),
    ...createTokenLost(parts, choice),
    ...createTokenImport(parts),
  }
}
