import { defineConfig } from 'vitest/config';

/** Real Asterisk, real browsers, real ports: one file after the other, and patience. */
const endToEnd = ['test/e2e/**/*.test.ts'];

export default defineConfig({
  // The panel's components are Preact.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    globalSetup: ['test/support/postgres.ts'],
    setupFiles: ['test/support/seed.ts'],
    maxWorkers: 2,
    passWithNoTests: false,
    restoreMocks: true,
    // Real phones, browsers and databases on a machine that others use, too: a second try tells slow from broken, and is named in the output.
    retry: process.env['CI'] ? 1 : 0,
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: endToEnd,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: endToEnd,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
