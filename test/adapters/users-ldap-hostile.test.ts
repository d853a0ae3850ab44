/**
 * ldapresolver against servers that lie, stall, flood and break off: each question settles with a reason that holds
 * nothing of what was said, the connection is gone then, and the next question goes well.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { resolver } from '../../src/adapters/users/ldap.ts'
import type { Edges } from '../../src/ports/edges.ts'
import type { Directory } from '../../src/ports/users.ts'
import {
  type Answer,
  ber,
  both,
  bound,
  bytes,
  done,
  entry,
  extended,
  head,
  type LdapScript,
  type LdapServer,
  operation,
  reference,
  startLdapServer,
} from '../support/ldap-server.ts'
import { logged, mailEdges } from '../support/mail.ts'

const KEYS = {
  LDAPBASE: 'dc=example,dc=org',
  BINDDN: 'cn=otpost,dc=example,dc=org',
  BINDPW: 'service-hunter2',
  LOGINNAMEATTRIBUTE: 'uid',
  LDAPSEARCHFILTER: '(uid=*)',
  LDAPFILTER: '(uid=%s)',
  USERINFO: { email: 'mail' },
  UIDTYPE: 'uid',
  // The signals of the tests come first, however busy the machine is.
  TIMEOUT: 60,
}
const ADA = entry('uid=ada,dc=example,dc=org', { uid: ['ada'], mail: ['ada@example.org'] })
const FRIENDLY: LdapScript = { search: both(ADA, done()) }

const opened: { close(): unknown }[] = []
async function meet(
  script: LdapScript,
  keys: Readonly<Record<string, unknown>> = {},
  edges: Edges = mailEdges(),
): Promise<[Directory, LdapServer]> {
  const server = await startLdapServer(script)
  const read = await resolver.read({ ...KEYS, LDAPURI: `ldap://127.0.0.1:${server.port}`, ...keys }, edges)
  if (!read.ok) throw new Error(`configuration refused: ${JSON.stringify(read.error)}`)
  const directory = resolver.create(read.value.config, edges)
  opened.push(server, directory)
  return [directory, server]
}
const soon = (): AbortSignal => AbortSignal.timeout(25_000)
const unavailable = (reason: string) => ({ ok: false, error: { code: 'directory_unavailable', reason } })

afterAll(async () => {
  for (const one of opened.reverse()) await one.close()
})

const entryOf = (...parts: readonly Buffer[]): Answer => operation(ber(0x64, ...parts))
const attribute = ber(0x30, ber(0x04, 'uid'), ber(0x31, ber(0x04, 'ada')))
const noise = Buffer.from(Array.from({ length: 1000 }, (_, n) => (n * 7919) % 251))

/** Broken messages; to a library that trusts lengths, some of them are endless. */
const LIES: Readonly<Record<string, Answer>> = {
  'text of another protocol': bytes('HTTP/1.1 400 Bad Request\r\n\r\n'),
  noise: bytes(noise),
  zeros: bytes(Buffer.alloc(1000)),
  'a message of two gigabytes': bytes(head(0x30, 0x7fffffff)),
  'a message of four gigabytes': bytes(head(0x30, 0xffffffff)),
  'a message without a length': bytes(Buffer.from([0x30, 0x80, 0, 0])),
  'a length of 126 bytes': bytes(Buffer.from([0x30, 0xfe, ...Array(130).fill(1)])),
  'an empty message': bytes(ber(0x30)),
  'a message with an id alone': operation(),
  'an id of eight bytes': bytes(ber(0x30, ber(0x02, '12345678'), ber(0x65, ber(0x0a, 0), ber(0x04), ber(0x04)))),
  'an id without bytes': bytes(ber(0x30, ber(0x02), ber(0x65, ber(0x0a, 0), ber(0x04), ber(0x04)))),
  'a result without a code': operation(ber(0x65, ber(0x04), ber(0x04))),
  'a result with an empty code': operation(ber(0x65, ber(0x0a), ber(0x04), ber(0x04))),
  'a bind result without a code': operation(ber(0x61)),
  'an empty result': operation(ber(0x65)),
  'an operation longer than its message': operation(head(0x65, 1000)),
  'a bind result with an endless end': operation(ber(0x61, ber(0x0a, 0), ber(0x04), ber(0x04), head(0x87, 1000))),
  'an entry longer than its message': operation(head(0x64, 1000)),
  'an entry without attributes': entryOf(ber(0x04, 'uid=ada')),
  'attributes longer than their entry': entryOf(ber(0x04, 'uid=ada'), head(0x30, 1000)),
  'attributes that are no sequence': entryOf(ber(0x04, 'uid=ada'), ber(0x04, attribute)),
  'an attribute longer than its list': entryOf(ber(0x04, 'uid=ada'), ber(0x30, head(0x30, 1000))),
  'an attribute without values': entryOf(ber(0x04, 'uid=ada'), ber(0x30, ber(0x30, ber(0x04, 'uid')))),
  'values longer than their attribute': entryOf(
    ber(0x04, 'uid=ada'),
    ber(0x30, ber(0x30, ber(0x04, 'uid'), head(0x31, 1000))),
  ),
  'a value longer than its set': entryOf(
    ber(0x04, 'uid=ada'),
    ber(0x30, ber(0x30, ber(0x04, 'uid'), ber(0x31, head(0x04, 1000)))),
  ),
  'a value of another kind': entryOf(
    ber(0x04, 'uid=ada'),
    ber(0x30, ber(0x30, ber(0x04, 'uid'), ber(0x31, ber(0x02, 1)))),
  ),
  'a reference longer than its message': operation(ber(0x73, head(0x04, 1000))),
  'a control longer than its list': operation(
    ber(0x65, ber(0x0a, 0), ber(0x04), ber(0x04)),
    ber(0xa0, head(0x30, 1000)),
  ),
  'controls that are none': operation(ber(0x65, ber(0x0a, 0), ber(0x04), ber(0x04)), ber(0xa0, noise)),
  'something behind the controls': operation(ber(0x65, ber(0x0a, 0), ber(0x04), ber(0x04)), ber(0xa0), ber(0xa0)),
  'an operation nobody knows': operation(ber(0x7f, ber(0x04))),
  'a request': operation(ber(0x63, ber(0x04))),
  'sets in sets in sets': operation(
    Array.from({ length: 5000 }).reduce<Buffer>((inner) => ber(0x31, inner), ber(0x31)),
  ),
}

