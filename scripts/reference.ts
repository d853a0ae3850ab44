/** The reference pages, as text, from the declarations of policy actions and settings. */
import { SCOPES } from '../src/core/policy/action.ts'
import { actions } from '../src/core/policy/actions.ts'
import { settingKeys } from '../src/core/setting-keys.ts'

const cell = (text: string): string => text.replace(/\|/g, '\\|')

export function policiesPage(): string {
  const scopes = SCOPES.map((scope) => {
    const rows = actions
      .filter((action) => action.scope === scope)
      .map(({ name, value, default: byDefault, meaning }) => {
        const kind = value.allowed ? value.allowed.join(', ') : value.type
        return `| \`${name}\` | ${kind} | ${byDefault === null || byDefault === '' ? '–' : `\`${byDefault}\``} | ${cell(meaning)} |`
      })
    return `## ${scope}\n\n| Action | Value | Without a policy | Meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `# Policies

A policy has a name, a scope, actions, and conditions on realm, user, client and time. It is set with
\`/system/setPolicy\` as in LinOTP.

**Actions** stand between commas: \`name\`, \`!name\` (off), \`name=value\`; a value with a comma is put in quotes.

**Conditions.** \`realm\`: names, \`*\`, \`-name\`. \`user\`: logins, patterns (\`al*\`), \`resolver:\`, \`*\`, \`-name\`; on the login without
realm. \`client\`: IPv4 and IPv6 addresses and networks, \`*\`, \`-10.0.0.1\`. \`time\`: six cron fields (minute hour day month
weekday year) in the server's time zone, UTC on Workers; several separated by \`;\`.

**Which one speaks.** Of those that match, the most precise by user (exact, then pattern, then \`*\`), then by realm, then by
client. If they still disagree, the first name in the alphabet decides; \`/system/checkPolicy\` shows them in that order.

Rights of scopes selfservice, admin, system and audit can be stored and are shown, but are not enforced yet.

${scopes.join('\n')}`
}

export function settingsPage(): string {
  const rows = settingKeys.map(({ key, rule, fallback, meaning }) => {
    const without = fallback === null || fallback === '' ? '–' : `\`${fallback}\``
    return `| \`${key}\` | ${rule === null ? 'text' : rule.replace(/^must be /, '')} | ${without} | ${cell(meaning)} |`
  })
  return `# System configuration

Set with \`/system/setConfig\`, read with \`/system/getConfig\`, as in LinOTP. A value that breaks its rule is refused; one that was
stored elsewhere counts as not there. Entries that are not listed here are kept and have no effect.

| Key | Value | Without it | Meaning |
|---|---|---|---|
${rows.join('\n')}
`
}
