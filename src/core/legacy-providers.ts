/**
 * The provider `imported_default`: what LinOTP's old configuration keys say, one provider of each type (contract 4.2).
 *
 * It is there as soon as its configuration is, and has no row of its own: setConfig, delConfig and the endpoints for
 * providers change the same keys. It is the default where no other provider of its type is marked as such.
 */
import { emailBlocking, type Setting, smsTimeout } from './setting-keys.ts'
import { type ConfigEntry, type ProviderRecord, type ProviderType, settingOf } from './settings.ts'

export const IMPORTED_DEFAULT = 'imported_default'

export type LegacyKeys = {
  readonly class: string
  /** Its value is a secret: sealed whatever type it is posted with. */
  readonly config: string
  /** Not a time-out: for e-mail how long a message blocks the next one, for SMS how long an OTP is valid. */
  readonly timeout: Setting<number>
  /** What holds without the class key; the one that a fresh LinOTP has. */
  readonly fallbackClass: string
}

export const legacyKeys: Readonly<Record<ProviderType, LegacyKeys>> = {
  email: {
    class: 'EmailProvider',
    config: 'EmailProviderConfig',
    timeout: emailBlocking,
    fallbackClass: 'linotp.provider.emailprovider.SMTPEmailProvider',
  },
  sms: {
    class: 'SMSProvider',
    config: 'SMSProviderConfig',
    timeout: smsTimeout,
    fallbackClass: 'smsprovider.HttpSMSProvider.HttpSMSProvider',
  },
}

export const PROVIDER_TYPES: readonly ProviderType[] = ['email', 'sms']

/** The type whose legacy configuration an entry of the system configuration is. */
export const legacyTypeOf = (key: string): ProviderType | undefined =>
  PROVIDER_TYPES.find((type) => legacyKeys[type].config === key)

export const legacyClass = (type: ProviderType, config: ReadonlyMap<string, ConfigEntry>): string =>
  config.get(legacyKeys[type].class)?.value ?? legacyKeys[type].fallbackClass

/** @param others the providers that have a row */
export function legacyProviders(
  config: ReadonlyMap<string, ConfigEntry>,
  others: readonly ProviderRecord[],
): readonly ProviderRecord[] {
  return PROVIDER_TYPES.flatMap((type): readonly ProviderRecord[] => {
    const entry = config.get(legacyKeys[type].config)
    if (!entry) return []
    return [
      {
        type,
        name: IMPORTED_DEFAULT,
        class: legacyClass(type, config),
        sealedConfig: entry.value,
        managed: '',
        timeout: String(settingOf({ config }, legacyKeys[type].timeout)),
        isDefault: !others.some((other) => other.type === type && other.isDefault),
      },
    ]
  })
}

/**
 * A configuration with the provider's time-out merged in, which LinOTP's HTTP gateway reads (contract 4.5). That of
 * `imported_default` says something else and would let one gateway use up the time of all.
 */
export const withTimeout = <T extends object>(
  config: T,
  { name, timeout }: Pick<ProviderRecord, 'name' | 'timeout'>,
): T | (T & { readonly timeout: string }) => (name === IMPORTED_DEFAULT ? config : { ...config, timeout })
