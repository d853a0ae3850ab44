import { describe } from 'vitest'
import { testingSuite } from './suite.ts'

describe('otpost/testing on miniflare', () => testingSuite('miniflare'))
