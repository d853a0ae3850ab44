/**
 * The settings as this process knows them. The version rides on every gather; when it has moved, they are read again,
 * so a change counts from the very next request on every node.
 */
import type { Settings } from '../core/settings.ts'
import type { Store } from '../ports/store.ts'

export type SettingsCache = {
  /** What is known, read at first use. May be older than the database; compare the version before deciding. */
  readonly known: () => Promise<Settings>
  readonly fresh: () => Promise<Settings>
  /** What holds now, for whom a read has just told the version. */
  readonly at: (version: number) => Promise<Settings>
}

/** @param onRead is told of each reading, for whoever keeps something that hangs on the settings */
export function createSettingsCache(
  store: Pick<Store, 'settings'>,
  onRead: (settings: Settings) => void = () => {},
): SettingsCache {
  let current: Promise<Settings> | undefined
  const fresh = (): Promise<Settings> => {
    const reading = store.settings()
    current = reading
    // A failed read is not remembered: the next request tries again.
    reading.then(onRead, () => {
      if (current === reading) current = undefined
    })
    return reading
  }
  const known = (): Promise<Settings> => current ?? fresh()
  const at = async (version: number): Promise<Settings> => {
    const settings = await known()
    return settings.version === version ? settings : fresh()
  }
  return { known, fresh, at }
}
