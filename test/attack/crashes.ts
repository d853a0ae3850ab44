/** Crashes: `kill -9` of a server under load, at moments that nobody chose; then what the database says is compared with what clients were told. */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { createClient } from '@libsql/client'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import { scratchFolder } from '../support/scratch.ts'
import { type Body, checkAt, logInAt } from '../support/served.ts'
import { type Attack, type Outcome, randomOf, type Start } from './attack.ts'
import { PASSWORD, serve } from './target.ts'

const CLIENTS = 4

/** What clients were told; null: the answer was lost with the server. */
type Told = {
  /** By transaction: how often yes. */
  readonly accepted: Map<string, number>
  /** OTPs that were sent once, with what became of them. */
  readonly answers: { readonly user: string; readonly transactionid: string; readonly pass: string }[]
  /** By token: answered failures since the last right answer of it; of a token that nobody ever answers rightly. */
  refused: number
}

async function crash({ profile, seed, say }: Start): Promise<Outcome> {
  const cycles = profile === 'full' ? 200 : 12
  const { path: folder, remove } = scratchFolder('otpost-crashes')
  const catcher = await startMailCatcher({ clock: () => Math.floor(Date.now() / 1000), keep: 5000 })
  const random = randomOf(seed)
  const through: string[] = []
  const told: Told = { accepted: new Map(), answers: [], refused: 0 }
  try {
    for (let cycle = 0; cycle < cycles && through.length < 5; cycle++) {
      const server = await serve(['--data', folder], {}, cycle % 2 === 0 ? 'bun' : 'node')
      if (cycle === 0) await prepare(server.url, catcher)
      through.push(...(await replay(server.url, told)))
      const load = Promise.all(
        Array.from({ length: CLIENTS }, (_, n) => client(server.url, n, told, () => catcher.mails())),
      )
      await wait(50 + random() * 400)
      await server.kill9()
      await load
      through.push(...(await examine(folder, told)))
      say(`${cycle + 1} of ${cycles} crashes, ${told.accepted.size} OTPs accepted, ${told.refused} failures answered`)
    }
    for (const [transaction, count] of told.accepted)
      if (count > 1) through.push(`${transaction} was accepted ${count} times`)
    return { tries: cycles, through, note: `${told.accepted.size} OTPs, ${told.refused} failures` }
  } finally {
    await catcher.close()
    remove()
  }
}

async function prepare(url: string, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  const admin = await logInAt(url, PASSWORD)
  const users = Array.from({ length: CLIENTS + 1 }, (_, n) => `user${n}:x:${n + 1}:1:::`).join('\n')
  await admin('/system/setResolver', { name: 'r', type: 'passwdresolver', 'passwdresolver.content': users })
  await admin('/system/setRealm', { realm: 'r', resolvers: 'r' })
  await admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  const config = JSON.stringify({ SMTP_SERVER: host, SMTP_PORT: port, EMAIL_FROM: 'otp@example.org' })
  await admin('/system/setProvider', {
    name: 'catcher',
    type: 'email',
    class: 'SMTPEmailProvider',
    config,
    timeout: '60',
  })
  for (let n = 0; n <= CLIENTS; n++) {
    const serial = `CRASH${n}`
    await admin('/admin/init', {
      type: 'email',
      user: `user${n}`,
      serial,
      pin: 'pin-',
      email_address: `user${n}@mail.test`,
    })
    await admin('/admin/set', { serial, MaxFailCount: '1000000' })
  }
}

/** Until the server is gone: the last client guesses, the others log in, and some try their OTP again. */
async function client(
  url: string,
  n: number,
  told: Told,
  mails: () => readonly { readonly to: readonly string[]; readonly text: string }[],
): Promise<void> {
  for (;;) {
    if (n === CLIENTS - 1) {
      const answer = await ask(url, { user: `user${CLIENTS}`, pass: 'pin-000000' })
      if (answer === null) return
      if (!answer.result.value) told.refused++
      continue
    }
    const user = `user${n}`
    const trigger = await ask(url, { user, pass: 'pin-' })
    if (trigger === null) return
    const transactionid = trigger.detail?.transactionid ?? ''
    const pass =
      mails()
        .filter(({ to }) => to.includes(`${user}@mail.test`))
        .at(-1)
        ?.text.trim() ?? ''
    if (transactionid === '' || pass === '') continue
    told.answers.push({ user, transactionid, pass })
    for (let again = 0; again < 2; again++) {
      const answer = await ask(url, { user, transactionid, pass })
      if (answer === null) return
      if (answer.result.value === true) told.accepted.set(transactionid, (told.accepted.get(transactionid) ?? 0) + 1)
    }
  }
}

/** null: there was no answer. */
const ask = (url: string, fields: Readonly<Record<string, string>>): Promise<Body | null> =>
  checkAt(url, fields).catch(() => null)

/** After a restart the answers of the last cycle are sent again, those that were lost as well. */
async function replay(url: string, told: Told): Promise<readonly string[]> {
  for (const { user, transactionid, pass } of told.answers.splice(0)) {
    const answer = await ask(url, { user, transactionid, pass })
    if (answer?.result.value === true) told.accepted.set(transactionid, (told.accepted.get(transactionid) ?? 0) + 1)
  }
  return [...told.accepted]
    .filter(([, count]) => count > 1)
    .map(([transaction, count]) => `${transaction} was accepted ${count} times`)
}

async function examine(folder: string, told: Told): Promise<readonly string[]> {
  const db = createClient({ url: pathToFileURL(join(folder, 'otpost.db')).href, concurrency: 1, timeout: 5000 })
  try {
    const [check, fails, orphans, gaps] = await db.batch([
      'PRAGMA integrity_check',
      `SELECT fail_count FROM tokens WHERE serial = 'CRASH${CLIENTS}'`,
      'SELECT COUNT(*) AS n FROM challenges c WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.request_id = c.opened_by)',
      'SELECT MAX(number) - COUNT(*) AS n FROM audit',
    ])
    const failCount = Number(fails?.rows[0]?.fail_count)
    return [
      ...(check?.rows[0]?.integrity_check === 'ok' ? [] : ['the database is damaged']),
      ...(failCount >= told.refused ? [] : [`${told.refused} failures were answered, ${failCount} are counted`]),
      ...(Number(orphans?.rows[0]?.n) === 0 ? [] : ['a challenge has no row in the audit']),
      ...(Number(gaps?.rows[0]?.n) === 0 ? [] : ['the audit has a gap']),
    ]
  } finally {
    db.close()
  }
}

export const crashes: readonly Attack[] = [{ name: 'kill -9 under load', on: 'file', run: crash }]
