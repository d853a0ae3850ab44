/** Providers that fail: the next one takes the message, and the failed one is asked last until it has shown itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compose } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'
import { HANG_UP, type Reply, SILENCE, say, startScriptedServer, type Turn } from '../support/smtp-server.ts'

type Script = Partial<Record<Turn, Reply>>
type Server = {
  readonly name: string
  readonly port: number
  readonly script: (script: Script) => Promise<void>
}

let h: Harness
let closing: (() => Promise<void>)[]
beforeEach(async () => {
  h = await startHarness({ OTPOST_SEND_DEADLINE: '3' })
  closing = [h.close]
  await enroll(h, 'ada', 'MAIL1')
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
})
afterEach(async () => {
  for (const close of closing) await close()
})

/** Providers in the order of policy, each with a server of its own that can change its ways and keep its port. */
async function useServers(...names: readonly string[]): Promise<readonly Server[]> {
  const servers = await Promise.all(names.map(startServer))
  for (const { name, port } of servers) await save(name, port)
  await h.admin('/system/setPolicy', {
    ...{ name: 'order', scope: 'authentication', realm: '*', active: 'True' },
    action: `email_provider=${names.join(' ')}`,
  })
  return servers
}

const save = (name: string, port: number): Promise<unknown> =>
  h.admin('/system/setProvider', {
    ...{ name, type: 'email', class: 'SMTPEmailProvider', timeout: '120' },
    config: JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: port, TIMEOUT: 1 }),
  })

async function startServer(name: string): Promise<Server> {
  let server = await startScriptedServer({})
  const { port } = server
  closing.push(() => server.close())
  return {
    name,
    port,
    script: async (script) => {
      await server.close()
      server = await startScriptedServer(script, port)
    },
  }
}

const login = async (): Promise<boolean> => (await h.check({ user: 'ada', pass: 'pin-' })).json.detail !== undefined
/** Who was asked for the newest message, in order, with what they said. */
async function asked(): Promise<readonly string[]> {
  const { rows } = await h.client.execute(
    'SELECT provider, status FROM deliveries WHERE request_id = (SELECT request_id FROM deliveries ORDER BY id DESC LIMIT 1) ORDER BY id',
  )
  return rows.map(({ provider, status }) => `${provider} ${status}`)
}
const BROKEN: Script = { MAIL: say('451 4.3.0 no disk') }