describe.concurrent('a server that says', () => {
  it.each(Object.entries(LIES))('%s, instead of what was found, is missed', async (_, search) => {
    const [directory, server] = await meet({ search })

    expect(await directory.findByLogin('ada', soon())).toEqual(unavailable('protocol_error'))
    await server.alone()
    server.play(FRIENDLY)
    expect(await directory.findByLogin('ada', soon())).toMatchObject({ ok: true, value: [{ login: 'ada' }] })
  })

  it.each(Object.entries(LIES))('%s, instead of letting us in, is missed', async (_, bind) => {
    const [directory, server] = await meet({ ...FRIENDLY, bind })

    expect(await directory.findByLogin('ada', soon())).toEqual(unavailable('protocol_error'))
    await server.alone()
  })

  it.each(Object.entries(LIES))('%s, of a password, does not let anybody in', async (_, bind) => {
    const [directory, server] = await meet(FRIENDLY)
    const found = await directory.findByLogin('ada', soon())
    server.play({ ...FRIENDLY, bind })

    const user = found.ok ? (found.value[0] ?? null) : null
    expect(await directory.passwordMatches(user, 'secret', soon())).toEqual(unavailable('protocol_error'))
  })

  it.each<[string, Answer, string]>([
    ['nothing, and hangs up', { last: bytes('') }, 'connection_closed'],
    ['half a message, and hangs up', { last: bytes(Buffer.from([0x30, 0x20, 0x02])) }, 'connection_closed'],
    ['half an answer, and hangs up', { last: ADA }, 'connection_closed'],
    ['that it is busy', done(51), 'busy'],
    ['that it is shutting down', done(52), 'unavailable'],
    ['that another one should be asked', done(10), 'referral'],
    ['that it does not dare', done(50), 'access_denied'],
    ['a number beyond all', done(200), 'result_200'],
    ['an answer to a bind', bound(), 'protocol_error'],
  ])('%s, is missed', async (_, search, reason) => {
    const [directory, server] = await meet({ search })

    expect(await directory.findByLogin('ada', soon())).toEqual(unavailable(reason))
    server.play(FRIENDLY)
    expect(await directory.findByLogin('ada', soon())).toMatchObject({ ok: true, value: [{ login: 'ada' }] })
  })

  it.each<[string, LdapScript]>([
    ['nothing at all', { bind: 'silence' }],
    ['nothing of what was found', { search: 'silence' }],
    ['half an answer', { search: ADA }],
    ['an answer to somebody else', { search: () => done()(99) }],
    ['a beginning, byte by byte', { search: { slowly: bytes(ber(0x30, Buffer.alloc(1000)).subarray(0, 900)) } }],
  ])('%s, holds nobody beyond his signal', async (_, script) => {
    const [directory, server] = await meet(script)

    expect(await directory.findByLogin('ada', AbortSignal.timeout(200))).toEqual(unavailable('timeout'))
    await server.alone()
    server.play(FRIENDLY)
    expect(await directory.findByLogin('ada', soon())).toMatchObject({ ok: true, value: [{ login: 'ada' }] })
  })

  it('things before it is asked is missed', async () => {
    const [directory] = await meet({ ...FRIENDLY, connect: bytes('220 mail.example.org ESMTP\r\n') })

    expect(await directory.findByLogin('ada', soon())).toEqual(unavailable('protocol_error'))
  })
})

