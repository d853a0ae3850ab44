/** Users as a text in passwd format, `login:x:uid:gid:name,room,mobile,phone,email:home:shell`. */
import type { NewUser } from './types.ts'

/** User ids follow the order, so users are added at the end. @throws when a field cannot be written in that format */
export function passwdText(users: readonly NewUser[]): string {
  return users
    .map(({ login, name = '', mobile = '', email = '' }, index) => {
      for (const field of [login, name, mobile, email])
        if (/[:,\p{Cc}]/u.test(field)) throw new Error(`'${field}': a user has no colons, commas and line breaks`)
      return `${login}:x:${1001 + index}:1001:${name},,${mobile},,${email}:/home/${login}:/bin/sh\n`
    })
    .join('')
}
