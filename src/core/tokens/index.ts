/** The token types, one line each. */
import { email } from './email/index.ts'
import { sms } from './sms/index.ts'
import type { TokenType } from './token-type.ts'

export const tokenTypes: readonly TokenType[] = [email, sms]

export const findTokenType = (name: string): TokenType | undefined =>
  tokenTypes.find((type) => type.name === name.toLowerCase())
