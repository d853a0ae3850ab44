/** Conditions at random, of pieces that mean something to some database or other. */
import type { RandomNumber } from './random-configs.ts'

const PIECES = [
  ...[
    "'",
    "''",
    '"',
    '`',
    '[',
    ']',
    '(',
    ')',
    ' OR ',
    ' AND ',
    '1=1',
    '1 = 2',
    'id',
    'login',
    "'x'",
    "E'",
    "U&'",
    "x'41'",
  ],
  ...[
    '--',
    '/*',
    '*/',
    '#',
    ';',
    '\\',
    '$$',
    '$1',
    '?',
    ':a',
    ' ',
    '\n',
    ' NOT ',
    ' IS NULL',
    'ä',
    '=',
    '<>',
    ' UNION SELECT 1,2',
  ],
]

export const aCondition = (random: RandomNumber): string =>
  Array.from({ length: 1 + Math.floor(random() * 9) }, () => PIECES[Math.floor(random() * PIECES.length)]).join('')
