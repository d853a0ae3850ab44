import { describeStore } from './store.ts'
import { openD1 } from './store-databases.ts'

describeStore('D1', openD1)
