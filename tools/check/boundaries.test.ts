/** The lint rules that hold the house together really fire: one deliberate violation of each. */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ESLint } from 'eslint';
import { execa } from 'execa';

const root = join(import.meta.dirname, '..', '..');

async function rulesBroken(file: string, source: string): Promise<string[]> {
  const eslint = new ESLint({ cwd: root });
  const [result] = await eslint.lintText(source, { filePath: join(root, file) });
  return (result?.messages ?? []).map(({ ruleId }) => ruleId ?? 'syntax');
}

/** A function of so many lines. */
const functionOf = (lines: number): string => `(() => {${'\n'.repeat(lines - 1)}})`;

describe('the rules of the house', () => {
  // Without a project graph the boundary rule says nothing at all.
  beforeAll(async () => {
    await execa(process.execPath, ['node_modules/.bin/nx', 'show', 'projects'], {
      cwd: root,
      env: { NX_DAEMON: 'false', NODE_OPTIONS: '' },
    });
  }, 120_000);

  const boundary = '@nx/enforce-module-boundaries';
  const inside = 'chaosplane/stays-inside';
  const floor = 'chaosplane/lower-floors';
  test.each([
    [
      'the daemon may not import the life of experiments',
      'packages/daemon/src/config.ts',
      "import '@chaosplane/lifecycle';",
      boundary,
    ],
    [
      'common may import nothing of ChaosPlane',
      'packages/common/src/clock.ts',
      "import '@chaosplane/proto';",
      boundary,
    ],
    [
      'the CLI may not import the operator',
      'packages/cli/src/output/table.ts',
      "import '@chaosplane/operator';",
      boundary,
    ],
    [
      'what talks to daemons may not import the operator',
      'packages/client/src/index.ts',
      "import '@chaosplane/operator';",
      boundary,
    ],
    [
      'the CLI may not import the test kit',
      'packages/cli/src/output/table.ts',
      "import '@chaosplane/testkit';",
      boundary,
    ],
    [
      'what people write is known without what happens next',
      'packages/api/src/kinds.ts',
      "import '@chaosplane/lifecycle';",
      boundary,
    ],
    ['what people write runs in a browser', 'packages/api/src/kinds.ts', "import 'node:fs';", 'no-restricted-imports'],
    [
      'and so does what it imports',
      'packages/actions/src/parameters/scope.ts',
      "import '@chaosplane/common';",
      'no-restricted-imports',
    ],
    ['an engine starts no process', 'packages/daemon/src/engine/lease.ts', "import 'execa';", 'no-restricted-imports'],
    [
      'a fault knows no engine',
      'packages/daemon/src/faults/shared/stress.ts',
      "import '../../engine/lease.ts';",
      floor,
    ],
    [
      'nor when it runs',
      'packages/daemon/src/faults/shared/stress.ts',
      "await import('../../engine/lease.ts');",
      floor,
    ],
    [
      'nor by a name that is no string',
      'packages/daemon/src/faults/shared/stress.ts',
      'await import(`../../engine/lease.ts`);',
      floor,
    ],
    [
      'nor one of its types',
      'packages/daemon/src/faults/shared/stress.ts',
      "export type Lease = import('../../engine/lease.ts').Lease;",
      floor,
    ],
    [
      'nor a type as another module system has it',
      'packages/daemon/src/faults/shared/stress.ts',
      "import type lease = require('../../engine/lease.ts');",
      floor,
    ],
    [
      'nor what it exports',
      'packages/daemon/src/faults/shared/stress.ts',
      "export * from '../../engine/lease.ts';",
      floor,
    ],
    [
      'nor by the name of its own package',
      'packages/daemon/src/faults/shared/stress.ts',
      "import '@chaosplane/daemon/engine';",
      floor,
    ],
    ['a fault has no effects', 'packages/daemon/src/faults/shared/stress.ts', "import 'node:fs/promises';", floor],
    ['nor has a model', 'packages/daemon/src/model/layer.ts', "import 'node:net';", floor],
    ['nor a contract', 'packages/daemon/src/contract/host.ts', "import 'dgram';", floor],
    ['nor a compiler of layers', 'packages/daemon/src/netns/compile.ts', "await import('node:http');", floor],
    ['the host knows no engine', 'packages/daemon/src/host/tap/taps.ts', "import '../../engine/lease.ts';", floor],
    [
      'a library does not read the environment',
      'packages/daemon/src/config.ts',
      'process.env;',
      'no-restricted-properties',
    ],
    [
      'an error is logged under one name',
      'packages/daemon/src/engine/sweep.ts',
      'declare const log: { warn(fields: object): void }; log.warn({ error: 1 });',
      'no-restricted-syntax',
    ],
    [
      'a test may not import every package',
      'packages/operator/test/cluster/burning.ts',
      "import '@chaosplane/cli/progress';",
      boundary,
    ],
    [
      'nor may what tests share',
      'packages/testcluster/src/release/installation.ts',
      "import '@chaosplane/operator';",
      boundary,
    ],
    [
      'the daemon may not import the test cluster',
      'packages/daemon/src/config.ts',
      "import '@chaosplane/testcluster';",
      boundary,
    ],
    [
      'a test imports another package by its name',
      'packages/operator/test/cluster/burning.ts',
      "import '../../../daemon/test/runtime/load.ts';",
      inside,
    ],
    [
      'a test imports no tool',
      'packages/cli/test/runtime/image-root.ts',
      "export * from '../../../../tools/test/counts.ts';",
      inside,
    ],
    [
      'nor does a source, when it runs',
      'packages/daemon/src/config.ts',
      "await import('../../../tools/test/counts.ts');",
      inside,
    ],
    [
      'a tool imports a package by its name',
      'tools/demo/story.ts',
      "import '../../packages/cli/src/demo/judge.ts';",
      inside,
    ],
    ['a function is short', 'packages/daemon/src/config.ts', functionOf(91), 'chaosplane/function-lines'],
    [
      'and so is a test',
      'packages/daemon/src/config.test.ts',
      `test('one', ${functionOf(91)});`,
      'chaosplane/function-lines',
    ],
    ['a library asks the clock for the time', 'packages/daemon/src/config.ts', 'Date.now();', 'no-restricted-syntax'],
  ])(
    '%s',
    async (_name, file, source, rule) => {
      expect(await rulesBroken(file, source)).toContain(rule);
    },
    60_000,
  );

  test.each([
    ['a package of a lower floor', 'packages/daemon/src/config.ts', "import '@chaosplane/common';"],
    [
      'the test cluster, in a test',
      'packages/kube/test/api/control-plane.test.ts',
      "import '@chaosplane/testcluster';",
    ],
    ['a file of the same package', 'packages/operator/test/cluster/burning.ts', "import '../../src/config.ts';"],
    ['a fault, of what it is made of', 'packages/daemon/src/faults/shared/stress.ts', "import '../../model/layer.ts';"],
    ['a function that is not longer', 'packages/daemon/src/config.ts', functionOf(90)],
    ['a long list of tests', 'packages/daemon/src/config.test.ts', `describe.skip('all', ${functionOf(91)});`],
    ['one for each case', 'packages/daemon/src/config.test.ts', `describe.each([1])('all', ${functionOf(91)});`],
  ])(
    'what is allowed is not reported: %s',
    async (_name, file, source) => {
      const broken = await rulesBroken(file, source);
      expect(broken).not.toContain(boundary);
      expect(broken).not.toContain(inside);
      expect(broken).not.toContain(floor);
      expect(broken).not.toContain('chaosplane/function-lines');
    },
    60_000,
  );
});
