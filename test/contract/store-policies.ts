/** Contract of the policies: they are changed on the version of the settings that the change was judged by. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { PolicyRecord } from '../../src/core/policy/policy.ts'
import { auditOf, auditRow, auditsOf, countOf, type Suite, times, versionMoves } from './store-fixture.ts'

export const aPolicy = (name: string, over: Partial<PolicyRecord> = {}): PolicyRecord => ({
  name,
  scope: 'authentication',
  action: 'otppin=1',
  realm: '*',
  user: '*',
  client: '*',
  time: '',
  active: true,
  ...over,
})

export function policyTests(suite: Suite): void {
  const version = async () => (await suite.store.settings()).version
  const records = async () => (await suite.store.settings()).policies.map(({ record }) => record)
  const save = async (...policies: readonly PolicyRecord[]) =>
    suite.store.savePolicies(policies, await version(), auditRow(suite.next('policy-')))

  describe('savePolicies and deletePolicies', () => {
    beforeEach(async () => {
      await suite.clear('policies')
    })

    it('keeps policies as written, in the order in which they were first saved', async () => {
      const odd = aPolicy('zeta', { user: "o'neil, *@lab", client: '10.0.0.0/8', active: false })
      await save(odd, aPolicy('alpha'))
      await save(aPolicy('mid'))

      const outcome = await save(aPolicy('alpha', { action: 'otppin=2' }), aPolicy('last'))

      expect(outcome).toBe('done')
      const alpha = aPolicy('alpha', { action: 'otppin=2' })
      expect(await records()).toEqual([odd, alpha, aPolicy('mid'), aPolicy('last')])
    })

    it('saves the policies of one of fifty requests that saw the same version, all of them or none', async () => {
      const seen = await version()
      const ids = Array.from({ length: 50 }, () => suite.next('policy-'))

      const outcomes = await times(50, (n) => {
        const policies = ['a', 'b'].map((name) => aPolicy(name, { realm: `realm${n}` }))
        return suite.store.savePolicies(policies, seen, auditRow(ids[n] ?? '', 'saved'))
      })

      expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
      const winner = outcomes.indexOf('done')
      expect((await records()).map(({ realm }) => realm)).toEqual([`realm${winner}`, `realm${winner}`])
      expect(await version()).toBe(seen + 1)
      expect(await auditsOf(suite, ids)).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['saved'] : [])))
    })

    it('deletes for one of fifty requests that saw the same version', async () => {
      await save(aPolicy('a'), aPolicy('b'), aPolicy('c'))
      const seen = await version()

      const outcomes = await times(50, () =>
        suite.store.deletePolicies(['a', 'c', 'nothing'], seen, auditRow(suite.next('policy-'))),
      )

      expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
      expect((await records()).map(({ name }) => name)).toEqual(['b'])
    })

    it('changes nothing when any other setting has moved since it was judged', async () => {
      await save(aPolicy('a'))
      const seen = await version()
      await suite.store.setConfig(
        [{ key: 'k', value: 'v', type: '', description: '' }],
        auditRow(suite.next('config-')),
      )
      const id = suite.next('policy-')

      const moves = await versionMoves(suite, async () => {
        expect(await suite.store.savePolicies([aPolicy('b')], seen, auditRow(id))).toBe('lost')
        expect(await suite.store.deletePolicies(['a'], seen, auditRow(id))).toBe('lost')
      })

      expect(moves).toBe(0)
      expect((await records()).map(({ name }) => name)).toEqual(['a'])
      expect(await auditOf(suite, id)).toEqual([])
    })

    it('reads past a policy that nobody can compile', async () => {
      await save(aPolicy('good'), aPolicy('bad', { client: '999.0.0.1/99' }))

      expect((await records()).map(({ name }) => name)).toEqual(['good'])
    })
  })
}
