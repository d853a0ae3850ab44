/** Commands over tokens: what operators do by hand, and imports. Part of the suite that runs on both kinds of target. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newDataDir, type Ran } from './otpost.ts'

export type Runner = {
  readonly command: (args: readonly string[], input?: string) => Promise<Ran>
  readonly json: (args: readonly string[]) => Promise<unknown>
}

/** @param runner against a server whose realm `staff` has the users ada and bob */
export function tokenTests({ command, json }: Runner): void {
  describe('token', () => {
    const said = async (args: readonly string[], input = ''): Promise<string> => {
      const { code, stdout, stderr } = await command(['token', ...args], input)
      return `${code}: ${stdout}${stderr}`
    }
    const serials = async (args: readonly string[]): Promise<readonly string[]> =>
      ((await json(['token', 'list', ...args])) as readonly { serial: string }[]).map(({ serial }) => serial) // matched below
    const file = (name: string, lines: readonly string[]): string => {
      const path = join(dirname(newDataDir()), name)
      writeFileSync(path, `${lines.join('\n')}\n`)
      return path
    }
    const HEADER = 'user,realm,email,phone,serial,pin'

    it('import takes a file in a dry run, for good, and not twice', async () => {
      const path = file('tokens.csv', [
        HEADER,
        'ada,staff,ada@example.org,,CLI1,geheim',
        'bob,staff,,+49170222222,CLI2,',
      ])

      expect(await said(['import', path, '--dry-run'])).toBe('0: Would import 2 tokens, refused 0.\n')
      expect(await serials(['--serial', 'CLI*'])).toEqual([])
      expect(await said(['import', path])).toBe('0: Imported 2 tokens, refused 0.\n')
      const again = await said(['import', path])
      expect(again).toMatch(/^1: LINE {2}FIELD {3}RULE\n2 +serial {2}must not be that of a token that exists\n3 /)
      expect(again).toMatch(/Imported 0 tokens, refused 2\.\n$/)
      expect(again).not.toContain('geheim')
      expect(await serials(['--serial', 'CLI*'])).toEqual(['CLI1', 'CLI2'])
    })

    it('import tells as one JSON document what became of each row, by its line in the file', async () => {
      const path = file('more.csv', [
        HEADER,
        ',staff,x,,CLI3,',
        '',
        ',staff,x@example.org,,CLI3,',
        ',staff,free@example.org,,CLI4,',
      ])

      const { code, stdout } = await command(['token', 'import', path, '--json'])

      expect(code).toBe(1)
      expect(JSON.parse(stdout)).toEqual({
        ...{ dryRun: false, good: 1, refused: 2 },
        rows: [
          { line: 2, outcome: 'refused', field: 'email', rule: expect.stringMatching(/^must be/) },
          { line: 4, outcome: 'refused', field: 'serial', rule: 'must stand once in a file; line 2 has the same' },
          { line: 5, outcome: 'imported', serial: 'CLI4' },
        ],
      })
    })

    it('import says what is wrong with a file as a whole', async () => {
      expect(await said(['import', file('bad.csv', ['name,mail', 'ada,x'])])).toMatch(
        /^1: .*the file must begin with a line of column names; 'name' is none of line, type/,
      )
    })

    it('list finds by pattern, text, state and owner', async () => {
      await command(['token', 'disable', 'CLI2'])

      expect(await serials(['--state', 'disabled', '--serial', 'CLI*'])).toEqual(['CLI2'])
      expect(await serials(['--free', '--serial', 'CLI*'])).toEqual(['CLI4'])
      expect(await serials(['--search', 'cli2', '--realm', 'st*'])).toEqual(['CLI2'])
      expect(await serials(['--user', '*d*', '--serial', 'CLI*'])).toEqual(['CLI1'])
    })

    it('assign, unassign, set-pin, enable, disable and reset say what they did', async () => {
      expect(await said(['assign', 'CLI4', '--user', 'bob', '--realm', 'staff', '--pin-stdin'], '1234\n')).toBe(
        '0: Token CLI4 is bob’s.\n',
      )
      expect(await serials(['--user', 'bob', '--realm', 'staff'])).toEqual(expect.arrayContaining(['CLI2', 'CLI4']))
      expect(await said(['unassign', 'CLI4'])).toMatch(/^0: Token CLI4 is nobody’s\./)
      expect(await said(['set-pin', 'CLI4', '--pin', '99'])).toBe('0: Token CLI4 has another PIN.\n')
      expect(await said(['enable', 'CLI2'])).toBe('0: Enabled token CLI2.\n')
      expect(await said(['reset', 'CLI2'])).toBe('0: Reset token CLI2.\n')
      for (const change of ['enable', 'unassign'])
        expect(await said([change, 'NOSUCH'])).toMatch(/^1: .*no token with serial '?NOSUCH/)
    })

    it('lost replaces a token', async () => {
      const made = await json(['token', 'lost', 'CLI2'])
      const again = await said(['lost', 'CLI2', '--type', 'sms', '--to', '+49170333333'])

      expect(made).toEqual({ serial: 'lostCLI2', type: 'email', validUntil: expect.stringMatching(/ 23:59$/) })
      expect(again).toMatch(/^1: .*serial must not be replaced already: lostCLI2 exists/)
      expect(await said(['remove', 'lostCLI2'])).toBe('0: Removed token lostCLI2.\n')
    })
  })
}
