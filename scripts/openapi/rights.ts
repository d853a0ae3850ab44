/** Rights in words, from the tables of the dialects: nothing about them is written down twice. */

import type { Needed } from '../../src/core/policy/reach.ts'
import { adminActions } from '../../src/core/policy/rights.ts'
import { tokenTypes } from '../../src/core/tokens/index.ts'
import type { NeededBy } from '../../src/http/middleware/entitled.ts'

/** Calls are asked about with each of their parameters, since some need another right with one of them. */
export function rightsText(call: string, parameters: Readonly<Record<string, string>>, neededBy: NeededBy): string {
  const ask = (...given: readonly (readonly [string, string])[]): Needed => {
    const needed = neededBy(call, new Map(given))
    if (!needed) throw new Error(`no right is declared for ${call}`)
    return needed
  }
  const usual = ask()
  const others = Object.keys(parameters).flatMap((written) => {
    const name = written.replace(/!$/, '')
    const values = name === 'type' ? tokenTypes.map((type) => type.name) : ['1']
    return values.flatMap((given) => {
      const needed = ask([name, given])
      const when = name === 'type' ? `${name}=${given}` : name
      return inWords(needed) === inWords(usual) ? [] : [`with \`${when}\` ${inWords(needed)}`]
    })
  })
  const parts = [...(isKnown(usual) ? [inWords(usual)] : []), ...others]
  const whole = usual.flat().some((right) => right.whole)
  return `Right: ${parts.join('; ')}.${whole ? ' Not with an API token that is bound to scopes or realms.' : ''}`
}

/** Without its type, enrolment asks for a type that there is not. */
const isKnown = (needed: Needed): boolean =>
  needed.flat().every(({ scope, action }) => scope !== 'admin' || action === null || adminActions.includes(action))

function inWords(needed: Needed): string {
  if (needed.length === 0) return 'none but to be an administrator'
  const one = (rights: Needed[number]) =>
    rights.map(({ scope, action }) => (action === null ? `any of ${scope}` : `${scope}/${action}`)).join(' or ')
  return needed.map(one).join(' and ')
}
