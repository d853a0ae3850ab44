/** Mail providers: the table of contents. To add one, write its file and a line here. */
import type { Provider } from '../../ports/provider.ts'
import { provider as smtp } from './smtp.ts'

export const mailProviders: readonly Provider[] = [smtp]
