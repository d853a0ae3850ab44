/**
 * Administration of mail templates: save, list, show, preview, remove. What cannot be parsed is refused when it is saved;
 * what only looks wrong is told as a warning.
 */
import type { AdminFailure } from '../core/failures.ts'
import { preferredLanguages } from '../core/language.ts'
import {
  fillMailTemplate,
  isTemplateName,
  mailValues,
  parseMailTemplate,
  TEMPLATE_NAME,
  templateWarnings,
} from '../core/mail-template.ts'
import { err, ok, type Result } from '../core/result.ts'
import { mailDate } from '../core/time.ts'
import type { Edges } from '../ports/edges.ts'
import type { Message } from '../ports/provider.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Directories } from './directories.ts'
import type { Facts } from './facts.ts'
import { assemble } from './message.ts'
import type { SettingsCache } from './settings.ts'
import type { FoundTemplate, Templates } from './templates.ts'
import { findUser } from './users.ts'

export type ListedTemplate = {
  readonly name: string
  readonly place: FoundTemplate['place']
  /** Of those in the database. */
  readonly bytes: number | null
  readonly changedAt: number | null
}
export type PreviewQuestion = {
  readonly name: string
  /** Whose values are filled in; empty: those of nobody in particular. */
  readonly user: string
  readonly realm: string
  /** Wins over the user's own. */
  readonly language: string
}
export type Preview = Omit<Message, 'id' | 'to'> & { readonly place: string; readonly warnings: readonly string[] }

export type TemplateAdmin = {
  /** @returns warnings */
  readonly save: (name: string, source: string, facts: Facts) => Promise<Result<readonly string[], AdminFailure>>
  /** Each name once, from the first place that has it. */
  readonly list: (facts: Facts) => Promise<readonly ListedTemplate[]>
  readonly show: (name: string, facts: Facts) => Promise<Result<FoundTemplate, AdminFailure>>
  readonly preview: (question: PreviewQuestion, facts: Facts) => Promise<Result<Preview, AdminFailure>>
  readonly remove: (name: string, facts: Facts) => Promise<Result<'done', AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly directories: Directories
  readonly templates: Templates
}

/** What users of a passwd resolver have. */
const ATTRIBUTES = {
  username: 'ada',
  userid: '1001',
  givenname: 'Ada',
  surname: 'Lovelace',
  email: 'ada@example.org',
  phone: '+49 30 1234567',
  mobile: '+49 170 1234567',
  description: 'Ada Lovelace',
  gender: '',
  language: '',
  preferredLanguage: '',
}
const SAMPLE = { otp: '418276', serial: 'LSEM00012345', transactionid: '75439840127586312', minutes: '2' }

export function createTemplateAdmin({
  store,
  edges,
  audit,
  settings: cache,
  directories,
  templates,
}: Parts): TemplateAdmin {
  return { save, list, show, preview, remove }

  async function save(name: string, source: string, facts: Facts): Promise<Result<readonly string[], AdminFailure>> {
    if (!isTemplateName(name)) return err(badName)
    const read = await parseMailTemplate(source)
    if (!read.ok) return err({ code: 'parameter_invalid', field: 'source', rule: read.error })
    await store.saveTemplate(
      { name, source, changedAt: facts.now },
      await audit.row(facts, { success: true, info: name }),
    )
    return ok(templateWarnings(read.value, Object.keys(ATTRIBUTES)))
  }

  async function list(facts: Facts): Promise<readonly ListedTemplate[]> {
    const saved = (await store.listTemplates()).map((one) => ({ ...one, place: 'database' as const }))
    const places = await Promise.all(
      (edges.templates ?? []).map(async ({ place, names }) =>
        (await names()).map((name) => ({ name, place, bytes: null, changedAt: null })),
      ),
    )
    await audit.write(facts, { success: true })
    const all: readonly ListedTemplate[] = [...saved, ...places.flat()]
    return all
      .filter(({ name }, n) => all.findIndex((other) => other.name === name) === n)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async function show(name: string, facts: Facts): Promise<Result<FoundTemplate, AdminFailure>> {
    const found = await find(name, [])
    if (found.ok) await audit.write(facts, { success: true, info: name })
    return found
  }

  async function find(name: string, languages: readonly string[]): Promise<Result<FoundTemplate, AdminFailure>> {
    if (!isTemplateName(name)) return err(badName)
    const found = await templates.find(name, languages, (await cache.fresh()).version)
    return found ? ok(found) : err({ code: 'template_unknown', name })
  }

  async function preview(question: PreviewQuestion, facts: Facts): Promise<Result<Preview, AdminFailure>> {
    const { name, user: login, realm, language } = question
    const user =
      login === ''
        ? null
        : await findUser({ store, directories: directories.askedBy(facts) }, await cache.fresh(), {
            user: login,
            realm,
          })
    if (user?.ok === false) return user
    const attributes = user?.value.attributes ?? ATTRIBUTES
    const found = await find(name, preferredLanguages({ decided: language, attributes, accepted: '' }))
    if (!found.ok) return found
    const read = await parseMailTemplate(found.value.source)
    if (!read.ok) return err({ code: 'parameter_invalid', field: name, rule: read.error })
    const subject = 'Your OTP'
    const values = mailValues(attributes, {
      ...SAMPLE,
      Subject: subject,
      From: 'otp@example.org',
      To: attributes.email || ATTRIBUTES.email,
      Date: mailDate(facts.now),
    })
    await audit.write(facts, { success: true, info: name })
    return ok({
      ...assemble(read.value, fillMailTemplate(read.value, values), { subject, text: SAMPLE.otp }),
      place: found.value.place,
      warnings: templateWarnings(read.value, [...Object.keys(ATTRIBUTES), ...Object.keys(attributes)]),
    })
  }

  async function remove(name: string, facts: Facts): Promise<Result<'done', AdminFailure>> {
    const done = await store.deleteTemplate(name, await audit.row(facts, { success: true, info: name }))
    return done === 'done' ? ok(done) : err({ code: 'template_unknown', name })
  }
}

const badName: AdminFailure = { code: 'parameter_invalid', field: 'name', rule: `must be ${TEMPLATE_NAME}` }
