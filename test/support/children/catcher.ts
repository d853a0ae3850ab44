/** Child of catcher.test.ts: a mail catcher that prints its port, then the first mail to ada, and ends. */
import { startMailCatcher } from '../../../src/adapters/catcher/smtp.ts'

const catcher = await startMailCatcher({ clock: () => 1_750_000_000 })
console.log(`listening on ${catcher.port}`)
const mail = await catcher.waitFor('ada@example.org', { timeoutMs: 10_000 })
console.log(`caught ${JSON.stringify({ ...mail, raw: mail.raw.length })}`)
await catcher.close()
