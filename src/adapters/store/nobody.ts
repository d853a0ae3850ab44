/**
 * Nobody: who is found where there is no user, and whose token is found where there is none.
 *
 * How long a refusal takes must not tell who exists. So `gather` always finds a user and a token, `toUser` and `toToken`
 * make records of them like of any other, and what is nobody's is left out then; `reject` counts a failure that no token
 * pays on nobody's. The user stands here, the token is a row of its table (migration 0003), for it is written to. It has
 * no owner, no realm, no type and is not active, so nothing that asks for one of these meets it; what asks for serials,
 * or for all, says `somebodys`. Should the row be gone, everything goes on, in another time.
 */
import { sql } from 'drizzle-orm/sql'
import type { USER_COLUMNS } from './rows.ts'

/** Serial of the token. */
export const NOBODY = '(nobody)'

/** In a statement over tokens: it is a real one. */
export const somebodys = sql`serial <> ${NOBODY}`

/** As much text as users of a passwd file have; no lookup has this number. */
export const NOBODY_AS_USER = {
  lookup: -1,
  resolver: 'people',
  user_id: '0000',
  login: 'nobody',
  attributes: JSON.stringify({
    ...{ username: 'nobody', userid: '0000', description: 'Nobody Nobody,room,+49 170 0000000,+49 30 000' },
    ...{
      email: 'nobody@example.org',
      givenname: 'No',
      surname: 'Body',
      phone: '+49 30 000',
      mobile: '+49 170 0000000',
    },
  }),
} as const satisfies Record<(typeof USER_COLUMNS)[number], string | number>
