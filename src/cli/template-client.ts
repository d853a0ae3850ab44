/** The part of the admin client that keeps mail templates (http/routes/templates.ts). */
import * as v from 'valibot'
import type { Call } from './request.ts'

const Listed = v.array(
  v.object({
    ...{ name: v.string(), place: v.string() },
    ...{ bytes: v.nullable(v.number()), changedAt: v.nullable(v.number()) },
  }),
)
const Found = v.object({ place: v.string(), source: v.string() })
const Person = v.nullable(v.object({ name: v.string(), address: v.string() }))
const Preview = v.object({
  ...{ subject: v.string(), text: v.string(), html: v.nullable(v.string()), from: Person, replyTo: Person },
  headers: v.array(v.object({ name: v.string(), value: v.string() })),
  images: v.array(v.object({ cid: v.string(), type: v.string(), name: v.string(), content: v.string() })),
  ...{ place: v.string(), warnings: v.array(v.string()) },
})

export type TemplatePreview = v.InferOutput<typeof Preview>

const PATH = '/otpost/templates'

export function createTemplateClient(call: Call) {
  return {
    list: async () => parse(Listed, (await call('GET', PATH)).value),
    /** @returns warnings */
    save: async (name: string, source: string) =>
      parse(v.object({ warnings: v.array(v.string()) }), (await call('POST', PATH, { name, source })).value).warnings,
    show: async (name: string) => parse(Found, (await call('GET', `${PATH}/source`, { name })).value),
    preview: async (question: {
      readonly name: string
      readonly user?: string | undefined
      readonly realm?: string | undefined
      readonly language?: string | undefined
    }) => parse(Preview, (await call('GET', `${PATH}/preview`, question)).value),
    remove: async (name: string) => void (await call('DELETE', PATH, { name })),
  }
}

function parse<S extends v.GenericSchema>(schema: S, given: unknown): v.InferOutput<S> {
  const read = v.safeParse(schema, given)
  if (read.success) return read.output
  throw new Error("the server's answer cannot be read: is it another version of otpost?")
}
