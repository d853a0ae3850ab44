/** The reference pages, as text, from the declarations of policy actions and settings. */
import { SCOPES } from '../src/core/policy/action.ts'
import { actions } from '../src/core/policy/actions.ts'
import { settingKeys } from '../src/core/setting-keys.ts'

const cell = (text: string): string => text.replace(/\|/g, '\\|')

export function policiesPage(): string {
  const scopes = SCOPES.map((scope) => {
    const rows = actions
      .filter((action) => action.scope === scope)
      .map(({ name, value, default: byDefault, meaning: says, idle }) => {
        const kind = value.allowed ? value.allowed.join(', ') : value.type
        const meaning = idle ? `${says} **No effect**, since ${idle}.` : says
        const without = value.write?.(byDefault) ?? String(byDefault ?? '')
        return `| \`${name}\` | ${kind} | ${without === '' ? '–' : `\`${without}\``} | ${cell(meaning)} |`
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
client. If they still disagree, the first name in the alphabet decides; \`/system/checkPolicy\` shows them in that order, and
allows nothing that \`!name\` forbids. \`otpost policy explain\` says for a user which ones speak, which do not, and why.

**Limits on messages.** \`send_limit\` counts per token when a challenge is opened, so a message that could not be delivered
counts, and so does what \`autosms\` sends; a request that is pointed to an earlier message does not. Only messages sent under a
limit are counted: one that is set today begins at 0. A number is 1 to 100, a window at most \`7d\`.

**Destinations.** \`*@example.org\` (or \`example.org\`) means mailboxes of this domain and of none below it, \`*@*.example.org\` those of
the domains below it alone; before the \`@\` may stand a name, with \`*\` in it. Case makes no difference, and a domain is the same
in letters and in its \`xn--\` form. Of telephone numbers \`+49*\` means those that begin so and \`+491701234567\` the one, whatever
blanks, dashes, dots, slashes and brackets stand in them and whether they begin with \`+\` or \`00\`; numbers without either are
national ones, \`0170*\`. The policies for the user, client and time of the request decide about the address that the message
would go to, the user's present one where a policy says so. \`/admin/init\` and \`/admin/set\` refuse an address outside, with its
field, by the policies for the administrator's client; where \`dynamic_email_address\` or \`sms_dynamic_mobile_number\` holds, the
token's own address may be anything.

Under either of them nothing is sent and no challenge opened; the client gets the answer to a wrong PIN, and no failure is counted.
Audit and log have the reason, \`send_limit_reached\` or \`destination_not_allowed\`, with the address masked.

**Rights of administrators** (scopes admin, system, audit, tools; \`user\` is the administrator's login) follow other rules: all policies
that match count together, see [administrators.md](administrators.md).

Whoever saves an action that has no effect is warned, by the header \`otpost-warning\` and in the log.

${scopes.join('\n')}`
}

export function settingsPage(): string {
  const rows = settingKeys.map(({ key, rule, fallback, meaning }) => {
    const without = fallback === null || fallback === '' ? '–' : `\`${fallback}\``
    return `| \`${key}\` | ${rule === null ? 'text' : rule.replace(/^must be /, '')} | ${without} | ${cell(meaning)} |`
  })
  return `# System configuration

Set with \`/system/setConfig\`, read with \`/system/getConfig\`, as in LinOTP. A value that breaks its rule is refused; one that was
stored elsewhere counts as not there, but for \`validate_clients\`, which lets nobody in then, and \`validate_api_key\`, which holds.
Entries that are not listed here are kept and have no effect.

| Key | Value | Without it | Meaning |
|---|---|---|---|
${rows.join('\n')}
`
}
