/** SMPPSMSProvider over TLS on Node, Deno and Bun: no certificate passes unchecked. (Workers refuses the provider.) */
import { expect, it } from 'vitest'
import { startProviders } from '../contract/provider-runtimes/start.ts'
import { testCertificates } from '../support/certificates.ts'
import { startSmppServer } from '../support/smpp-server.ts'

const TLS_CA = testCertificates().authority.certificate

it.concurrent.each(['node', 'deno', 'bun'] as const)(
  'on %s a message goes to the centre of the trusted authority alone',
  async (name) => {
    const runtime = await startProviders(name)
    const outcomes: Record<string, readonly [string, number]> = {}
    for (const tls of ['server', 'otherHost', 'selfSigned', 'expired'] as const) {
      const smsc = await startSmppServer({ tls })
      const keys = { server: '127.0.0.1', port: smsc.port, TLS_CA }
      const sent = await runtime.perform({ do: 'send', provider: 'SMPPSMSProvider', keys, abortAfter: 10_000 })
      outcomes[tls] = ['reason' in sent.delivery ? sent.delivery.reason : sent.delivery.status, smsc.binds.length]
      await smsc.close()
    }
    await runtime.stop()

    expect(outcomes).toEqual({
      server: ['accepted', 1],
      otherHost: ['tls_failed', 0],
      selfSigned: ['tls_failed', 0],
      expired: ['tls_failed', 0],
    })
  },
)
