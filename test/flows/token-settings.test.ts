/** Settings of `admin/set` (contract 7.1): each in both spellings, each with its rule. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SETTERS } from '../../src/flows/token-settings.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await enroll(h, 'ada', 'ST1', { type: 'sms', phone: '+49 170 1' })
})
afterAll(() => h.close())

const tokenOf = async (serial: string) => (await h.store.findTokens({ serials: [serial] }))[0]
const set = (name: string, value: string) => h.admin('/admin/set', { serial: 'ST1', [name]: value })

/** Name, a value, what it becomes, values that are refused. */
const SETTINGS: readonly (readonly [string, string, object, readonly string[]])[] = [
  ['MaxFailCount', '0', { maxFailCount: 0 }, ['-1', 'abc', '', '1000001', '1.5']],
  ['SyncWindow', '50', { syncWindow: 50 }, ['0', 'x', '1000001']],
  ['CounterWindow', '99', { countWindow: 99 }, ['0', '100', 'x']],
  ['OtpLen', '8', { digits: 8 }, ['3', '11', 'six']],
  ['hashlib', 'SHA256', { hash: 'sha256', info: { hashlib: 'sha256' } }, ['md5', '']],
  ['description', '', { description: '' }, ['x'.repeat(81)]],
  ['phone', '+49 151 1', { info: { phone: '+49 151 1' } }, ['', 'abc']],
  ['countAuth', '3', { info: { count_auth: 3 } }, ['-1', 'x']],
  ['countAuthMax', '0', { info: { count_auth_max: 0 } }, ['-1', 'x']],
  ['countAuthSuccess', '2', { info: { count_auth_success: 2 } }, ['-1', 'x']],
  ['countAuthSuccessMax', '9', { info: { count_auth_success_max: 9 } }, ['-1', 'x']],
  ['validityPeriodStart', '01/02/26 03:04', { info: { validity_period_start: '01/02/26 03:04' } }, ['2026-02-01', '']],
  ['validityPeriodEnd', '31/12/30 23:59', { info: { validity_period_end: '31/12/30 23:59' } }, ['31/02/30 10:00', '1']],
]

describe('a setting', () => {
  it.each(SETTINGS)(
    '%s is taken in any case of letters, and refused with field and rule',
    async (name, value, becomes, wrong) => {
      for (const spelled of [name, name.toLowerCase(), name.toUpperCase()]) {
        expect((await set(spelled, value)).json.result?.value).toEqual({ [`set ${name}`]: 1 })
        expect(await tokenOf('ST1')).toMatchObject(becomes)
      }
      const before = await tokenOf('ST1')
      for (const bad of wrong) {
        const reply = await set(name, bad)
        expect(reply.json.result?.error?.code, bad).toBe(-311)
        expect(reply.json.result?.error?.message).toMatch(new RegExp(`^${name} must `))
      }
      expect(await tokenOf('ST1')).toEqual(before)
    },
  )

  it.each(['timeWindow', 'timeStep', 'timeShift'])('%s is one of other tokens', async (name) => {
    expect((await set(name, '30')).json.result?.error?.message).toBe(
      `${name} is a setting of totp tokens, ST1 is of type sms`,
    )
  })

  it('phone is one of SMS tokens alone, be it among others', async () => {
    await enroll(h, 'ada', 'ST2')

    const reply = await h.admin('/admin/set', { user: 'ada', phone: '+49 151 2' })

    expect(reply.json.result?.error?.message).toBe('phone is a setting of sms tokens, ST2 is of type email')
    expect((await tokenOf('ST1'))?.info.phone).toBe('+49 151 1')
  })

  it('stands in the tables above, whichever it is', () => {
    const told = [...SETTINGS.map(([name]) => name), 'timeWindow', 'timeStep', 'timeShift', 'pin']

    expect(
      Object.values(SETTERS)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(told.toSorted())
  })
})
