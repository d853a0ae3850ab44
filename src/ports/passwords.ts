/** Passwords of users: texts of crypt(3), as passwd files hold them. */

/** False for a wrong password, for a format that is not known, and where no password is known. Takes its time. */
export type PasswordMatches = (password: string, hash: string) => Promise<boolean>
