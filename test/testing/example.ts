/** The vitest example of the README. */
import { readFile } from 'node:fs/promises'

/** A heading that names `otpost/testing`, and the first TypeScript block after it. */
const EXAMPLE = /^#+ .*otpost\/testing.*$[\s\S]*?^```ts\n([\s\S]*?)^```$/m

/** @throws when the README has none */
export async function readExample(): Promise<string> {
  const text = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const found = EXAMPLE.exec(text)?.[1]
  if (found === undefined) throw new Error('README.md has no TypeScript example under a heading with otpost/testing')
  return found
}
