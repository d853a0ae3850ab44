/** Frames of LDAP: messages come through whole however they are cut, and nothing that comes through holds ldapts up. */
import { MessageParser } from 'ldapts'
import { describe, expect, it } from 'vitest'
import { createFrames, readAnswer } from '../../src/adapters/users/ldap-frames.ts'
import { ber, bound, done, entry, extended, operation, reference } from '../support/ldap-server.ts'
import { randomFrom } from '../support/random-configs.ts'

const paged = operation(
  ber(0x65, ber(0x0a, 0), ber(0x04), ber(0x04)),
  ber(
    0xa0,
    ber(0x30, ber(0x04, '1.2.840.113556.1.4.319'), ber(0x01, 0), ber(0x04, ber(0x30, ber(0x02, 0), ber(0x04, 'x')))),
  ),
)
const MESSAGES = [
  bound(),
  done(4),
  extended(2),
  paged,
  reference('ldap://x/dc=y'),
  entry('uid=ada', { uid: ['ada'], mail: ['a'.repeat(300), 'b'], empty: [] }),
].map((say) => say(7))
const random = randomFrom('ldap frames')
const below = (limit: number) => Math.floor(random() * limit)

describe('frames', () => {
  it('are found however the bytes are cut', () => {
    const all = Buffer.concat(MESSAGES)
    for (let round = 0; round < 300; round += 1) {
      const frames = createFrames()
      const found: Buffer[] = []
      for (let at = 0; at < all.length; ) {
        const next = at + 1 + below(round < 100 ? 3 : 200)
        found.push(...(frames(all.subarray(at, next)) ?? [Buffer.from('refused')]))
        at = next
      }
      expect(found).toEqual(MESSAGES)
    }
  })

  it('that are altered are refused, or read to an end', () => {
    let passed = 0
    for (let round = 0; round < 30_000; round += 1) {
      const altered = Buffer.from(MESSAGES[round % MESSAGES.length] ?? [])
      for (let change = 0; change <= below(3); change += 1) altered[below(altered.length)] = below(256)
      for (const message of createFrames()(altered) ?? []) {
        passed += 1
        const parser = new MessageParser()
        parser.on('error', () => undefined)
        parser.read(message, new Map())
      }
    }
    expect(passed).toBeGreaterThan(1000)
  })

  it('that are noise never throw', () => {
    for (let round = 0; round < 5000; round += 1) {
      const frames = createFrames()
      for (let chunk = 0; chunk < 3; chunk += 1)
        frames(Buffer.from(Array.from({ length: below(40) }, () => below(256))))
    }
  })
})

it.each([
  [bound(49), { tag: 0x61, result: 49 }],
  [extended(), { tag: 0x78, result: 0 }],
  [reference('x'), { tag: 0x73, result: null }],
])('an answer says its kind and its result', (say, answer) => expect(readAnswer(say(1))).toEqual(answer))