describe('what a server says', () => {
  it('byte by byte is understood', async () => {
    const [directory] = await meet({ bind: { slowly: bound() }, search: { slowly: both(ADA, done()) } })

    expect(await directory.findByLogin('ada', soon())).toMatchObject({ ok: true, value: [{ login: 'ada' }] })
  })

  it('in thousands of messages at once is understood', async () => {
    const small = entry('', {})
    const [directory] = await meet({ search: both(...Array.from({ length: 60_000 }, () => small), ADA, done()) })

    expect(await directory.list({}, 10, soon())).toMatchObject({ ok: true })
  })

  it('without an end is left', async () => {
    const many = both(...Array.from({ length: 1000 }, () => entry('uid=x', { uid: ['x'.repeat(1000)] })))
    const flood = (id: number) => Buffer.concat(Array.from({ length: 17 }, () => many(id)))
    const [directory, server] = await meet({ search: flood })

    expect(await directory.findByLogin('ada', soon())).toEqual(unavailable('protocol_error'))
    await server.alone()
  })
})

describe('StartTLS', () => {
  const EnforceTLS = true

  it.each<[string, Answer, string]>([
    ['refused', extended(2), 'starttls_refused'],
    ['answered by something else', bound(), 'protocol_error'],
    ['answered by noise', bytes(noise), 'protocol_error'],
    ['answered by the end', { last: bytes('') }, 'connection_closed'],
    ['granted, with an answer behind it that no TLS protects', both(extended(), ADA, done()), 'protocol_error'],
    ['granted, and then no TLS', { last: extended() }, 'connection_closed'],
  ])('that is %s is no connection, and nothing secret was said', async (_, answer, reason) => {
    const [directory, server] = await meet({ extended: answer }, { EnforceTLS })

    expect(await directory.findByLogin('ada', soon())).toEqual(unavailable(reason))
    expect(await directory.passwordMatches(null, 'user-hunter2', soon())).toEqual(unavailable(reason))
    expect(server.heard.filter((request) => request !== 'extended')).toEqual([])
    expect(server.wire().toString('latin1')).not.toContain('hunter2')
  })

  it.each<[string, Answer]>([
    ['is not answered', 'silence'],
    ['is granted and then nothing more is said', extended()],
  ])('that %s holds nobody beyond his signal', async (_, answer) => {
    const [directory, server] = await meet({ extended: answer }, { EnforceTLS })

    expect(await directory.findByLogin('ada', AbortSignal.timeout(200))).toEqual(unavailable('timeout'))
    await server.alone()
  })
})

