import { defineConfig } from 'vitest/config'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 22)) {
  throw new Error(`the tests need Node 22.22 or newer, this is ${process.versions.node}: run them by "npm test"`)
}

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/architecture.test.ts'], testTimeout: 10_000 } },
      { test: { name: 'sh', include: ['test/sh/**/*.test.ts'], testTimeout: 30_000 } },
      {
        // Labs share two cores: one file at a time, and each may take minutes.
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
})
