/** Records of the domain for pure tests: a token and a challenge that nothing speaks against, changed where a test says. */
import type { Challenge } from '../../src/core/challenge.ts'
import type { Throttle } from '../../src/core/throttle.ts'
import type { Token } from '../../src/core/token.ts'

/** As it is unless the operator says otherwise: locked is locked, and nobody waits. */
export const UNTHROTTLED: Throttle = { unlockAfter: 0, delay: 0 }

/** 2026-07-01T12:00:00Z, a whole minute. */
export const NOON = 1_782_907_200

export const aToken = (over: Partial<Token> = {}): Token => ({
  id: 1,
  serial: 'LSEM000001',
  type: 'email',
  description: '',
  sealedSecret: '',
  sealedPin: '',
  counter: 0,
  digits: 6,
  hash: 'sha1',
  countWindow: 10,
  syncWindow: 1000,
  failCount: 0,
  maxFailCount: 10,
  lastFailedAt: null,
  active: true,
  owner: null,
  realms: [],
  info: {},
  revision: 1,
  createdAt: 0,
  lastAuthMatch: null,
  lastAuthSuccess: null,
  ...over,
})

/** Delivered a minute before noon, and to expire a minute after it. */
export const aChallenge = (over: Partial<Challenge> = {}): Challenge => ({
  id: 1,
  transactionId: '12345678901234567',
  parentId: '12345678901234567',
  serial: 'LSEM000001',
  counter: 1,
  state: 'open',
  delivery: 'delivered',
  attempts: 0,
  maxAttempts: 0,
  message: '',
  createdAt: NOON - 60,
  expiresAt: NOON + 60,
  ...over,
})
