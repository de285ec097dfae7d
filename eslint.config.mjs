/** The rules of the house: strict types, effects only at the edge, and which package may import which. */
import { builtinModules } from 'node:module';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';
import { lowerFloors } from './tools/check/floors.mjs';
import { functionLines } from './tools/check/function-lines.mjs';
import { staysInside } from './tools/check/stays-inside.mjs';

/** Directions between packages (docs/architecture.md). */
const allowed = {
  proto: [],
  common: [],
  kube: ['common'],
  actions: ['common', 'proto'],
  api: ['common', 'actions', 'kube'],
  lifecycle: ['common', 'actions', 'api'],
  client: ['common', 'proto', 'kube', 'actions', 'api', 'lifecycle'],
  probes: ['common', 'kube', 'api', 'lifecycle'],
  daemon: ['common', 'proto', 'actions'],
  operator: ['common', 'proto', 'kube', 'actions', 'api', 'lifecycle', 'client', 'probes'],
  testbed: ['common', 'proto'],
  image: ['testbed'],
  testkit: ['common', 'proto', 'actions', 'daemon', 'testbed'],
  testcluster: ['common', 'kube', 'api', 'daemon', 'testbed', 'image', 'testkit'],
  cli: ['common', 'proto', 'kube', 'actions', 'api', 'lifecycle', 'client', 'probes', 'daemon', 'testbed'],
};

/** What only the tests of a package import. A test of the probes needs certificates, which the operator makes. */
const allowedInTests = {
  kube: ['testkit', 'testcluster'],
  api: ['testkit', 'testcluster'],
  lifecycle: ['testcluster'],
  probes: ['operator', 'testkit'],
  daemon: ['testbed', 'testkit', 'testcluster'],
  operator: ['daemon', 'testbed', 'testkit', 'testcluster'],
  testbed: ['daemon', 'testkit'],
  cli: ['image', 'testkit', 'testcluster'],
};

/** The boundary rule, where each package may import what `more` says besides. */
const boundaries = (more) => [
  'error',
  {
    depConstraints: Object.entries(allowed).map(([name, targets]) => ({
      sourceTag: `package:${name}`,
      onlyDependOnLibsWithTags: [name, ...targets, ...(more[name] ?? [])].map((target) => `package:${target}`),
    })),
    // nx has one graph of sources and tests. `allowed` has no circle, so that the sources have none.
    ignoredCircularDependencies: Object.entries(allowedInTests).flatMap(([name, targets]) =>
      targets.map((target) => [`@chaosplane/${name}`, `@chaosplane/${target}`]),
    ),
  },
];

/** They bring a machine to where tests begin, or make images; no daemon and no operator runs them. */
const makers = ['packages/{image,testbed,testcluster,testkit}/**'];

const processes = ['node:child_process', 'child_process', 'execa'].map((name) => ({
  name,
  message: 'processes are started in packages/daemon/src/host only (and by the test bed and the tools)',
}));

const builtins = builtinModules.map((name) => ({ name, message: 'it runs in a browser, too: nothing of Node.js' }));

/** What reaches a browser imports no built-in module of Node.js, nor an entry of our packages that does. */
const browserRules = {
  files: ['packages/{actions,api,lifecycle}/src/**/*.ts', 'packages/kube/src/object.ts', 'packages/common/src/pure.ts'],
  ignores: ['**/*.test.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: [...processes, ...builtins],
        patterns: [
          { regex: '^node:', message: 'it runs in a browser, too: nothing of Node.js' },
          { regex: '^@chaosplane/common$', message: 'it runs in a browser, too: import @chaosplane/common/pure' },
          { regex: '^@chaosplane/kube$', message: 'it runs in a browser, too: import @chaosplane/kube/object' },
        ],
      },
    ],
  },
};

const chaosplane = {
  rules: { 'function-lines': functionLines, 'lower-floors': lowerFloors, 'stays-inside': staysInside },
};

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/dist/', 'packages/proto/src/gen/', '.nx/', 'coverage/'] },
  {
    files: ['packages/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Our objects are made of closures; there is no `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      // An interface may promise what one implementation has at once.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['**/main.ts', '**/*.main.ts', ...makers, '**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['env', 'argv', 'exit'].map((property) => ({
          object: 'process',
          property,
          message: 'only a main.ts reads its surroundings; pass values in',
        })),
      ],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  {
    files: ['packages/*/src/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'],
    ignores: ['**/*.test.ts', 'packages/api/src/experiment/refused/**'],
    rules: { 'max-lines': ['error', 250] },
  },
  {
    files: ['**/*.test.ts', 'packages/*/test/**/*.ts', 'packages/api/src/experiment/refused/**'],
    // Whole rulesets, each as the kernel is given it.
    ignores: ['packages/daemon/src/netns/compile.test.ts'],
    rules: { 'max-lines': ['error', { max: 350, skipBlankLines: true }] },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/common/src/clock.ts', ...makers, '**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval'].map((name) => ({ name, message: 'use the clock' })),
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'use the clock' },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'use the clock',
        },
        {
          selector:
            ':matches(CallExpression[callee.object.name=/^log(ger)?$/], CallExpression[callee.object.property.name="logger"]) > ObjectExpression > Property[key.name="error"]',
          message: 'an error is logged as err',
        },
        {
          selector: 'ImportDeclaration[source.value="zod"] > :matches(ImportSpecifier, ImportDefaultSpecifier)',
          message: 'import * as z: the object z drags all languages of its messages along, 1 MB of memory',
        },
      ],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/daemon/src/host/**', ...makers, 'packages/cli/src/demo/**'],
    rules: { 'no-restricted-imports': ['error', { paths: processes }] },
  },
  browserRules,
  {
    files: ['packages/daemon/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    plugins: { chaosplane },
    rules: { 'chaosplane/lower-floors': 'error' },
  },
  {
    files: ['packages/**/*.ts'],
    plugins: { '@nx': nx },
    rules: { '@nx/enforce-module-boundaries': boundaries({}) },
  },
  {
    files: ['packages/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'],
    plugins: { chaosplane },
    rules: { 'chaosplane/stays-inside': 'error', 'chaosplane/function-lines': ['error', { max: 90 }] },
  },
  {
    files: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(allowedInTests) },
  },
  {
    // Matchers return any.
    files: ['**/*.test.ts', 'packages/*/test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  prettier,
);
