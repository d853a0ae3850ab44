/** TLS of a server: certificate and key as files, looked at again when they change (a renewed certificate needs no restart). */
import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Log } from '../ports/edges.ts'
import type { TlsSource } from './platform.ts'

const WATCH_MS = 1000

/** @throws with one sentence for the operator when the files are not a certificate and its key */
export async function openTls(files: { readonly cert: string; readonly key: string }, log: Log): Promise<TlsSource> {
  const first = await read(files)
  return {
    first,
    watch: (use) => {
      const reload = async () => {
        try {
          const changed = await read(files)
          use(changed)
          log.info('certificate_changed', { file: files.cert })
        } catch (error) {
          // Both files are rarely written in one moment; the old certificate serves until they fit.
          log.warn('certificate_unusable', { file: files.cert, error: error instanceof Error ? error.message : '' })
        }
      }
      const listener = () => void reload()
      for (const file of Object.values(files)) watchFile(file, { interval: WATCH_MS, persistent: false }, listener)
      return () => {
        for (const file of Object.values(files)) unwatchFile(file, listener)
      }
    },
  }
}

async function read({ cert, key }: { readonly cert: string; readonly key: string }) {
  const [certificate, privateKey] = await Promise.all([text('--tls-cert', cert), text('--tls-key', key)])
  try {
    createSecureContext({ cert: certificate, key: privateKey })
  } catch (cause) {
    throw new Error(`${cert} and ${key} are not a certificate (PEM, its chain behind it) and its key`, { cause })
  }
  return { cert: certificate, key: privateKey }
}

async function text(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new Error(`${option}: ${path} cannot be read`, { cause })
  }
}
