import { defineConfig } from 'drizzle-kit'

export default defineConfig({ dialect: 'sqlite', schema: './src/adapters/store/schema.ts', out: './migrations' })
