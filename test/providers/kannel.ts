/** Kannel on this machine: bearerbox, smsbox with its HTTP interface, and `fakesmsc` in the place of a phone network. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, freePorts, listeningOn, saidBy, scratchFolder, startChild } from './processes.ts'

export type Kannel = {
  /** Of the interface that takes messages. */
  readonly port: number
  /** What the network was given: sender, receiver, then `text` and the message, or `udh`, the header, `data` and it. */
  readonly sent: () => readonly string[]
  readonly stop: () => Promise<void>
}

export const LOGIN = { user: 'otpost', password: 'the password' }

export async function startKannel(): Promise<Kannel> {
  const folder = await scratchFolder('kannel')
  const [admin = 0, boxes = 0, network = 0, port = 0] = await freePorts(4)
  const file = join(folder.path, 'kannel.conf')
  const log = (name: string) => `log-file = "${join(folder.path, `${name}.log`)}"\nlog-level = 0`
  await writeFile(
    file,
    `group = core
admin-port = ${admin}
admin-interface = 127.0.0.1
admin-password = none
smsbox-port = ${boxes}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
store-type = file
store-location = "${join(folder.path, 'store')}"
${log('bearerbox')}

group = smsc
smsc = fake
smsc-id = network
port = ${network}
connect-allow-ip = "127.0.0.1"

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = ${port}
sendsms-interface = 127.0.0.1
${log('smsbox')}

group = sendsms-user
username = ${LOGIN.user}
password = "${LOGIN.password}"
max-messages = 5
concatenation = true
`,
  )
  const running: Child[] = []
  const start = (command: string, args: readonly string[]) => {
    const child = startChild(command, args)
    running.unshift(child)
    return child
  }
  const stop = async () => {
    for (const child of running) await child.stop()
    folder.remove()
  }
  try {
    const bearerbox = start('/usr/sbin/bearerbox', [file])
    await listeningOn(boxes, bearerbox.died)
    await saidBy(bearerbox, /smsc_fake: start called/)
    const phones = start('/usr/lib/kannel/test/fakesmsc', ['-r', String(network), '-m', '0'])
    await saidBy(bearerbox, /Fakesmsc client connected/)
    await listeningOn(port, start('/usr/sbin/smsbox', [file]).died)
    const sent = () => phones.lines.flatMap((line) => /Got message \d+: <(.*)>$/.exec(line)?.[1] ?? [])
    return { port, sent, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
