/** /otpost/templates: mail templates, for the command line. A name may hold `/`, so it is a parameter. */
import { Hono } from 'hono'
import { ok } from '../../core/result.ts'
import type { Preview, TemplateAdmin } from '../../flows/template-admin.ts'
import type { Json } from '../dialects/linotp/envelope.ts'
import type { Env } from '../env.ts'
import { param } from '../params.ts'
import { page, type Respond, required } from '../reply.ts'

export function templateRoutes({ templates }: { readonly templates: TemplateAdmin }, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.get('/', async (c) => respond(c, ok(await templates.list(c.get('facts'))), (found) => ({ value: found })))
  routes.post('/', async (c) => {
    const named = required(c.get('params'), 'name', 'source')
    const saved = named.ok ? await templates.save(named.value.name, named.value.source, c.get('facts')) : named
    return respond(c, saved, (warnings) => ({ value: { warnings } }))
  })
  routes.delete('/', async (c) => {
    const named = required(c.get('params'), 'name')
    const removed = named.ok ? await templates.remove(named.value.name, c.get('facts')) : named
    return respond(c, removed, () => ({ value: true }))
  })
  routes.get('/source', async (c) => {
    const named = required(c.get('params'), 'name')
    const found = named.ok ? await templates.show(named.value.name, c.get('facts')) : named
    return respond(c, found, (value) => ({ value }))
  })
  routes.get('/preview', async (c) => {
    const params = c.get('params')
    const named = required(params, 'name')
    const asked = (name: string) => param(params, name) ?? ''
    const filled = named.ok
      ? await templates.preview(
          { ...named.value, user: asked('user'), realm: asked('realm'), language: asked('language') },
          c.get('facts'),
        )
      : named
    return respond(c, filled, (preview) => ({ value: toJson(preview) }))
  })
  for (const path of ['/', '/source', '/preview']) routes.all(path, (c) => page(c, 405))
  return routes
}

const toJson = ({ subject, text, html, from, replyTo, headers = [], images = [], place, warnings }: Preview): Json => ({
  ...{ subject, text, html: html ?? null, from: from ?? null, replyTo: replyTo ?? null },
  ...{ headers, images, place, warnings },
})
