/** Contract of claims: who was first under a key, and what that request was told. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  acceptCommand,
  challenged,
  enrolled,
  NOW,
  openCommand,
  type Suite,
  times,
  wrongAnswer,
} from './store-fixture.ts'

export function claimTests(suite: Suite): void {
  const claim = (key: string, requestId: string, now = NOW) => suite.store.claim({ key, requestId, now })

  describe('claims', () => {
    beforeEach(() => suite.clear('claims'))

    it('tells all of fifty at once the same first request, which is one of them', async () => {
      const firsts = await times(50, (n) => claim('key', `request-${n}`))

      expect(new Set(firsts).size).toBe(1)
      expect(firsts[0]).toMatch(/^request-\d+$/)
      expect(await claim('other', 'late')).toBe('late')
    })

    it('knows no verdict of a request that has no row in the audit', async () => {
      expect(await suite.store.verdictOf('nothing', NOW)).toBeNull()
    })

    it('knows which token a request was accepted for, while its challenge would be valid', async () => {
      const token = await enrolled(suite)
      const challenge = await challenged(suite, token)
      const command = acceptCommand(suite, { token, challenge })
      await suite.store.accept(command)

      const verdict = await suite.store.verdictOf(command.requestId, challenge.expiresAt - 1)
      expect(verdict).toMatchObject({ actionDetail: 'done', acceptedSerial: token.serial, opened: [] })
      const later = await suite.store.verdictOf(command.requestId, challenge.expiresAt)
      expect(later?.acceptedSerial).toBeNull()
    })

    it('gives one of fifty equal right answers the token, the others none', async () => {
      const token = await enrolled(suite)
      const challenge = await challenged(suite, token)
      const commands = Array.from({ length: 50 }, () => acceptCommand(suite, { token, challenge }))
      await Promise.all(commands.map((command) => suite.store.accept(command)))

      const serials = await Promise.all(
        commands.map(async ({ requestId }) => (await suite.store.verdictOf(requestId, NOW))?.acceptedSerial ?? null),
      )

      expect(serials.filter((serial) => serial === token.serial)).toHaveLength(1)
    })

    it('knows the challenges that a request opened, until they are answered or dead', async () => {
      const token = await enrolled(suite)
      const command = openCommand(suite, [token])
      const [challenge] = (await suite.store.open(command)).opened
      const verdict = async (now = NOW) => (await suite.store.verdictOf(command.requestId, now))?.opened ?? []

      expect((await verdict()).map((one) => [one.challenge.id, one.token.serial])).toEqual([
        [challenge?.id, token.serial],
      ])
      expect(await verdict(NOW + 600)).toEqual([])
      await suite.rows("UPDATE challenges SET delivery = 'undelivered' WHERE id = ?", challenge?.id ?? 0)
      expect(await verdict()).toEqual([])
    })

    it('knows that an answer was wrong', async () => {
      const token = await enrolled(suite)
      await wrongAnswer(suite, { token, challenge: await challenged(suite, token) })
      const [row] = await suite.rows('SELECT request_id FROM audit ORDER BY number DESC LIMIT 1')

      expect(await suite.store.verdictOf(String(row?.request_id), NOW)).toEqual({
        ...{ success: false, actionDetail: 'otp_wrong', acceptedSerial: null, opened: [] },
      })
    })

    it('is swept after a day', async () => {
      await claim('old', 'first', NOW - 86_401)
      await suite.store.sweep(NOW)

      expect(await claim('old', 'second')).toBe('second')
    })
  })
}
