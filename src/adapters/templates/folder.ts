/**
 * Templates in a folder of this machine. No name leaves it: names are checked before they come here, and the path that
 * links really lead to must lie inside the folder, compared component by component (contract 12.2 #18).
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { isTemplateName, MAX_TEMPLATE_BYTES } from '../../core/mail-template.ts'
import type { TemplatePlace } from '../../ports/edges.ts'

const MOST_NAMES = 1000

export function templateFolder(place: TemplatePlace['place'], folder: string): TemplatePlace {
  return { place, read, names }

  async function read(name: string): Promise<string | null> {
    if (!isTemplateName(name)) return null
    const root = await realpath(folder).catch(missing)
    const path = root === null ? null : await realpath(join(root, name)).catch(missing)
    if (root === null || path === null || !isInside(root, path)) return null
    const { size } = await stat(path).then(
      (found) => (found.isFile() ? found : { size: Number.POSITIVE_INFINITY }),
      () => ({ size: Number.POSITIVE_INFINITY }),
    )
    // A pipe or a device would be read for ever.
    return size > MAX_TEMPLATE_BYTES ? null : readFile(path, 'utf8')
  }

  async function names(): Promise<readonly string[]> {
    const entries = await readdir(folder, { recursive: true }).catch(() => [])
    const found = entries.map((name) => name.split(sep).join('/')).filter((name) => /\.eml$/.test(name))
    return found.filter(isTemplateName).sort().slice(0, MOST_NAMES)
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '' && !isAbsolute(way) && way.split(sep)[0] !== '..'
}

/** A link into nowhere, or around in a circle, leads to no template either. */
function missing(error: unknown): null {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(String(code))) return null
  throw error
}
