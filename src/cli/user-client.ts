/** What commands ask of a server about users and resolvers: the part of the admin client that knows these endpoints. */
import * as v from 'valibot'
import type { TableRow } from '../core/user-table.ts'
import type { ImportReport } from '../flows/user-import.ts'
import type { Call } from './request.ts'

const Problem = v.object({ line: v.number(), field: v.string(), rule: v.string() })
const Report = v.pipe(
  v.object({
    ...{ stored: v.boolean(), dry_run: v.boolean(), rows: v.number(), added: v.number(), changed: v.number() },
    ...{ unchanged: v.number(), removed: v.number(), refused: v.array(Problem), refused_rows: v.number() },
  }),
  v.transform(({ dry_run, refused_rows, ...rest }): ImportReport => {
    return { ...rest, dryRun: dry_run, refusedRows: refused_rows }
  }),
)
const Resolvers = v.record(v.string(), v.object({ resolvername: v.string(), type: v.string() }))
const Tested = v.object({
  result: v.boolean(),
  desc: v.string(),
  user: v.optional(v.record(v.string(), v.string())),
})

type Fields = Readonly<Record<string, string>>
export type ResolverRecord = { readonly name: string; readonly type: string }
export type HowToImport = {
  readonly resolver: string
  readonly replace: boolean
  readonly dryRun: boolean
  readonly skipRefused: boolean
}

export function createUserClient(call: Call) {
  const userPath = (resolver: string, login: string) =>
    `/otpost/users/${encodeURIComponent(resolver)}/${encodeURIComponent(login)}`
  return {
    /** @returns the user id */
    add: async (resolver: string, fields: Fields) =>
      parse(v.object({ userid: v.string() }), (await call('POST', '/otpost/users', { ...fields, resolver })).value)
        .userid,
    change: async (resolver: string, login: string, fields: Fields) =>
      void (await call('POST', userPath(resolver, login), fields)),
    /** @returns how many tokens have lost their owner */
    remove: async (resolver: string, login: string) =>
      parse(v.object({ tokens: v.number() }), (await call('DELETE', userPath(resolver, login))).value).tokens,
    import: async ({ resolver, replace, dryRun, skipRefused }: HowToImport, rows: readonly TableRow[]) =>
      parse(
        Report,
        (
          await call.json('/otpost/users/import', {
            resolver,
            replace,
            dry_run: dryRun,
            skip_refused: skipRefused,
            rows,
          })
        ).value,
      ),

    resolvers: async (): Promise<readonly ResolverRecord[]> =>
      Object.values(parse(Resolvers, (await call('GET', '/system/getResolvers')).value)).map(
        ({ resolvername: name, type }) => ({ name, type }),
      ),
    /** @param replaces the resolver is there already */
    saveResolver: async (name: string, type: string, config: Fields, replaces: boolean) =>
      void (await call('POST', '/system/setResolver', {
        ...{ ...config, name, type },
        previous_name: replaces ? name : undefined,
      })),
    /** Secrets are masked by the server. */
    resolver: async (name: string) =>
      parse(
        v.object({ type: v.nullable(v.string()), data: v.record(v.string(), v.string()) }),
        (await call('GET', '/system/getResolver', { resolver: name })).value,
      ),
    /** @returns false when there is none with this name */
    removeResolver: async (resolver: string) =>
      (await call('POST', '/system/delResolver', { resolver })).value === true,
    testResolver: async (name: string, user?: string) => {
      const {
        result,
        desc,
        user: found,
      } = parse(Tested, (await call('POST', '/system/testResolver', { name, user })).value)
      return { works: result, description: desc, user: found ?? null }
    },
  }
}

function parse<S extends v.GenericSchema<unknown, unknown>>(schema: S, given: unknown): v.InferOutput<S> {
  const read = v.safeParse(schema, given)
  if (read.success) return read.output
  throw new Error("the server's answer cannot be read: is it another version of otpost?")
}
