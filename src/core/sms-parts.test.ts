import { describe, expect, it } from 'vitest'
import { smsParts } from './sms-parts.ts'

describe('a text', () => {
  it.each<readonly [string, string, 'gsm7' | 'ucs2', number]>([
    ['of nothing', '', 'gsm7', 1],
    ['of 160 letters', 'a'.repeat(160), 'gsm7', 1],
    ['of 161 letters', 'a'.repeat(161), 'gsm7', 2],
    ['of 306 letters', 'ä'.repeat(306), 'gsm7', 2],
    ['of 307 letters', 'ä'.repeat(307), 'gsm7', 3],
    ['of 80 euro signs, two septets each', '€'.repeat(80), 'gsm7', 1],
    ['of 81 euro signs', '€'.repeat(81), 'gsm7', 2],
    ['whose euro sign does not fit into the first part', `${'a'.repeat(152)}€${'a'.repeat(152)}`, 'gsm7', 3],
    ['with a letter that is not in the alphabet', 'ç', 'ucs2', 1],
    ['of 70 such letters', 'ł'.repeat(70), 'ucs2', 1],
    ['of 71 such letters', 'ł'.repeat(71), 'ucs2', 2],
    ['of 35 emoji, two units each', '😀'.repeat(35), 'ucs2', 1],
    ['of 67 emoji: 33 in a part', '😀'.repeat(67), 'ucs2', 3],
    ['with line breaks', 'one\r\ntwo', 'gsm7', 1],
    ['with a tab', 'one\ttwo', 'ucs2', 1],
  ])('%s', (_, text, encoding, parts) => {
    const read = smsParts(text)

    expect([read.encoding, read.parts.length]).toEqual([encoding, parts])
    expect(read.parts.join('')).toBe(text)
  })

  it('is cut for UCS-2 where that is asked for', () => {
    expect(smsParts('a'.repeat(71), true)).toEqual({ encoding: 'ucs2', parts: ['a'.repeat(67), 'aaaa'] })
  })
})
