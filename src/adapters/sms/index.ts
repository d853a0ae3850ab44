/** SMS providers: the table of contents. To add one, write its file and a line here. */
import type { Provider } from '../../ports/provider.ts'
import { provider as file } from './file.ts'
import { provider as http } from './http.ts'

export const smsProviders: readonly Provider[] = [http, file]
