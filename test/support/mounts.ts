/** File systems of a test's own, where it may mount them: else what happens on a full or read-only disk cannot be seen. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SCRATCH } from './scratch.ts'

const run = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

export const mount = (...args: readonly string[]): string => run('mount', ...args)
export const unmount = (place: string): string => run('umount', place)

/** A small file system in memory, unmounted by `end`. */
export function smallDisk(size: string): { readonly folder: string; readonly end: () => void } {
  const folder = mkdtempSync(join(SCRATCH, 'otpost-disk-'))
  mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder)
  const end = () => {
    unmount(folder)
    rmSync(folder, { recursive: true, force: true })
  }
  return { folder, end }
}

/** It takes root, and a system that lets root do it. */
export const CAN_MOUNT = ((): boolean => {
  try {
    smallDisk('64k').end()
    return true
  } catch {
    return false
  }
})()
