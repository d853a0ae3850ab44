/** `/api/v2/tokens` in LinOTP's words (contract 7.6). Addresses are not told here. */
import type { AdminFailure } from '../../../core/failures.ts'
import { err, ok, type Result } from '../../../core/result.ts'
import { readValidityDate } from '../../../core/token.ts'
import type { ShownToken } from '../../../flows/token-choice.ts'
import type { ShowCommand, Shown } from '../../../flows/token-show.ts'
import type { TokenOrder } from '../../../ports/store.ts'
import { type Params, param } from '../../params.ts'
import { resolverName, resolverSpec } from './admin.ts'
import type { JsonObject } from './envelope.ts'
import { isoDate, readOrder, realmsOf } from './tokens.ts'

const ORDERS: Readonly<Record<string, TokenOrder>> = {
  id: 'id',
  serial: 'serial',
  isActive: 'active',
  type: 'type',
  failedLogins: 'failCount',
  description: 'description',
  userId: 'userId',
  resolver: 'resolver',
  resolverClass: 'resolver',
  otpCounter: 'counter',
  creationDate: 'createdAt',
  lastAuthenticationMatch: 'lastAuthMatch',
  lastSuccessfulLoginAttempt: 'lastAuthSuccess',
}

/** Pages begin at 0; a size of 0 is everything. */
export function decodeTokenPage(params: Params): Result<ShowCommand, AdminFailure> {
  const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)
  const [page, size] = [param(params, 'page') || '0', param(params, 'pageSize') || null]
  if (!/^\d{1,9}$/.test(page)) return invalid('page', 'must be a whole number, 0 for the first page')
  if (size !== null && !/^\d{1,9}$/.test(size)) return invalid('pageSize', 'must be a whole number, 0 for all tokens')
  const direction = param(params, 'sortOrder') || 'asc'
  if (direction !== 'asc' && direction !== 'desc') return invalid('sortOrder', 'must be asc or desc')
  const order = readOrder(ORDERS, 'sortBy', param(params, 'sortBy'), 'serial')
  if (!order.ok) return order
  const [text, userId, login] = ['searchTerm', 'userId', 'username'].map((name) => param(params, name) || null)
  const resolver = resolverName(param(params, 'resolverName') ?? '')
  return ok({
    where: {
      ...(text ? { text } : {}),
      ...(userId ? { userId } : {}),
      ...(login ? { login } : {}),
      ...(resolver === '' ? {} : { resolver }),
      ...realmsOf(param(params, 'realm') ?? ''),
    },
    user: null,
    order: order.value,
    descending: direction === 'desc',
    page: size !== null && Number(size) === 0 ? null : Number(page),
    pageSize: size === null ? null : Number(size),
  })
}

export const encodeTokenPage = ({ tokens, total, page, pages, pageSize }: Shown): JsonObject => ({
  page,
  pageSize,
  totalPages: pages,
  totalRecords: total,
  pageRecords: tokens.map(encodeTokenRecord),
})

export function encodeTokenRecord(token: ShownToken): JsonObject {
  const { info, owner, user } = token
  const number = (key: string): number | null => (info[key] === undefined ? null : Number(info[key]))
  const moment = (key: string): string | null => date(readValidityDate(String(info[key] ?? '')))
  return {
    id: token.id,
    description: token.description || null,
    serial: token.serial,
    type: token.type,
    creationDate: isoDate(token.createdAt),
    isActive: token.active,
    realms: token.realms,
    tokenConfiguration: {
      hashLib: token.hash,
      ...{ timeWindow: null, timeShift: null, timeStep: null },
      countWindow: token.countWindow,
      syncWindow: token.syncWindow,
      otpLength: token.digits,
      otpCounter: token.counter,
    },
    userInfo: owner && {
      userId: owner.userId,
      username: user?.login ?? null,
      userDescription: user?.attributes.description || null,
      idResolverInfo: { resolverName: owner.resolver, resolverClass: resolverSpec(owner.resolver) },
    },
    usageData: {
      loginAttempts: number('count_auth'),
      maxLoginAttempts: number('count_auth_max'),
      successfulLoginAttempts: number('count_auth_success'),
      maxSuccessfulLoginAttempts: number('count_auth_success_max'),
      lastSuccessfulLoginAttempt: date(token.lastAuthSuccess),
      failedLoginAttempts: token.failCount,
      maxFailedLoginAttempts: token.maxFailCount,
      lastAuthenticationMatch: date(token.lastAuthMatch),
    },
    validityPeriod: { validityStart: moment('validity_period_start'), validityEnd: moment('validity_period_end') },
  }
}

const date = (at: number | null): string | null => (at === null ? null : isoDate(at))
