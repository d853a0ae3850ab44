/**
 * Templates: finds the mail template that a provider names, in the language of whoever gets the mail.
 *
 * The database comes first, then the places that the runtime hands over, in their order. Within a place the languages are
 * tried in theirs: so a template of the operator's counts more than a shipped one in a better language. A template that
 * says it is written in a language serves those who ask for that one.
 */
import { isSameLanguage } from '../core/language.ts'
import {
  isInlineTemplate,
  type MailTemplate,
  parseMailTemplate,
  readTemplateName,
  variantName,
} from '../core/mail-template.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Edges, TemplatePlace } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'

export type FoundTemplate = { readonly place: 'database' | TemplatePlace['place']; readonly source: string }
/** `reason` goes to the audit, `rule` to whoever saves a provider. */
export type TemplateProblem = {
  readonly reason: 'template_missing' | 'template_broken' | 'template_unreadable'
  readonly rule: string
}
export type Templates = {
  /**
   * @param template as in a provider's configuration: `file://name`, or a whole message
   * @param version of the settings; what was read from the database is kept as long as it stays
   */
  readonly load: (
    template: string,
    languages: readonly string[],
    version: number,
  ) => Promise<Result<MailTemplate, TemplateProblem>>
  readonly find: (name: string, languages: readonly string[], version: number) => Promise<FoundTemplate | null>
}

/** How many parsed templates are kept, and names that were looked for: clients name languages. */
const MOST_PARSED = 64
const MOST_NAMES = 1000

export function createTemplates(store: Pick<Store, 'findTemplates'>, edges: Pick<Edges, 'templates'>): Templates {
  let known = { version: -1, sources: new Map<string, string | null>() }
  const parsed = new Map<string, ReturnType<typeof parseMailTemplate>>()

  return { load, find }

  async function load(
    template: string,
    languages: readonly string[],
    version: number,
  ): Promise<Result<MailTemplate, TemplateProblem>> {
    if (isInlineTemplate(template)) return parse(template)
    const name = readTemplateName(template)
    try {
      const found = name === null ? null : await find(name, languages, version)
      if (found) return parse(found.source)
    } catch {
      return err({ reason: 'template_unreadable', rule: 'must be a template that can be read' })
    }
    return err({ reason: 'template_missing', rule: `must name a template that is there; ${name} is not` })
  }

  async function find(name: string, languages: readonly string[], version: number): Promise<FoundTemplate | null> {
    const names = [name, ...languages.map((language) => variantName(name, language))]
    const saved = await choose(name, languages, await readDatabase(names, version))
    if (saved !== null) return { place: 'database', source: saved }
    for (const { place, read } of edges.templates ?? []) {
      const sources = await Promise.all(names.map(async (one) => [one, await read(one)] as const))
      const source = await choose(name, languages, new Map(sources))
      if (source !== null) return { place, source }
    }
    return null
  }

  async function readDatabase(names: readonly string[], version: number): Promise<ReadonlyMap<string, string | null>> {
    if (known.version !== version || known.sources.size > MOST_NAMES) known = { version, sources: new Map() }
    const { sources } = known
    const unread = names.filter((name) => !sources.has(name))
    if (unread.length > 0) {
      const found = await store.findTemplates(unread)
      for (const name of unread) sources.set(name, found.find((one) => one.name === name)?.source ?? null)
    }
    return sources
  }

  async function choose(
    name: string,
    languages: readonly string[],
    sources: ReadonlyMap<string, string | null>,
  ): Promise<string | null> {
    const plain = sources.get(name) ?? null
    const read = plain === null || languages.length === 0 ? null : await parse(plain)
    const written = read?.ok ? read.value.language : null
    for (const language of languages) {
      const variant = sources.get(variantName(name, language)) ?? null
      if (variant !== null) return variant
      if (written !== null && isSameLanguage(language, written)) return plain
    }
    return plain
  }

  async function parse(source: string): Promise<Result<MailTemplate, TemplateProblem>> {
    if (parsed.size >= MOST_PARSED) parsed.clear()
    const reading = parsed.get(source) ?? parseMailTemplate(source)
    parsed.set(source, reading)
    const read = await reading
    return read.ok ? ok(read.value) : err({ reason: 'template_broken', rule: `${read.error}, where it is a template` })
  }
}
