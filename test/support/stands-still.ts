/** Waiting for a process that was told to stop. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** SIGSTOP; settles when all of its threads stand, since they go on until the system has come round to each. */
export async function standStill(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const tasks = `/proc/${pid}/task`
  const stands = (task: string) => {
    const status = join(tasks, task, 'status')
    return !existsSync(status) || /^State:\s+T/m.test(readFileSync(status, 'utf8'))
  }
  while (!readdirSync(tasks).every(stands)) await pause(5)
}
