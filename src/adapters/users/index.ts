/** Classes of directories: the table of contents. To add one, write its file and a line here. */
import type { ResolverClass } from '../../ports/users.ts'
import { resolver as http } from './http.ts'
import { resolver as ldap } from './ldap.ts'
import { resolver as sql } from './sql.ts'

export const resolverClasses: readonly ResolverClass[] = [http, ldap, sql]
