import { describe, expect, it } from 'vitest'
import { readActions, type WrittenActions, writeActions } from './text.ts'

const read = (text: string): Record<string, string | boolean> | string => {
  const actions = readActions(text)
  return actions.ok ? Object.fromEntries(actions.value) : actions.error
}

describe('readActions', () => {
  it.each<readonly [string, Record<string, string | boolean>]>([
    ['passthru', { passthru: true }],
    ['!passthru', { passthru: false }],
    [' passthru , autosms ', { passthru: true, autosms: true }],
    ['emailtext=a <otp>', { emailtext: 'a <otp>' }],
    ['emailtext=', { emailtext: '' }],
    ['emailtext=a,', { emailtext: 'a' }],
    ['emailtext=x emailsubject=y', { emailtext: 'x emailsubject=y' }],
    [
      "emailtext='Dear user, <otp>', emailsubject=\"It's here\"",
      { emailtext: 'Dear user, <otp>', emailsubject: "It's here" },
    ],
    ["emailtext=don't panic, passthru", { emailtext: "don't panic", passthru: true }], // an apostrophe inside a text is one
    ['url=a=b', { url: 'a=b' }],
    ['autosms=false, passthru=FALSE', { autosms: false, passthru: false }],
    ["emailtext='false'", { emailtext: 'false' }],
    ['autosms, autosms', { autosms: true }],
    ['', {}],
  ])('reads %s', (text, actions) => expect(read(text)).toEqual(actions))

  it.each([
    ["emailtext='unclosed", /not closed/],
    ['=x', /no name/],
    ['a=1, a=2', /twice/],
  ])('refuses %s', (text, reason) => expect(read(text)).toMatch(reason))
})

describe('writeActions', () => {
  it('writes what is read back the same, for thousands of random actions', () => {
    const random = generator(7)
    for (let round = 0; round < 5000; round++) {
      const actions: WrittenActions = new Map(
        Array.from({ length: 1 + random(4) }, (_, n) => [
          `name${n}`,
          random(3) === 0 ? random(2) === 0 : randomText(random),
        ]),
      )
      expect(Object.fromEntries(actions)).toEqual(read(writeActions(actions)))
    }
  })
})

/** Texts with separators and one kind of quote: a text with both has no notation in this grammar. */
function randomText(random: (below: number) => number): string {
  const letters = [...'ab =,<>$!', random(2) === 0 ? "'" : '"']
  return Array.from({ length: random(12) }, () => letters[random(letters.length)]).join('')
}

/** A small linear congruential generator, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}