describe('passwords', () => {
  it('that are empty do not reach the server, which would consent', async () => {
    const [directory, server] = await meet(FRIENDLY)
    const user = { userId: 'ada', login: 'ada', attributes: {} }

    expect(await directory.passwordMatches(user, '', soon())).toEqual({ ok: true, value: false })
    expect(server.heard).toEqual([])
  })

  it('of nobody are tried as somebody whom the directory does not know, at the same cost', async () => {
    const [directory, server] = await meet({ search: done() })
    const asked = async (user: Parameters<Directory['passwordMatches']>[0]) => {
      const from = server.heard.length
      expect(await directory.passwordMatches(user, 'secret', soon())).toEqual({ ok: true, value: false })
      // Farewells of earlier connections come when they come.
      return server.heard.slice(from).filter((request) => request !== 'unbind')
    }
    await directory.findByLogin('ada', soon())
    server.play({ ...FRIENDLY, bind: bound(49) })
    const known = await asked({ userId: 'ada', login: 'ada', attributes: {} })
    server.play({ search: done() })
    const unknown = await asked(null)

    expect(known.slice(0, 2)).toEqual(['search', 'bind uid=ada,dc=example,dc=org secret'])
    expect(unknown[1]).toMatch(/^bind cn=[\da-f-]{36},dc=example,dc=org secret$/)
    expect(unknown.map((request) => request.split(' ')[0])).toEqual(known.map((request) => request.split(' ')[0]))
  })

  it('are never tried over the connection of searches', async () => {
    const [directory, server] = await meet(FRIENDLY)
    await directory.findByLogin('ada', soon())

    await directory.passwordMatches({ userId: 'ada', login: 'ada', attributes: {} }, 'secret', soon())
    await directory.findByLogin('ada', soon())

    const [searches, alone, ...others] = server.threads
    expect(searches).toEqual(['bind cn=otpost,dc=example,dc=org service-hunter2', 'search', 'search', 'search'])
    expect(alone?.[0]).toBe('bind uid=ada,dc=example,dc=org secret')
    expect(alone?.slice(1).filter((request) => request !== 'unbind')).toEqual([])
    expect(others).toEqual([])
  })

  it.each<[number, object]>([
    ...[19, 32, 34, 48, 49, 50, 53].map((code): [number, object] => [code, { ok: true, value: false }]),
    [1, unavailable('result_1')],
    [8, unavailable('encryption_required')],
    [13, unavailable('encryption_required')],
    [51, unavailable('busy')],
    [52, unavailable('unavailable')],
  ])('that a server answers with %d', async (code, outcome) => {
    const [directory, server] = await meet(FRIENDLY)
    await directory.findByLogin('ada', soon())
    server.play({ ...FRIENDLY, bind: bound(code) })

    expect(await directory.passwordMatches({ userId: 'ada', login: 'ada', attributes: {} }, 'secret', soon())).toEqual(
      outcome,
    )
  })
})

describe('what servers have', () => {
  it.each<[string, Readonly<Record<string, readonly (string | Buffer)[]>>, object]>([
    [
      'names of attributes in any case',
      { UID: ['ada'], MAIL: ['a@b'] },
      { login: 'ada', attributes: { email: 'a@b' } },
    ],
    ['Latin-1 of old', { uid: ['ada'], mail: [Buffer.from('Jürgen', 'latin1')] }, { attributes: { email: 'Jürgen' } }],
    ['several values', { uid: ['x', 'Ada'], mail: ['', 'a@b', 'c@d'] }, { login: 'Ada', attributes: { email: 'a@b' } }],
    ['pictures', { uid: ['ada'], mail: [Buffer.from([0xff, 0xd8, 0, 1])] }, { attributes: { email: '' } }],
    ['no value', { uid: ['ada'], mail: [] }, { attributes: { email: '' } }],
    ['names of prototypes', { uid: ['ada'], __proto__: ['x'], constructor: ['x'] }, { attributes: { email: '' } }],
  ])('%s', async (_, attributes, user) => {
    const [directory] = await meet({ search: both(entry('uid=ada', attributes), done()) })

    expect(await directory.findByLogin('ada', soon())).toMatchObject({ ok: true, value: [user] })
  })

  it.each<[string, Readonly<Record<string, readonly (string | Buffer)[]>>]>([
    ['without a login', { mail: ['a@b'] }],
    ['with an empty login', { uid: [''] }],
    ['without an id', { uid: ['ada'] }],
    ['with an id of the wrong length', { uid: ['ada'], objectGUID: ['short'] }],
  ])('entries %s are no users', async (_, attributes) => {
    const [directory] = await meet({ search: both(entry('uid=ada', attributes), done()) }, { UIDTYPE: 'objectGUID' })

    expect(await directory.findByLogin('ada', soon())).toEqual({ ok: true, value: [] })
  })

  it('an objectGUID whose bytes happen to be text', async () => {
    const guid = ['0123456789abcdef']
    const [directory] = await meet(
      { search: both(entry('uid=ada', { uid: ['ada'], objectguid: guid }), done()) },
      { UIDTYPE: 'objectGUID' },
    )

    expect(await directory.findByLogin('ada', soon())).toMatchObject({
      ok: true,
      value: [{ userId: '33323130-3534-3736-3839-616263646566' }],
    })
  })

  it('references to other servers are not followed', async () => {
    const [directory, server] = await meet({})
    server.play({ search: both(reference(`ldap://127.0.0.1:${server.port}/dc=elsewhere`), ADA, done()) })

    expect(await directory.findByLogin('ada', soon())).toMatchObject({ ok: true, value: [{ login: 'ada' }] })
    expect(server.heard.filter((request) => request === 'search')).toHaveLength(1)
  })

  it('more than was asked for is what was found so far', async () => {
    const [directory] = await meet({ search: both(ADA, done(4)) })

    expect(await directory.list({}, 1, soon())).toMatchObject({ ok: true, value: [{ login: 'ada' }] })
  })
})

