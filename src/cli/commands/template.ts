/** template: what mails look like. */
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { readInput } from '../input.ts'
import { note, print, printJson, printTable, warn } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import type { TemplatePreview } from '../template-client.ts'
import { timeText, withExamples, withJson } from './command.ts'

type PreviewOptions = {
  readonly user?: string
  readonly realm?: string
  readonly language?: string
  readonly out?: string
  readonly json?: true
}

export function registerTemplate(program: Command, platform: Platform): void {
  const template = withExamples(
    program.command('template').description('mail templates: MIME messages with placeholders like ${otp}'),
    'otpost template list',
    'otpost template preview otp.eml --out preview.html',
  )

  const put = withJson(withTarget(template.command('put').description('save a template, or replace it')))
  put.argument('<file>', 'a MIME message, or - for standard input')
  put.option('--name <name>', 'its name; that of the file unless told')
  put.addHelpText(
    'after',
    '\nA provider uses it by TEMPLATE=file://NAME. In otp.de.eml is otp.eml for those who read German.',
  )
  withExamples(put, 'otpost template put otp.eml', 'otpost template put mine.eml --name otp.de.eml')
  put.action(async (file: string, { name = basename(file), json }: { name?: string; json?: true }) => {
    if (file === '-' && name === '-') return put.error('error: --name is needed for standard input')
    const source = await readInput(file)
    const warnings = await withAdmin(platform, put, (client) => client.templates.save(name, source))
    if (json) return printJson({ name, warnings })
    for (const warning of warnings) warn(warning)
    note(`Saved template ${name}. \`otpost template preview ${name}\` shows it filled in.`)
  })

  const list = withJson(
    withTarget(template.command('list').description('show the templates, each from the place that counts')),
  )
  withExamples(list, 'otpost template list --json')
  list.action(async ({ json }: { json?: true }) => {
    const found = await withAdmin(platform, list, (client) => client.templates.list())
    if (json) return printJson(found)
    printTable(
      ['NAME', 'PLACE', 'BYTES', 'CHANGED'],
      found.map(({ name, place, bytes, changedAt }) => [
        ...[name, place, bytes === null ? '' : String(bytes)],
        changedAt === null ? '' : timeText(changedAt),
      ]),
      'There are no templates; `otpost template put FILE` saves one.',
    )
  })

  const show = withJson(withTarget(template.command('show').description('print the source of a template')))
  show.argument('<name>')
  withExamples(show, 'otpost template show otp.eml > mine.eml')
  show.action(async (name: string, { json }: { json?: true }) => {
    const found = await withAdmin(platform, show, (client) => client.templates.show(name))
    if (json) return printJson({ name, ...found })
    process.stdout.write(found.source)
  })

  const preview = withJson(withTarget(template.command('preview').description('show a template filled in')))
  preview.argument('<name>').option('--user <login>', 'with the values of this user; made-up ones unless told')
  preview.option('--realm <name>', 'where the user is').option('--language <tag>', 'as for somebody who reads this')
  preview.option('--out <file>', 'write its HTML there, for a browser; its text where it has no HTML')
  withExamples(preview, 'otpost template preview otp.eml --user ada --out preview.html')
  preview.action(async (name: string, { out, json, ...who }: PreviewOptions) => {
    const filled = await withAdmin(platform, preview, (client) => client.templates.preview({ name, ...who }))
    if (out !== undefined) await writeFile(out, fileOf(filled))
    if (json) return printJson(filled)
    for (const warning of filled.warnings) warn(warning)
    if (out !== undefined) return note(`Wrote ${out}.`)
    for (const [header, value] of headersOf(filled)) print(`${header}: ${value}`)
    print(`\n${filled.text}`)
    if (filled.html !== null) note('It has HTML too: --out FILE writes it for a browser.')
  })

  const remove = withTarget(template.command('remove').description('remove a template from the database'))
  remove.argument('<name>')
  withExamples(remove, 'otpost template remove otp.eml')
  remove.action(async (name: string) => {
    await withAdmin(platform, remove, (client) => client.templates.remove(name))
    note(`Removed template ${name}.`)
  })
}

const headersOf = ({ subject, from, replyTo, headers }: TemplatePreview): readonly (readonly [string, string])[] => {
  const mailbox = ({ name, address }: { name: string; address: string }) => `${name} <${address}>`.trim()
  return [
    ['Subject', subject],
    ...(from ? [['From', mailbox(from)] as const] : []),
    ...(replyTo ? [['Reply-To', mailbox(replyTo)] as const] : []),
    ...headers.map(({ name, value }) => [name, value] as const),
  ]
}

/** Images become part of the file, since a browser knows nothing of `cid:`. */
function fileOf({ html, text, images }: TemplatePreview): string {
  if (html === null) return `${text}\n`
  return images.reduce(
    (page, { cid, type, content }) => page.replaceAll(`cid:${cid}`, `data:${type};base64,${content}`),
    html,
  )
}
