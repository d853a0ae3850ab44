/** Passwords of users: texts of crypt(3), as passwd files hold them. */

/**
 * False for a wrong password, for a format that is not known, and where no password is known. Takes its time.
 *
 * @param decoy computed where `hash` cannot be, so that it takes as long; the answer is no, whatever comes out
 */
export type PasswordMatches = (password: string, hash: string, decoy?: string) => Promise<boolean>

/** How to compare a password with a text, or null when the text is of another format. */
export type PasswordFormat = (text: string) => ((password: string) => boolean | Promise<boolean>) | null
