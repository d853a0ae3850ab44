import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Where tests make their databases: in memory if there is room, since each write waits for the disk. What a killed
 * process wrote is there as on a disk.
 */
export const SCRATCH = isRoomy('/dev/shm') ? '/dev/shm' : tmpdir()

function isRoomy(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize > 2 ** 30
  } catch {
    return false // no such place on this system
  }
}

/** A new folder there, which is gone at the end of this process at the latest. */
export function scratchFolder(name: string): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(SCRATCH, `${name}-`))
  const remove = () => {
    process.off('exit', remove)
    // A server that was killed a moment ago may still be there.
    rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  }
  process.once('exit', remove)
  return { path, remove }
}
