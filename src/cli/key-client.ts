/** The part of the admin client that looks at master keys and rotates them. */
import * as v from 'valibot'
import type { Call } from './request.ts'

const Keys = v.array(
  v.object({ id: v.string(), known: v.boolean(), current: v.boolean(), uses: v.record(v.string(), v.number()) }),
)
const Slice = v.object({
  ...{ resealed: v.number(), unreadable: v.number() },
  next: v.nullable(v.object({ kind: v.string(), after: v.string() })),
})

export type KeyRecord = v.InferOutput<typeof Keys>[number]
export type Rotated = { readonly resealed: number; readonly unreadable: number; readonly keys: readonly KeyRecord[] }

export function createKeyClient(call: Call) {
  const finish = async (): Promise<readonly KeyRecord[]> =>
    v.parse(Keys, (await call('POST', '/otpost/keys/finish')).value)
  return {
    list: async (): Promise<readonly KeyRecord[]> => v.parse(Keys, (await call('GET', '/otpost/keys')).value),
    /** The database forgets keys that seal nothing: without that it asks for them at each start. @returns what is left */
    finish,
    /** @param progress is told how many values have been sealed anew */
    rotate: async (progress: (resealed: number) => void): Promise<Rotated> => {
      let from: v.InferOutput<typeof Slice>['next'] = null
      const total = { resealed: 0, unreadable: 0 }
      do {
        const slice: v.InferOutput<typeof Slice> = v.parse(
          Slice,
          (await call('POST', '/otpost/keys/rotate', { kind: from?.kind, after: from?.after })).value,
        )
        total.resealed += slice.resealed
        total.unreadable += slice.unreadable
        from = slice.next
        progress(total.resealed)
      } while (from !== null)
      return { ...total, keys: await finish() }
    },
  }
}