describe('a provider that fails', () => {
  it('is asked last for thirty seconds, then first again', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script(BROKEN)
    expect(await login()).toBe(true)
    expect(await asked()).toEqual(['main unavailable', 'spare accepted'])
    await main?.script({})

    h.pass(29)
    await login()
    expect(await asked()).toEqual(['spare accepted'])
    h.pass(1)
    await login()
    expect(await asked()).toEqual(['main accepted'])
  })

  it('rests twice as long when it fails again after its rest', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script(BROKEN)
    await login()
    h.pass(30)
    await login()
    expect(await asked()).toEqual(['main unavailable', 'spare accepted'])

    h.pass(59)
    await login()
    expect(await asked()).toEqual(['spare accepted'])
    h.pass(1)
    await login()
    expect(await asked()).toEqual(['main unavailable', 'spare accepted'])
  })

  it('is still asked when nothing else is left, in the order of policy, and a success ends its rest', async () => {
    const [main, spare] = await useServers('main', 'spare')
    await main?.script(BROKEN)
    await spare?.script(BROKEN)
    expect(await login()).toBe(false)
    await main?.script({})

    expect(await login()).toBe(true)
    expect(await asked()).toEqual(['main accepted'])
    expect(await login()).toBe(true)
    expect(await asked()).toEqual(['main accepted'])
  })

  it('is known to the other nodes', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script(BROKEN)
    await login()
    const config = readConfig({ OTPOST_SEND_DEADLINE: '3' })
    const { readKeys } = await import('../../src/adapters/vault/keys.ts')
    const keys = readKeys(h.keys)
    if (!config.ok || !keys.ok) throw new Error('the second node could not be set up')
    const second = compose(h.batch, keys.value, h.edges, config.value)

    const body = new URLSearchParams({ user: 'ada', pass: 'pin-' })
    const request = new Request('http://b.test/validate/check', { method: 'POST', body })
    await second.app.fetch(request, { peer: '::1', secure: false })

    expect(await asked()).toEqual(['spare accepted'])
  })

  it.each<readonly [string, (main: Server, port: number) => Promise<unknown>]>([
    [
      'a test message that arrives',
      () => h.admin('/system/testProvider', { type: 'email', name: 'main', to: 'op@mail.test' }),
    ],
    ['saving it', (_, port) => save('main', port)],
  ])('no longer rests after %s', async (_, lift) => {
    const [main] = await useServers('main', 'spare')
    if (!main) throw new Error('there is no server')
    await main.script(BROKEN)
    await login()
    await main.script({})

    await lift(main, main.port)

    await login()
    expect(await asked()).toEqual(['main accepted'])
  })

  it('rests on after a test message that does not arrive', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script(BROKEN)
    await login()

    await h.admin('/system/testProvider', { type: 'email', name: 'main', to: 'op@mail.test' })

    await login()
    expect(await asked()).toEqual(['spare accepted'])
  })

  it('is passed over whatever the deadline and the number of providers', async () => {
    for (const deadline of ['1', '2', '7', '8']) {
      const config = readConfig({ OTPOST_SEND_DEADLINE: deadline })
      const { readKeys } = await import('../../src/adapters/vault/keys.ts')
      const keys = readKeys(h.keys)
      if (!config.ok || !keys.ok) throw new Error('the node could not be set up')
      const [main, other] = await useServers('main', 'other', 'spare')
      await main?.script({ greeting: HANG_UP })
      await other?.script({ greeting: HANG_UP })
      const node = compose(h.batch, keys.value, h.edges, config.value)

      const body = new URLSearchParams({ user: 'ada', pass: 'pin-' })
      const request = new Request('http://b.test/validate/check', { method: 'POST', body })
      await node.app.fetch(request, { peer: '::1', secure: false })

      expect(await asked()).toEqual(['main unavailable', 'other unavailable', 'spare accepted'])
    }
  })

  it('letter by letter leaves a third of the deadline to the next', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script({ EHLO: { drip: '2' } })
    const started = performance.now()

    expect(await login()).toBe(true)

    expect(performance.now() - started).toBeLessThan(4000)
    expect(await asked()).toEqual(['main unavailable', 'spare accepted'])
  })

  it('that is silent for its own time-out leaves the rest of the deadline to the next', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script({ greeting: SILENCE })

    expect(await login()).toBe(true)

    expect(await asked()).toEqual(['main unavailable', 'spare accepted'])
  })
})

describe('a verdict on the recipient', () => {
  it('makes nobody rest and asks no other provider, when it is final', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script({ RCPT: say('550 5.1.1 no such user') })
    expect(await login()).toBe(false)
    expect(await asked()).toEqual(['main refused'])
    await main?.script({})

    await login()

    expect(await asked()).toEqual(['main accepted'])
  })

  it('makes nobody rest and asks the next provider, when it is for now', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script({ RCPT: say('450 4.2.0 greylisted') })
    await login()
    expect(await asked()).toEqual(['main unavailable', 'spare accepted'])
    await main?.script({})

    await login()

    expect(await asked()).toEqual(['main accepted'])
  })

  it('that is the server going away does make it rest', async () => {
    const [main] = await useServers('main', 'spare')
    await main?.script({ RCPT: say('421 4.3.2 going down') })
    await login()
    await main?.script({})

    await login()

    expect(await asked()).toEqual(['spare accepted'])
  })
})

it('costs no round trip: a check with a message makes three, with providers that rest or without', async () => {
  const [main] = await useServers('main', 'spare')
  let trips = 0
  const config = readConfig({ OTPOST_SEND_DEADLINE: '3' })
  const { readKeys } = await import('../../src/adapters/vault/keys.ts')
  const keys = readKeys(h.keys)
  if (!config.ok || !keys.ok) throw new Error('the node could not be set up')
  const counted = compose(
    (statements, mode) => {
      trips += 1
      return h.batch(statements, mode)
    },
    keys.value,
    h.edges,
    config.value,
  )
  const tripsOf = async () => {
    trips = 0
    const body = new URLSearchParams({ user: 'ada', pass: 'pin-' })
    const request = new Request('http://b.test/validate/check', { method: 'POST', body })
    await counted.app.fetch(request, { peer: '::1', secure: false })
    return trips
  }
  await tripsOf() // the first one reads schema and settings

  expect(await tripsOf()).toBe(3)
  await main?.script(BROKEN)
  expect([await tripsOf(), await tripsOf()]).toEqual([3, 3])
})
