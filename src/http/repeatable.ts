/** Repeatable: a client that asks again because an answer was lost says so, by a header or by a parameter. */
import type { Context } from 'hono'
import type { Facts } from '../flows/facts.ts'
import type { Env } from './env.ts'
import { param } from './params.ts'

/** @param parameter name of the one that stands for the header Idempotency-Key; empty: none */
export async function repeatable(c: Context<Env>, parameter: () => Promise<string>): Promise<Facts> {
  const name = await parameter()
  const key = c.req.header('idempotency-key') ?? (name === '' ? null : param(c.get('params'), name))
  return key ? { ...c.get('facts'), idempotencyKey: key } : c.get('facts')
}
