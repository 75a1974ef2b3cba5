import { defineConfig } from 'vitest/config';

/** One project a kind of test; heavy ones run one file at a time (two cores, one Podman). */
const kinds = {
  unit: 30_000,
  model: 120_000,
  simulation: 180_000,
  conformance: 120_000,
  integration: 180_000,
  browser: 60_000,
};
const serial = new Set(['conformance', 'integration', 'browser']);
/** Proves beforehand that containers run here, and says why when they do not. */
const globalSetup: Record<string, string[]> = {
  integration: ['test/support/podman-global-setup.ts'],
  browser: ['test/support/podman-global-setup.ts', 'test/support/browser-global-setup.ts'],
};

export default defineConfig({
  test: {
    pool: 'forks',
    projects: Object.entries(kinds).map(([name, testTimeout]) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        pool: 'forks' as const,
        globalSetup: globalSetup[name] ?? [],
        testTimeout,
        hookTimeout: testTimeout,
        fileParallelism: !serial.has(name),
      },
    })),
  },
});
