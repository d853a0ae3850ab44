import { describeStore } from './store.ts'
import { openLibsqlHttp } from './store-databases.ts'

describeStore('libSQL over HTTP', openLibsqlHttp)
