import type { Attack } from './attack.ts'
export const secrets: readonly Attack[] = []
