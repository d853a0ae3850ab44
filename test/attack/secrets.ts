/** Secrets: after a whole life of logins nobody may find one anywhere. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findLeaks, type Place, spellingsOf } from '../support/leaks.ts'
import type { Attack, Outcome, Start } from './attack.ts'
import { logIns, settle } from './life.ts'
import { begin, type Life, PERSONAL } from './life-canaries.ts'
import { failures } from './life-failures.ts'
import { openSite } from './site.ts'

/** Everything that somebody may read who should not find a secret there. */
async function placesOf({ site, own, replies }: Life): Promise<readonly Place[]> {
  const get = async (path: string) => (await site.send('GET', path, { headers: own })).text
  const copy = join(site.folder, 'copy.db')
  const script = fileURLToPath(new URL('../../src/runtimes/node.ts', import.meta.url))
  execFileSync(process.execPath, [script, 'backup', copy, '--data', site.folder], { stdio: 'ignore' })
  const files = readdirSync(site.folder).filter((name) => name.includes('.db'))
  const shown = [
    '/system/getConfig',
    '/system/getProvider?type=email',
    '/system/getProvider?type=sms',
    '/system/getResolvers',
    '/admin/show',
    '/api/v2/tokens',
    '/otpost/admins',
    '/otpost/api-tokens',
    '/otpost/keys',
    '/pi/token',
    '/pi/system',
    '/otpost/providers/rests',
  ]
  return [
    { name: 'the log', content: site.log() },
    { name: 'metrics', content: await get('/metrics') },
    { name: 'the audit as JSON', content: await get('/otpost/audit/export') },
    { name: 'the audit as CSV', content: await get('/otpost/audit/export?format=csv') },
    { name: "the audit in LinOTP's words", content: await get('/audit/search?rp=10000') },
    { name: 'a reply', content: replies.join('\n') },
    ...(await Promise.all(shown.map(async (path) => ({ name: path, content: await get(path) })))),
    ...files.map((name) => ({ name, content: readFileSync(join(site.folder, name)).toString('latin1') })),
  ]
}

/** Where addresses, numbers and texts stand, or are shown to those who administer. */
const ADMINISTRATION = /\.db|^\/|^a reply$/

async function attackSecrets(start: Start): Promise<Outcome> {
  const site = await openSite({ OTPOST_SEND_DEADLINE: '1' })
  try {
    const life = await begin(site)
    await settle(life)
    await failures(life, start.profile === 'full' ? 3 : 1)
    await logIns(life)
    const places = await placesOf(life)
    const otps = life.found.filter(({ name }) => name === 'OTP').length
    const personal = new Set<string>(Object.keys(PERSONAL))
    const through = [
      ...findLeaks(
        life.found.filter(({ name }) => !personal.has(name)),
        places,
      ),
      ...findLeaks(
        life.found.filter(({ name }) => personal.has(name)),
        places.filter(({ name }) => !ADMINISTRATION.test(name)),
      ),
      ...places.filter(({ content }) => content.length < 50).map(({ name }) => `${name} is empty: nothing was shown`),
      ...(site.log().includes('"level":"debug"') ? [] : ['the log says nothing on level debug: little was shown']),
      ...(otps < 8 ? [`only ${otps} OTPs were seen: little was shown`] : []),
    ]
    const tries = life.found.reduce((sum, { text }) => sum + spellingsOf(text).size, 0) * places.length
    return {
      tries,
      through: [...new Set(through)].slice(0, 30),
      note: `${life.found.length} secrets, ${places.length} places`,
    }
  } finally {
    await site.close()
  }
}

export const secrets: readonly Attack[] = [
  { name: 'secrets that can be found somewhere', on: 'file', run: attackSecrets },
]
