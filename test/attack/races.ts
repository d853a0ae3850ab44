/** Races: many requests at once, where only some of them may win. */
import { atOnce, type Outcome, type Start } from './attack.ts'
import type { Target } from './target.ts'

type Race = { readonly name: string; readonly run: (target: Target, count: number) => Promise<readonly string[]> }

const yes = (body: { readonly result: { readonly value: unknown } }): boolean => body.result.value === true

const RACES: readonly Race[] = [
  {
    name: 'equal right answers',
    run: async (target, count) => {
      const { user, challenge } = await target.enrol()
      const answer = await challenge()
      const accepted = (await atOnce(count, () => target.check({ user, ...answer }))).filter(yes).length
      return accepted === 1 ? [] : [`${accepted} of ${count} were accepted`]
    },
  },
  {
    name: 'wrong answers, then the right one',
    run: async (target, count) => {
      const { user, serial, challenge } = await target.enrol(10)
      const { transactionid, pass } = await challenge()
      const wrong = await atOnce(count, (n) =>
        target.check({
          user,
          transactionid,
          pass: String(n).padStart(6, '0') === pass ? '999999' : String(n).padStart(6, '0'),
        }),
      )
      const right = await target.check({ user, transactionid, pass })
      const { value } = (await target.admin('/admin/show', { serial })).result
      const failures = (value as { data: Record<string, unknown>[] }).data[0]?.['LinOtp.FailCount'] // one token, as LinOTP shows it
      return [
        ...(Number(failures) >= count ? [] : [`${count} wrong answers, of which ${failures} were counted`]),
        ...(wrong.some(yes) ? ['a wrong answer was accepted'] : []),
        ...(yes(right) ? [`the right answer was accepted after ${count} wrong ones, ten being allowed`] : []),
      ]
    },
  },
  {
    name: 'triggers',
    run: async (target, count) => {
      const { user, pin, mails } = await target.enrol()
      const told = await atOnce(count, () => target.check({ user, pass: pin }))
      const transactions = new Set(told.map(({ detail }) => detail?.transactionid))
      return [
        ...(mails() === 1 ? [] : [`${mails()} mails for ${count} equal triggers`]),
        ...(transactions.size === 1 ? [] : [`${transactions.size} transactions`]),
      ]
    },
  },
  {
    name: 'right answers against the lock',
    run: async (target, count) => {
      const { user, challenge } = await target.enrol(5)
      const { transactionid, pass } = await challenge()
      const answers = await atOnce(count, (n) =>
        target.check({ user, transactionid, pass: n % 4 === 0 ? pass : '000000' === pass ? '111111' : '000000' }),
      )
      const accepted = answers.filter(yes).length
      return accepted <= 1 ? [] : [`${accepted} were accepted`]
    },
  },
  ...(
    [
      ['disabled', '/admin/disable'],
      ['removed', '/admin/remove'],
    ] as const
  ).map(([what, path]) => ({
    name: `right answers while the token is ${what}`,
    run: async (target: Target, count: number) => {
      const { user, serial, challenge } = await target.enrol()
      const answer = await challenge()
      const [, ...answers] = await Promise.all([
        target.admin(path, { serial }),
        ...Array.from({ length: count }, () => target.check({ user, ...answer })),
      ])
      const late = await atOnce(count, () => target.check({ user, ...answer }))
      const accepted = answers.filter(yes).length
      return [
        ...(accepted <= 1 ? [] : [`${accepted} were accepted`]),
        ...(late.some(yes) ? [`accepted after the token was ${what}`] : []),
      ]
    },
  })),
  {
    name: 'right answers around the expiry',
    run: async (target, count) => {
      await target.admin('/system/setConfig', { EmailChallengeValidityTime: '2' })
      const { user, challenge } = await target.enrol(100_000)
      const answer = await challenge()
      const until = Date.now() + 4500
      let [accepted, late] = [0, 0]
      // The clock of the server counts whole seconds: what comes three seconds later is late by any reading.
      const opened = Date.now()
      while (Date.now() < until) {
        const asked = Date.now()
        const wrong = asked - opened < 1800
        const answers = await atOnce(Math.ceil(count / 20), () =>
          target.check(wrong ? { user, ...answer, pass: '000000' } : { user, ...answer }),
        )
        accepted += answers.filter(yes).length
        if (asked - opened > 3000) late += answers.filter(yes).length
      }
      await target.admin('/system/setConfig', { EmailChallengeValidityTime: '600' })
      return [
        ...(accepted <= 1 ? [] : [`${accepted} were accepted`]),
        ...(late === 0 ? [] : ['accepted after its expiry']),
      ]
    },
  },
  {
    name: 'right answers while all is sealed anew',
    run: async (target, count) => {
      const { user, challenge } = await target.enrol()
      const answer = await challenge()
      const [, ...answers] = await Promise.all([
        target.admin('/otpost/keys/rotate', {}),
        ...Array.from({ length: count }, () => target.check({ user, ...answer })),
      ])
      const accepted = answers.filter(yes).length
      return accepted === 1 ? [] : [`${accepted} of ${count} were accepted`]
    },
  },
]

export const races = RACES.map(({ name, run }) => ({
  name,
  run: async (target: Target, { profile }: Start): Promise<Outcome> => {
    const count = profile === 'full' ? 200 : 50
    return { tries: count, through: await run(target, count) }
  },
}))
