/** A login by PAM: pamtester, pam_radius_auth, and the service file of `examples/radius/pam.d` under a name of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXAMPLES, SECRET } from './freeradius.ts'

export type Pam = {
  /**
   * @param answer what the user types at each prompt; null: hangs up
   * @returns the prompts that were shown, and whether the user is in
   */
  readonly logIn: (
    user: string,
    answer: (prompt: string, count: number) => Promise<string> | string,
  ) => Promise<{ readonly accepted: boolean; readonly prompts: readonly string[] }>
  readonly remove: () => void
}

export function installPam(port: number): Pam {
  const folder = mkdtempSync(join(tmpdir(), 'otpost-pam-'))
  const conf = join(folder, 'pam_radius_auth.conf')
  // One try of twenty seconds: a second one would ask for a second OTP.
  writeFileSync(conf, `127.0.0.1:${port} ${SECRET} 20\n`, { mode: 0o600 })
  const service = `otpost-test-${process.pid}-${port}`
  const file = `/etc/pam.d/${service}`
  const text = readFileSync(join(EXAMPLES, 'pam.d/otpost'), 'utf8')
  writeFileSync(file, text.replace('/etc/pam_radius_auth.conf', conf))
  return {
    logIn: (user, answer) => logIn(service, user, answer),
    remove: () => {
      rmSync(file, { force: true })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function logIn(service: string, user: string, answer: Parameters<Pam['logIn']>[1]): ReturnType<Pam['logIn']> {
  const program = spawn('pamtester', [service, user, 'authenticate'])
  const prompts: string[] = []
  let unread = ''
  const take = async (chunk: Buffer) => {
    unread += chunk
    // A prompt is a line that does not end: it waits for the user.
    const prompt = unread.split('\n').at(-1) ?? ''
    if (prompt === '' || !/[:\w)] ?$/.test(prompt)) return
    unread = ''
    prompts.push(prompt.trim())
    program.stdin.write(`${await answer(prompt.trim(), prompts.length)}\n`)
  }
  program.stderr.on('data', take)
  program.stdout.on('data', take)
  program.stdin.on('error', () => {}) // it may be gone before it has read the answer
  const [code] = await once(program, 'close')
  return { accepted: code === 0, prompts }
}