describe('connections', () => {
  const binds = (server: LdapServer) => server.heard.filter((request) => request.startsWith('bind')).length

  it('are twenty at most, and serve one question after the other', async () => {
    const [directory, server] = await meet(FRIENDLY)

    const answers = await Promise.all(Array.from({ length: 100 }, () => directory.findByLogin('ada', soon())))

    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect(server.heard.filter((request) => request === 'search')).toHaveLength(100)
    expect([binds(server), server.connections()]).toEqual([20, 20])
  })

  it('are let go after a minute of rest, and by close', async () => {
    let now = 1_000_000
    const [directory, server] = await meet(FRIENDLY, {}, { ...mailEdges(), clock: () => now })
    const ask = async (seconds: number) => {
      now += seconds
      await directory.findByLogin('ada', soon())
      return binds(server)
    }

    expect([await ask(0), await ask(59), await ask(60)]).toEqual([1, 1, 2])
    await directory.close()
    await server.alone()
    expect(await ask(0)).toBe(3)
  })

  it('that rest go with the server that does not answer over one of them', async () => {
    const [directory, server] = await meet(FRIENDLY)
    await Promise.all([1, 2, 3].map(() => directory.findByLogin('ada', soon())))
    const before = server.connections()
    server.play({ search: 'silence' })

    expect(await directory.findByLogin('ada', AbortSignal.timeout(200))).toEqual(unavailable('timeout'))
    await server.alone()
    expect(before).toBe(3)
  })

  it('are one for each question where none outlives its request', async () => {
    const edges = mailEdges()
    const alone = { ...edges, capabilities: { ...edges.capabilities, sharedConnections: false } }
    const [directory, server] = await meet(FRIENDLY, {}, alone)

    await directory.findByLogin('ada', soon())
    await directory.findByLogin('ada', soon())
    await server.alone()

    expect(binds(server)).toBe(2)
  })

  it.each([
    ['for a minute', 1],
    ['until the clock is set back', -3600],
  ])('are not asked for by a refused account %s, lest it be locked', async (_, later) => {
    let now = 1_000_000
    const [directory, server] = await meet({ ...FRIENDLY, bind: bound(49) }, {}, { ...mailEdges(), clock: () => now })
    const ask = async (seconds: number) => {
      now += seconds
      const { ok } = await directory.findByLogin('ada', soon())
      return [ok, binds(server)]
    }

    expect([await ask(0), await ask(0), await ask(59)]).toEqual([
      [false, 1],
      [false, 1],
      [false, 1],
    ])
    server.play(FRIENDLY)
    expect(await ask(later)).toEqual([true, 2])
  })

  it('go to a server that failed again after a minute', async () => {
    let now = 1_000_000
    const second = await startLdapServer(FRIENDLY)
    opened.push(second)
    const edges = { ...mailEdges(), clock: () => now }
    const first = await startLdapServer({ bind: bound(52) })
    opened.push(first)
    const uris = `ldap://127.0.0.1:${first.port}, ldap://127.0.0.1:${second.port}`
    const read = await resolver.read({ ...KEYS, LDAPURI: uris }, edges)
    if (!read.ok) throw new Error(read.error.rule)
    const directory = resolver.create(read.value.config, edges)
    opened.push(directory)
    const ask = async (seconds: number) => {
      now += seconds
      await directory.close()
      return (await directory.findByLogin('ada', soon())).ok
    }

    expect([await ask(0), await ask(59)]).toEqual([true, true])
    expect([binds(first), binds(second)]).toEqual([1, 2])
    first.play(FRIENDLY)
    expect(await ask(60)).toBe(true)
    expect([binds(first), binds(second)]).toEqual([2, 2])
  })
})

it('writes nothing secret down', () => {
  expect(logged.filter((line) => /hunter2|secret|ada/.test(line))).toEqual([])
})
