/** The dialects, one line each. */
import type { Dialect } from '../dialect.ts'
import { linotp } from './linotp/index.ts'
import { privacyidea } from './privacyidea/index.ts'

export const dialects: readonly Dialect[] = [linotp, privacyidea]
