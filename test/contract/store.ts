/**
 * Contract of the store: every step, with fifty at once where it changes something, on every database.
 *
 * `open` gives a migrated, empty database; the suite puts the store over it, so that it sees every statement.
 */
import { describe } from 'vitest'
import { adminTests } from './store-admins.ts'
import { answerTests } from './store-answers.ts'
import { auditTests } from './store-audit.ts'
import { batchTests } from './store-batches.ts'
import { bucketTests } from './store-buckets.ts'
import { claimTests } from './store-claims.ts'
import { clockTests } from './store-clock.ts'
import { deliveryTests } from './store-deliveries.ts'
import { failureTests } from './store-failures.ts'
import { createSuite, type Database } from './store-fixture.ts'
import { gatherTests } from './store-gather.ts'
import { keyTests } from './store-keys.ts'
import { nobodyTests } from './store-nobody.ts'
import { openingTests } from './store-opening.ts'
import { policyTests } from './store-policies.ts'
import { providerTests } from './store-providers.ts'
import { realmTests } from './store-realms.ts'
import { restTests } from './store-rests.ts'
import { selfTests } from './store-self.ts'
import { settingsTests } from './store-settings.ts'
import { templateTests } from './store-templates.ts'
import { throttleTests } from './store-throttle.ts'
import { tokenChangeTests } from './store-token-changes.ts'
import { tokenCreationTests } from './store-token-creation.ts'
import { tokenPageTests } from './store-token-pages.ts'
import { tokenTests } from './store-tokens.ts'
import { userTests } from './store-users.ts'

export function describeStore(name: string, open: () => Promise<Database>): void {
  // Fifty at once take their time on a busy machine.
  describe(name, { timeout: 30_000 }, () => {
    const suite = createSuite(open)
    openingTests(suite)
    deliveryTests(suite)
    answerTests(suite)
    bucketTests(suite)
    claimTests(suite)
    failureTests(suite)
    throttleTests(suite)
    clockTests(suite)
    gatherTests(suite)
    tokenTests(suite)
    selfTests(suite)
    tokenChangeTests(suite)
    tokenCreationTests(suite)
    tokenPageTests(suite)
    nobodyTests(suite)
    settingsTests(suite)
    restTests(suite)
    providerTests(suite)
    realmTests(suite)
    userTests(suite)
    policyTests(suite)
    templateTests(suite)
    keyTests(suite)
    adminTests(suite)
    auditTests(suite)
    // Last: it looks back on everything that was sent.
    batchTests(suite)
  })
}
