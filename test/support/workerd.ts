/** A Worker of a test: one entry point, bundled, in workerd. */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Miniflare } from 'miniflare'

/** @param trusted file of an authority beside the public ones; Miniflare reads it when it is loaded, which is here */
export async function startWorker(entry: URL, trusted?: string): Promise<Miniflare> {
  if (trusted !== undefined) process.env.NODE_EXTRA_CA_CERTS = trusted
  const { convertV4MiniflareOptions, Miniflare } = await import('miniflare')
  const bundle = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    // What nodejs_compat has.
    external: ['node:*', 'crypto'],
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: bundle.outputFiles[0]?.text ?? '',
      compatibilityDate: '2026-11-01',
      compatibilityFlags: ['nodejs_compat'],
      // workerd writes a stack trace for each certificate that it refuses
      handleStructuredLogs: () => undefined,
    }),
  )
}
