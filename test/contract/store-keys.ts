/** Contract of the master keys: what each seals, values sealed anew, keys that are forgotten; and of a restored database. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Resealed, SealedKind } from '../../src/ports/store.ts'
import { auditRow, auditsOf, challenged, enrolled, NOW, type Suite, times, versionMoves } from './store-fixture.ts'

const sealedWith = (id: string, text = 'x') => `v1.${id}.nonce.${text}`

export function keyTests(suite: Suite): void {
  const audit = (detail = '') => auditRow(suite.next('key-'), detail)
  const token = (serial: string, secret: string, pin = sealedWith('k2')) =>
    enrolled(suite, { serial, sealedSecret: secret, sealedPin: pin })
  const secretOf = async (serial: string) =>
    (await suite.rows('SELECT secret FROM tokens WHERE serial = ?', serial))[0]?.secret
  const usesOf = async (id: string) => {
    const sums: Record<string, number> = {}
    for (const use of await suite.store.keyUses()) if (use.id === id) sums[use.kind] = (sums[use.kind] ?? 0) + use.count
    return sums
  }

  describe('master keys', () => {
    beforeEach(async () => {
      await suite.clear('master_keys', 'tokens', 'providers', 'resolvers', 'audit_checkpoints', 'audit_cuts')
      await suite.rows("DELETE FROM config WHERE type = 'password'")
    })

    it('keeps the first canary of fifty that are added at once', async () => {
      await times(50, (n) => suite.store.addKey({ id: 'k1', canary: `canary ${n}`, createdAt: NOW }))

      expect(await suite.store.readKeys()).toEqual([{ id: 'k1', canary: expect.stringMatching(/^canary \d+$/) }])
    })

    it('tells how much each key seals, by kind', async () => {
      await token('KEY01', sealedWith('k1'), sealedWith('k1'))
      await token('KEY02', sealedWith('k2'), sealedWith('k1'))
      const secret = { key: 'secret.key', value: sealedWith('k1'), type: 'password', description: '' }
      await suite.store.setConfig([secret, { ...secret, key: 'open', type: '', value: sealedWith('k9') }], audit())
      const provider = {
        type: 'email',
        name: 'a:b',
        class: 'SMTP',
        managed: '',
        timeout: '1',
        isDefault: true,
      } as const
      await suite.store.saveProvider({ ...provider, sealedConfig: sealedWith('k1') }, '', audit())

      expect(await usesOf('k1')).toMatchObject({ secret: 1, pin: 2, config: 1, provider: 1 })
      expect(await usesOf('k2')).toMatchObject({ secret: 1 })
      expect(await usesOf('k9')).toEqual({})
    })

    it('counts rows of the audit that no checkpoint seals, and no others', async () => {
      const before = (await usesOf('k7')).audit ?? 0
      await suite.store.writeAudit({ ...audit(), mac: 'k7.mac' })
      expect((await usesOf('k7')).audit).toBe(before + 1)
      const [row] = await suite.rows('SELECT MAX(number) AS last FROM audit')

      await suite.store.addCheckpoint({
        ...{ id: 1, first: 1, last: Number(row?.last), firstDelivery: 1, lastDelivery: 1e9, newest: NOW, at: NOW },
        ...{ digest: 'd', deliveryDigest: 'd', previous: '', marks: '', broken: '{}', mac: 'k8.mac' },
      })

      expect(await usesOf('k7')).toEqual({})
      expect(await usesOf('k8')).toEqual({ audit: 1 })
    })

    it('finds values of other keys in order, a few at a time, and nothing of nobody', async () => {
      for (const n of [3, 1, 2]) await token(`KEY0${n}`, sealedWith('k1'))
      await token('KEY04', sealedWith('k2'))

      const first = await suite.store.sealedOtherwise('k2', 'secret', '', 2)
      const second = await suite.store.sealedOtherwise('k2', 'secret', first.at(-1)?.name ?? '', 2)

      expect([...first, ...second].map(({ name }) => name)).toEqual(['KEY01', 'KEY02', 'KEY03'])
    })

    it('does not take a key for another whose name it begins', async () => {
      await token('KEY01', sealedWith('k10'))

      expect(await suite.store.sealedOtherwise('k1', 'secret', '', 9)).toHaveLength(1)
    })

    it('finds some sealed value, or none', async () => {
      expect(await suite.store.someSealed()).toBeNull()
      await token('KEY01', sealedWith('k1'))

      expect(await suite.store.someSealed()).toEqual({ kind: 'secret', name: 'KEY01', sealed: sealedWith('k1') })
    })

    it('replaces a value once, when fifty seal it anew at once', async () => {
      await token('KEY01', sealedWith('k1'))
      const ids = Array.from({ length: 50 }, () => suite.next('key-'))
      let replaced: readonly number[] = []

      const moves = await versionMoves(suite, async () => {
        replaced = await times(50, (n) =>
          suite.store.resealValues(
            [{ kind: 'secret', name: 'KEY01', sealed: sealedWith('k1'), after: sealedWith('k2', `${n}`) }],
            auditRow(ids[n] ?? '', 'rotated'),
          ),
        )
      })

      expect(replaced.filter((n) => n === 1)).toHaveLength(1)
      expect(await secretOf('KEY01')).toBe(sealedWith('k2', `${replaced.indexOf(1)}`))
      expect(moves).toBe(50)
      expect(await auditsOf(suite, ids)).toEqual(ids.map(() => ['rotated']))
    })

    it('leaves what has been changed meanwhile as it is', async () => {
      await token('KEY01', sealedWith('k1', 'changed'))
      await token('KEY02', sealedWith('k1'))
      const again = (name: string): Resealed => ({
        ...{ kind: 'secret', name, sealed: sealedWith('k1'), after: sealedWith('k2') },
      })

      expect(await suite.store.resealValues([again('KEY01'), again('KEY02'), again('KEY03')], audit())).toBe(1)
      expect(await secretOf('KEY01')).toBe(sealedWith('k1', 'changed'))
    })

    it('seals values of every kind anew', async () => {
      await token('KEY01', sealedWith('k1'), sealedWith('k1'))
      await suite.store.setConfig(
        [{ key: 'some.key', value: sealedWith('k1'), type: 'password', description: '' }],
        audit(),
      )
      const provider = { type: 'sms', name: 'g', class: 'Http', managed: '', timeout: '1', isDefault: true } as const
      await suite.store.saveProvider({ ...provider, sealedConfig: sealedWith('k1') }, '', audit())
      const directory = { name: 'away', type: 'ldapresolver', data: {}, users: null }
      await suite.store.saveResolver({ ...directory, sealedConfig: sealedWith('k1') }, 'create', audit())
      const kinds: readonly (readonly [SealedKind, string])[] = [
        ...(['secret', 'pin'] as const).map((kind) => [kind, 'KEY01'] as const),
        ['config', 'some.key'],
        ['provider', 'sms:g'],
        ['resolver', 'away'],
      ]

      const values = kinds.map(([kind, name]) => ({ kind, name, sealed: sealedWith('k1'), after: sealedWith('k2') }))
      expect(await suite.store.resealValues(values, audit())).toBe(5)

      expect(await usesOf('k2')).toMatchObject({ secret: 1, pin: 1, config: 1, provider: 1, resolver: 1 })
    })

    it('forgets keys that seal nothing, once of fifty times', async () => {
      for (const id of ['k1', 'k2', 'k3']) await suite.store.addKey({ id, canary: 'c', createdAt: NOW })
      await token('KEY01', sealedWith('k1'), sealedWith('k1'))

      const forgotten = await times(50, () => suite.store.forgetKeys(['k3'], audit()))

      expect(forgotten.flat()).toEqual(['k2'])
      expect((await suite.store.readKeys()).map(({ id }) => id)).toEqual(['k1', 'k3'])
    })
  })

  describe('a restored database', () => {
    it('ends each open challenge once, and moves counters with each of fifty calls', async () => {
      await suite.clear('challenges', 'tokens')
      const subject = await enrolled(suite, {}, 'counter = 7')
      await challenged(suite, subject)
      const counter = async () =>
        Number((await suite.rows('SELECT counter FROM tokens WHERE serial = ?', subject.serial))[0]?.counter)
      const before = await counter()

      const told = await times(50, () => suite.store.leapAhead(10, audit('restored')))

      expect(told.reduce((sum, { challenges }) => sum + challenges, 0)).toBe(1)
      expect(told.every(({ tokens }) => tokens === 1)).toBe(true)
      expect(await counter()).toBe(before + 500)
      expect((await suite.rows('SELECT state FROM challenges')).map(({ state }) => state)).toEqual(['superseded'])
    })
  })
}
