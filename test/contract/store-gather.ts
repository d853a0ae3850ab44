/** Contract of `gather` and `findChallenges`: everything one request needs to decide, in one read. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { PasswdUser } from '../../src/core/passwd.ts'
import type { GatherQuery } from '../../src/ports/store.ts'
import {
  auditRow,
  challenged,
  enrolled,
  enrolledMany,
  NOW,
  openCommand,
  type Suite,
  times,
  tokenOf,
} from './store-fixture.ts'

export function gatherTests(suite: Suite): void {
  const [first, second] = [suite.next('gather-'), suite.next('gather-')]
  const query = (over: Partial<GatherQuery>): GatherQuery => ({
    users: [],
    serial: null,
    tokenType: null,
    now: NOW,
    ...over,
  })
  const lookup = (login: string, ...resolvers: readonly string[]) => ({ login, resolvers })
  const ada = { userId: '1001', resolver: first }
  const serialsOf = (tokens: readonly { readonly serial: string }[]) => tokens.map(({ serial }) => serial)

  describe('findChallenges', () => findChallengeTests(suite))
  it('listChallenges lists unexpired challenges in any state, of one token or of all, the newest first', async () => {
    const [one, other] = [await enrolled(suite), await enrolled(suite)]
    const first = await challenged(suite, one, { set: "state = 'accepted'" })
    const second = await challenged(suite, other)
    const third = await challenged(suite, one, { set: "delivery = 'undelivered'" })
    await challenged(suite, one, { set: `expires_at = ${NOW}` })

    const all = (await suite.store.listChallenges(null, NOW)).map(({ id }) => id)

    expect(await suite.store.listChallenges(one.serial, NOW)).toEqual([third, first])
    expect(all.filter((id) => [first, second, third].some((known) => known.id === id))).toEqual([
      ...[third.id, second.id, first.id],
    ])
    expect(await suite.store.listChallenges('NONE', NOW)).toEqual([])
  })

  describe('gather', () => {
    beforeAll(async () => {
      await saveUsers(suite, first, [user('1001', 'ada'), user('1002', 'bob')])
      await saveUsers(suite, second, [user('1001', 'ada'), user('7', 'eve')])
    })

    it('finds a user, the tokens, and their open, unexpired challenges', async () => {
      const token = await enrolled(suite, { owner: ada, realms: ['corp'], info: { email_address: 'ä@example.org' } })
      await enrolled(suite, { owner: { userId: '1002', resolver: first } })
      await enrolled(suite, { owner: { userId: '1001', resolver: second } })
      const open = await challenged(suite, token)
      const pending = await challenged(suite, token, { set: `delivery = 'pending', expires_at = ${NOW + 1}` })
      await challenged(suite, token, { set: `expires_at = ${NOW}` })
      await challenged(suite, token, { set: "state = 'accepted'" })

      const gathered = await suite.store.gather(query({ users: [lookup('ada', first)] }))

      expect(gathered.version).toBe((await suite.store.settings()).version)
      expect(gathered.users).toEqual([
        [{ resolver: first, userId: '1001', login: 'ada', attributes: { username: 'ada' } }],
      ])
      expect(gathered.tokens).toEqual([await tokenOf(suite, token.serial)])
      expect(gathered.challenges).toEqual([open, pending])
    })

    it('keeps the order of the lookups and of their resolvers', async () => {
      const users = [lookup('nobody', first), lookup('ada', second, first), lookup('bob', first), lookup('eve', first)]

      const gathered = await suite.store.gather(query({ users }))

      expect(gathered.users.map((records) => records.map(({ login, resolver }) => [login, resolver]))).toEqual([
        [],
        [
          ['ada', second],
          ['ada', first],
        ],
        [['bob', first]],
        [],
      ])
    })

    it.each(['ADA', "ada' OR 1=1 --", 'a%', ''])('finds nobody who is called %j', async (login) => {
      await enrolled(suite)

      const gathered = await suite.store.gather(query({ users: [lookup(login, first, second)] }))

      expect([gathered.users, gathered.tokens, gathered.challenges]).toEqual([[[]], [], []])
    })

    it('finds a token by its serial whoever owns it, when no user is named', async () => {
      const [owned, free] = [await enrolled(suite, { owner: ada }), await enrolled(suite)]
      const challenge = await challenged(suite, owned)

      const found = await suite.store.gather(query({ serial: owned.serial }))
      const ownerless = await suite.store.gather(query({ serial: free.serial }))

      expect([serialsOf(found.tokens), found.challenges, found.users]).toEqual([[owned.serial], [challenge], []])
      expect(serialsOf(ownerless.tokens)).toEqual([free.serial])
    })

    it("finds a token by its serial only among the user's own, when a user is named", async () => {
      const [own, foreign] = [await enrolled(suite, { owner: ada }), await enrolled(suite)]
      const users = [lookup('ada', first)]

      const gathered = [
        await suite.store.gather(query({ users, serial: own.serial })),
        await suite.store.gather(query({ users, serial: foreign.serial })),
      ]

      expect(gathered.map(({ tokens }) => serialsOf(tokens))).toEqual([[own.serial], []])
    })

    it.each([
      ['email', 1],
      ['sms', 0],
    ])('finds tokens of the type %s only', async (tokenType, found) => {
      const { serial } = await enrolled(suite, { type: 'email' })

      expect((await suite.store.gather(query({ serial, tokenType }))).tokens).toHaveLength(found)
    })

    it('finds nothing when neither user nor serial is named', async () => {
      const gathered = await suite.store.gather(query({}))

      expect([gathered.users, gathered.tokens, gathered.challenges]).toEqual([[], [], []])
    })

    it('finds the tokens of a transaction, answered challenges included, when only that is named', async () => {
      const [first, second, other] = await enrolledMany(suite, 3)
      if (!first || !second || !other) throw new Error('three tokens')
      const command = openCommand(suite, [first, second])
      const { opened } = await suite.store.open(command)
      await suite.rows("UPDATE challenges SET state = 'accepted' WHERE serial = ?", second.serial)
      await challenged(suite, other)
      const [opening] = command.openings

      const whole = await suite.store.gather(query({ transactionId: command.parentId }))
      const part = await suite.store.gather(query({ transactionId: opening?.transactionId ?? '' }))
      const late = await suite.store.gather(query({ transactionId: command.parentId, now: NOW + 600 }))

      expect(serialsOf(whole.tokens)).toEqual([first.serial, second.serial])
      expect(whole.challenges).toEqual(opened.filter(({ serial }) => serial === first.serial))
      expect(serialsOf(part.tokens)).toEqual([first.serial])
      expect(late.tokens).toEqual([])
    })

    it('leaves out the token whose message of the transaction nobody took', async () => {
      const [first, second] = await enrolledMany(suite, 2)
      if (!first || !second) throw new Error('two tokens')
      const command = openCommand(suite, [first, second])
      const { opened } = await suite.store.open(command)
      await suite.rows("UPDATE challenges SET delivery = 'undelivered' WHERE serial = ?", second.serial)
      await challenged(suite, second) // one of another transaction

      const gathered = await suite.store.gather(query({ transactionId: command.parentId }))

      expect(serialsOf(gathered.tokens)).toEqual([first.serial])
      expect(gathered.challenges).toEqual(opened.filter(({ serial }) => serial === first.serial))
    })

    it.each([['serial'], ['user']])('does not look at the transaction when a %s is named', async (kind) => {
      const [named, other] = [
        await enrolled(suite, { owner: { userId: '1002', resolver: first } }),
        await enrolled(suite),
      ]
      const { transactionId } = await challenged(suite, other)
      const who = kind === 'serial' ? { serial: named.serial } : { users: [lookup('bob', first)], serial: named.serial }

      expect(serialsOf((await suite.store.gather(query({ ...who, transactionId }))).tokens)).toEqual([named.serial])
    })

    it('lists a token once that two lookups find', async () => {
      const owner = { userId: '7', resolver: second }
      const tokens = await times(3, () => enrolled(suite, { owner }))
      const users = [lookup('eve', second), lookup('eve', first, second)]

      const gathered = await suite.store.gather(query({ users }))

      expect(serialsOf(gathered.tokens).toSorted()).toEqual(serialsOf(tokens).toSorted())
    })
  })
}

function findChallengeTests(suite: Suite): void {
  const found = async (transactionId: string, now = NOW) =>
    (await suite.store.findChallenges(transactionId, now)).map(({ challenge, token }) => [challenge.id, token.serial])

  it('finds unexpired challenges of a transaction in any state, with their tokens', async () => {
    const tokens = await enrolledMany(suite, 3)
    const command = openCommand(suite, tokens)
    const { opened } = await suite.store.open(command)
    const [first, second, third] = opened.toSorted((a, b) => a.id - b.id)
    await suite.rows("UPDATE challenges SET state = 'accepted' WHERE id = ?", first?.id ?? 0)
    await suite.rows("UPDATE challenges SET state = 'superseded' WHERE id = ?", second?.id ?? 0)

    expect(await found(command.parentId)).toEqual([first, second, third].map((c) => [c?.id, c?.serial]))
    expect(await found(second?.transactionId ?? '')).toEqual([[second?.id, second?.serial]])
    expect(await found(command.parentId, NOW + 599)).toHaveLength(3)
    expect(await found(command.parentId, NOW + 600)).toEqual([])
    expect(await found(command.parentId.slice(0, -1))).toEqual([])
    expect(await found('')).toEqual([])
  })

  it('hands back challenge and token as they stand', async () => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token, { set: 'attempts = 2' })

    const [one] = await suite.store.findChallenges(challenge.transactionId, NOW)

    expect(one).toEqual({ challenge, token: await tokenOf(suite, token.serial) })
  })
}

const user = (userId: string, login: string): PasswdUser => ({
  userId,
  login,
  attributes: { username: login },
  passwordHash: 'x',
})

async function saveUsers(suite: Suite, name: string, users: readonly PasswdUser[]): Promise<void> {
  const resolver = { name, type: 'passwdresolver', data: {}, users }
  await suite.store.saveResolver(resolver, 'create', auditRow(suite.next('resolver-')))
}
