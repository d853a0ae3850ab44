/** Contract of `noteDelivery`: what became of the message is written once, and opens nothing again. */
import { describe, expect, it } from 'vitest'
import { challenged, challengeOf, enrolled, NOW, type Suite, times } from './store-fixture.ts'

export function deliveryTests(suite: Suite): void {
  describe('noteDelivery', () => notes(suite))
}

function notes(suite: Suite): void {
  const pending = async () => {
    const token = await enrolled(suite)
    return challenged(suite, token, { set: "delivery = 'pending'" })
  }
  const note = (challenge: { readonly id: number; readonly serial: string }, delivered: boolean, requestId = '') => ({
    requestId: requestId || suite.next('note-'),
    challengeId: challenge.id,
    serial: challenge.serial,
    at: NOW + 1,
    delivered,
    message: delivered ? 'e-mail sent' : 'not sent',
    expiresAt: NOW + 77,
    tries: [
      { provider: 'first', status: 'unavailable', reason: 'http_503' },
      { provider: 'second', status: delivered ? 'accepted' : 'refused', reason: '' },
    ],
  })

  it.each([
    [true, 'delivered', 'e-mail sent'],
    [false, 'undelivered', 'not sent'],
  ])('writes what became of the message, delivered: %s', async (delivered, delivery, message) => {
    const challenge = await pending()
    const requestId = suite.next('note-')

    await suite.store.noteDelivery(note(challenge, delivered, requestId))

    expect(await challengeOf(suite, challenge.id)).toEqual({ ...challenge, delivery, message, expiresAt: NOW + 77 })
    const tries = await suite.rows(
      'SELECT serial, provider, status, reason, at FROM deliveries WHERE request_id = ? ORDER BY id',
      requestId,
    )
    const { serial } = challenge
    expect(tries).toEqual([
      { serial, provider: 'first', status: 'unavailable', reason: 'http_503', at: NOW + 1 },
      { serial, provider: 'second', status: delivered ? 'accepted' : 'refused', reason: '', at: NOW + 1 },
    ])
  })

  it('tells the state of a delivery, and of a challenge that is gone that nobody took its message', async () => {
    const challenge = await pending()
    const before = await suite.store.deliveryState(challenge.id)
    await suite.store.noteDelivery(note(challenge, true))

    const after = await suite.store.deliveryState(challenge.id)

    expect([before, after, await suite.store.deliveryState(-1)]).toEqual(['pending', 'delivered', 'undelivered'])
  })

  it('keeps the first note of a challenge', async () => {
    const challenge = await pending()
    await suite.store.noteDelivery(note(challenge, true))

    await suite.store.noteDelivery({ ...note(challenge, false), message: 'late' })

    expect(await challengeOf(suite, challenge.id)).toMatchObject({ delivery: 'delivered', message: 'e-mail sent' })
  })

  it('settles fifty notes at once on one of them as a whole', async () => {
    const challenge = await pending()

    await times(50, (n) => suite.store.noteDelivery(note(challenge, n % 2 === 0)))

    const { delivery, message } = await challengeOf(suite, challenge.id)
    expect([
      ['delivered', 'e-mail sent'],
      ['undelivered', 'not sent'],
    ]).toContainEqual([delivery, message])
  })

  it('does not open an answered challenge again when the note comes late', async () => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token, { set: "state = 'accepted'" })

    await suite.store.noteDelivery(note(challenge, true))

    expect((await challengeOf(suite, challenge.id)).state).toBe('accepted')
  })
}
