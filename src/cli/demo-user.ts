/** Demo-user: what a newcomer finds in an empty database, and the lines to paste. */
import type { AdminClient } from './client.ts'

const USER = 'demo'
const REALM = 'demo'
const PIN = 'demo-pin'
const EMAIL = 'demo@example.org'

/** Makes realm, user and token `demo`, unless there is a realm or a token already. */
export async function makeDemoUser(client: AdminClient): Promise<void> {
  if ((await client.realms()).length > 0 || (await client.tokens({})).length > 0) return
  const content = `${USER}:x:1000:1000:Demo User,,,,${EMAIL}:/:\n`
  await client.saveResolver({ name: REALM, label: 'demo', content, replaces: false })
  await client.saveRealm(REALM, [REALM])
  await client.enroll({
    type: 'email',
    user: USER,
    realm: REALM,
    email: EMAIL,
    pin: PIN,
    description: 'for a first look',
  })
}

/**
 * Lines for a shell, without jq: trigger, look at the mails, answer. The newest mail comes first in the JSON.
 *
 * @returns none when there is no demo user
 */
export async function demoLines(client: AdminClient, url: string): Promise<readonly string[]> {
  const realm = (await client.realms()).find(({ name }) => name === REALM)
  if (!realm || (await client.tokens({ user: USER, realm: REALM })).length === 0) return []
  const check = `curl -sw '\\n' ${url}/validate/check -d user=${USER}${realm.isDefault ? '' : ` -d realm=${REALM}`}`
  const mails = `${url}/dev/mail.json`
  // In the text of otp.eml the OTP has a line of its own.
  const newest = `curl -s ${mails} | sed -n 's/^[^}]*"text":"[^"]*\\\\n\\([0-9][0-9]*\\)\\\\n.*/\\1/p'`
  return [`${check} -d pass=${PIN}`, `curl -sw '\\n' ${mails}`, `OTP=$(${newest}); ${check} -d "pass=${PIN}$OTP"`]
}
