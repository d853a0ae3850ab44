/** What the HTTP service is put together from. */
import type { Admins } from '../flows/admins.ts'
import type { Audit } from '../flows/audit.ts'
import type { AuditAdmin } from '../flows/audit-admin.ts'
import type { ListChallenges } from '../flows/challenge-admin.ts'
import type { ChallengeFor } from '../flows/challenge-for.ts'
import type { KeyAdmin } from '../flows/keys.ts'
import type { Login } from '../flows/login.ts'
import type { PolicyAdmin } from '../flows/policy-admin.ts'
import type { Restored } from '../flows/restored.ts'
import type { Entitle } from '../flows/rights.ts'
import type { TemplateAdmin } from '../flows/template-admin.ts'
import type { Edges } from '../ports/edges.ts'
import type { ProxyList } from './middleware/facts.ts'
import type { Mount } from './mounts.ts'
import type { NamedUser } from './reply.ts'
import type { AdminFlows } from './routes/admin.ts'
import type { SystemFlows } from './routes/system.ts'
import type { TokenFlows } from './routes/tokens.ts'
import type { LocalUserFlows } from './routes/users.ts'
import type { SelfFlows } from './routes/userservice.ts'
import type { ValidateFlows, ValidateSettings } from './routes/validate.ts'

/** What every dialect is handed; nothing else is reachable from its routes. */
export type DialectParts = ValidateSettings & {
  readonly edges: Edges
  readonly audit: Audit
  readonly flows: ValidateFlows &
    AdminFlows &
    TokenFlows &
    SystemFlows &
    LocalUserFlows &
    SelfFlows & {
      readonly challengeFor: ChallengeFor
      readonly listChallenges: ListChallenges
      readonly admins: Admins
      readonly login: Login
      readonly entitle: Entitle
      readonly policies: PolicyAdmin
      readonly audits: AuditAdmin
      readonly templates: TemplateAdmin
      readonly keys: KeyAdmin
      readonly restored: Restored
    }
  readonly namedUser: NamedUser
  /** The setting `errors`: codes for which `httperror` counts. */
  readonly errorsSetting: () => Promise<string>
}

export type AppParts = DialectParts & {
  readonly mounts: readonly Mount[]
  /** Why the service cannot work yet, or null. Asked before each request until it says null. */
  readonly notReady: () => Promise<string | null>
  readonly proxies: ProxyList
  /** The public address is https, so cookies are for https alone. */
  readonly publicHttps: boolean
}
