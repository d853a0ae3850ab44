/** Contract of the mail templates: whole texts, one line in the audit and one move of the version per change. */
import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_TEMPLATE_BYTES } from '../../src/core/mail-template.ts'
import { auditRow, auditsOf, countOf, NOW, type Suite, times, versionMoves } from './store-fixture.ts'

export function templateTests(suite: Suite): void {
  const save = (name: string, source: string, requestId = suite.next('template-')) =>
    suite.store.saveTemplate({ name, source, changedAt: NOW }, auditRow(requestId, 'saved'))
  const sources = async (...names: readonly string[]) =>
    Object.fromEntries((await suite.store.findTemplates(names)).map(({ name, source }) => [name, source]))

  describe('templates', () => {
    beforeEach(async () => {
      await suite.clear('templates')
    })

    it('keeps a template as it was written, and replaces it', async () => {
      const odd = 'Subject: Größe 🔑\r\n\r\n${otp} \'"; DROP TABLE templates; --\n\ttab'
      await save('otp.eml', 'before')
      await save('a/b.eml', odd)
      await save('otp.eml', odd)

      expect(await sources('otp.eml', 'a/b.eml', 'none.eml')).toEqual({ 'otp.eml': odd, 'a/b.eml': odd })
      const bytes = new TextEncoder().encode(odd).length
      expect(await suite.store.listTemplates()).toEqual([
        { name: 'a/b.eml', bytes, changedAt: NOW },
        { name: 'otp.eml', bytes, changedAt: NOW },
      ])
    })

    it('keeps the largest one', async () => {
      const largest = 'x'.repeat(MAX_TEMPLATE_BYTES)
      await save('large.eml', largest)

      expect((await sources('large.eml'))['large.eml'] === largest).toBe(true)
    })

    it('finds nothing for no names', async () => {
      await save('otp.eml', 'x')

      expect(await suite.store.findTemplates([])).toEqual([])
    })

    it('takes fifty that are saved at once, each as a whole, and keeps one', async () => {
      const ids = Array.from({ length: 50 }, () => suite.next('template-'))

      const moves = await versionMoves(suite, () => times(50, (n) => save('otp.eml', `${n}`.repeat(1000), ids[n])))

      expect(moves).toBe(50)
      expect((await sources('otp.eml'))['otp.eml']).toMatch(/^(\d{1,2})\1{999}$/)
      expect(await auditsOf(suite, ids)).toEqual(ids.map(() => ['saved']))
    })

    it('is removed by one of fifty requests', async () => {
      await save('otp.eml', 'x')
      await save('other.eml', 'y')
      const ids = Array.from({ length: 50 }, () => suite.next('template-'))
      let outcomes: readonly string[] = []

      const moves = await versionMoves(suite, async () => {
        outcomes = await times(50, (n) => suite.store.deleteTemplate('otp.eml', auditRow(ids[n] ?? '', 'removed')))
      })

      expect([countOf(outcomes, 'done'), countOf(outcomes, 'unknown'), moves]).toEqual([1, 49, 1])
      expect(await sources('otp.eml', 'other.eml')).toEqual({ 'other.eml': 'y' })
      expect(await auditsOf(suite, ids)).toEqual(outcomes.map((outcome) => (outcome === 'done' ? ['removed'] : [])))
    })
  })
}
