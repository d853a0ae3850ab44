/**
 * Failures: every expected failure, by code. Codes are English and for ever; what a client is told, and under which
 * number and HTTP status, is the dialect's business.
 */

/** Why a check did not end in "yes". Goes to audit and log, never to the client unless policy says so. */
export type CheckFailure =
  | 'user_missing'
  | 'user_unknown'
  | 'user_ambiguous'
  | 'realm_unknown'
  /** A directory could not be asked, and without it nobody is found. */
  | 'resolver_unavailable'
  | 'token_missing'
  | 'token_inactive'
  | 'token_locked'
  /** It failed a moment ago, for the third time or more (`fail_delay`). */
  | 'token_waiting'
  | 'token_foreign_realm'
  | 'token_out_of_scope'
  | 'token_not_yet_valid'
  | 'token_expired'
  | 'token_usage_exceeded'
  | 'token_not_allowed'
  | 'token_unverified'
  | 'user_not_authorized'
  | 'token_unreadable'
  | 'pass_missing'
  | 'pin_wrong'
  | 'otp_wrong'
  | 'otp_ambiguous'
  | 'token_ambiguous'
  | 'challenge_missing'
  | 'challenge_lost'
  | 'address_missing'
  | 'provider_missing'
  | 'message_undelivered'
  | 'send_limit_reached'
  | 'client_limit_reached'
  | 'destination_not_allowed'
  | 'config_invalid'

/** Why a request of an administrator, or of a user in self-service, was refused. `field` names the parameter or key, `rule` what it must be. */
export type AdminFailure =
  | { readonly code: 'parameter_missing'; readonly field: string }
  | { readonly code: 'parameter_invalid'; readonly field: string; readonly rule: string }
  | { readonly code: 'user_unknown'; readonly user: string }
  | { readonly code: 'realm_unknown'; readonly realm: string }
  | { readonly code: 'resolver_unknown'; readonly resolver: string }
  | { readonly code: 'resolver_exists'; readonly resolver: string }
  | { readonly code: 'resolver_in_use'; readonly resolver: string; readonly realms: readonly string[] }
  /** `reason` says what is wrong with it, without secrets. */
  | { readonly code: 'resolver_unavailable'; readonly resolver: string; readonly reason: string }
  | { readonly code: 'user_exists'; readonly user: string; readonly field: 'username' | 'userid' }
  | { readonly code: 'token_unknown'; readonly serial: string }
  | { readonly code: 'token_type_unknown'; readonly type: string }
  | { readonly code: 'token_type_conflict'; readonly serial: string; readonly type: string }
  /** Several tokens have this OTP. */
  | { readonly code: 'otp_ambiguous'; readonly serials: readonly string[] }
  | { readonly code: 'secret_conflict' }
  | { readonly code: 'token_limit_reached'; readonly limit: 'ofUser' | 'ofUserAndType' | 'activeInRealm' }
  | { readonly code: 'settings_missing'; readonly known: readonly string[] }
  | { readonly code: 'provider_type_unknown'; readonly type: string }
  | { readonly code: 'provider_class_unknown'; readonly class: string }
  | { readonly code: 'provider_unknown'; readonly name: string }
  /** Its password was not given, or is another one. */
  | { readonly code: 'provider_managed'; readonly attempt: 'overwrite' | 'delete' }
  | { readonly code: 'template_unknown'; readonly name: string }
  | { readonly code: 'admin_unknown'; readonly username: string }
  | { readonly code: 'admin_exists'; readonly username: string }
  | { readonly code: 'api_token_unknown'; readonly id: string }
  | { readonly code: 'policy_action_unknown'; readonly action: string; readonly policy: string }
  | { readonly code: 'policy_lockout'; readonly reason: string }
  | { readonly code: 'policy_name_illegal'; readonly name: string }
  | { readonly code: 'policy_name_missing' }
  /** One of these rights is needed. */
  | { readonly code: 'right_missing'; readonly missing: readonly string[] }
  /** The administrator has the right in other realms only. */
  | { readonly code: 'right_elsewhere'; readonly what: 'token' | 'user' | 'realm' }
  | { readonly code: 'audit_broken'; readonly finding: string; readonly found: number }
  /** Policy gives the user no right to it. */
  | { readonly code: 'self_right_missing' }
  | { readonly code: 'pin_not_allowed'; readonly user: string }
  | { readonly code: 'pin_missing'; readonly user: string }
  | { readonly code: 'pin_refused'; readonly rule: string }
  /** Users may only take their own address. */
  | { readonly code: 'address_not_own'; readonly field: string }
  | { readonly code: 'token_owned'; readonly serial: string }
  | { readonly code: 'token_realm_foreign'; readonly serial: string }
  | { readonly code: 'challenge_unknown'; readonly transactionId: string }
  | { readonly code: 'challenge_ambiguous'; readonly transactionId: string }
  | { readonly code: 'challenge_pending'; readonly message: string }
  | { readonly code: 'message_unsent'; readonly serial: string }
