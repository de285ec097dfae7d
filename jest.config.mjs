/** Jest runs the TypeScript sources as ES modules; each layer of tests is a project. */
const project = (displayName, testMatch) => ({
  displayName,
  rootDir: import.meta.dirname,
  testMatch,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
});

/** What only `npm run test:long` runs. */
const long = process.env.CHAOSPLANE_TEST_LONG === 'true' ? [] : ['!**/*.long.test.ts'];

export default {
  cacheDirectory: new URL('node_modules/.cache/jest', import.meta.url).pathname,
  testSequencer: new URL('tools/test/longest-first.mjs', import.meta.url).pathname,
  projects: [
    project('pure', ['<rootDir>/packages/*/src/**/*.test.ts', '<rootDir>/tools/**/*.test.ts', '!**/test/cluster/**']),
    project('kernel', ['<rootDir>/packages/*/test/kernel/**/*.test.ts']),
    project('runtime', ['<rootDir>/packages/*/test/runtime/**/*.test.ts', ...long]),
    project('api', ['<rootDir>/packages/*/test/api/**/*.test.ts', ...long]),
    project('cluster', ['<rootDir>/{packages,tools}/*/test/cluster/**/*.test.ts']),
    project('long', ['<rootDir>/packages/*/test/long/**/*.test.ts']),
  ],
};
