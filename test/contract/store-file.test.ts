import { describeStore } from './store.ts'
import { openLibsqlFile } from './store-databases.ts'

describeStore('libSQL file', () => openLibsqlFile('FULL'))
