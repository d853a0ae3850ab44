/**
 * Ten thousand users in a local resolver: import, import of the same, and lists. `npm run bench:users [-- --users 10000]`
 *
 * In this process, over a database in a file. Look at the ratios: the times are those of this machine at this moment.
 */
import { parseArgs } from 'node:util'
import { startHarness } from '../test/support/harness.ts'

const { values } = parseArgs({
  options: { users: { type: 'string', default: '10000' }, help: { type: 'boolean', default: false } },
})
if (values.help) {
  console.log('npm run bench:users [-- --users 10000]')
  process.exit()
}
const count = Number(values.users)
const h = await startHarness()

async function timed<T>(what: string, run: () => Promise<T>): Promise<T> {
  globalThis.gc?.()
  let peak = process.memoryUsage().rss
  const [before, started] = [peak, performance.now()]
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 5)
  const result = await run()
  clearInterval(timer)
  peak = Math.max(peak, process.memoryUsage().rss)
  const time = (performance.now() - started).toFixed(0).padStart(6)
  process.stdout.write(`${what.padEnd(34)} ${time} ms   +${((peak - before) / 2 ** 20).toFixed(0)} MiB at most\n`)
  return result
}

const rows = Array.from(
  { length: count },
  (_, n) => `user${n},user${n}@example.org,Given ${n},"Sur, name ${n}",+49 170 ${n},$6$saltsalt$${'a'.repeat(86)}`,
)
const content = `username,email,givenname,surname,mobile,password_hash\n${rows.join('\n')}`
const changed = content.replaceAll('example.org', 'example.net').replace(/,\$6\$.*$/gm, ',')

async function importUsers(text: string, fields: Readonly<Record<string, string>> = {}): Promise<void> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
  const body = JSON.stringify({ resolver: 'own', content: text, ...fields })
  const { json } = await h.request('/otpost/users/import', { ...init, body }, 'bench')
  if (json.result?.status !== true) throw new Error(JSON.stringify(json))
}
async function page(number: number, size = 50): Promise<void> {
  const { json } = await h.admin('/admin/userlist', { resConf: 'own', rp: String(size), page: String(number) })
  if (!Array.isArray(json.result?.value)) throw new Error('no list')
}

try {
  await h.admin('/system/setResolver', { name: 'own', type: 'localresolver' })
  process.stdout.write(`${count} users, ${(content.length / 2 ** 20).toFixed(1)} MiB of CSV\n`)
  await timed('dry run', () => importUsers(content, { dry_run: 'true' }))
  await timed('import', () => importUsers(content))
  await timed('import, all of them changed', () => importUsers(changed))
  await timed('import, none of them changed', () => importUsers(changed))
  await timed('userlist, all', () => h.admin('/admin/userlist', { resConf: 'own' }))
  await page(0)
  for (const number of [0, 100, 199])
    await timed(`userlist, page ${number}, 50 times`, async () => {
      for (let n = 0; n < 50; n++) await page(number)
    })
  await timed('userlist, username=*99 (all read)', () =>
    h.admin('/admin/userlist', { resConf: 'own', username: '*99' }),
  )
} finally {
  await h.close()
}
