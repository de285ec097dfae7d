/** `npm run new-fault -- NAME`: the RPC in the contract, an action, a fault and its test, with the holes marked. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { knownAction } from '@chaosplane/actions';
import { named, namesOf } from './names.ts';
import { withRpc } from './proto.ts';

const HELP = `npm run new-fault -- NAME

Writes, for a fault NAME such as disk-full:
  proto/chaosplane/daemon/v1/daemon.proto             the RPC and its request message
  packages/actions/src/catalogue/NAME.ts              what users may ask for
  packages/daemon/src/faults/catalogue/NAME.ts        what happens
  packages/daemon/src/faults/catalogue/NAME.test.ts   that it does
and runs the generators. What is left to write is marked HOLE. The whole way is told in docs/extending.md.`;

const root = join(import.meta.dirname, '../..');
const PROTO = 'proto/chaosplane/daemon/v1/daemon.proto';

async function main(words: readonly string[]): Promise<void> {
  const [name = '', ...more] = words;
  if (name === '' || more.length > 0 || name.startsWith('-')) {
    process.stdout.write(`${HELP}\n`);
    process.exitCode = name === '--help' || name === '-h' ? 0 : 2;
    return;
  }
  const names = namesOf(name);
  const taken = knownAction(name);
  if (taken !== undefined) throw new Error(`there is an action ${name} already (${taken.summary})`);
  const files = new Map([
    ['action.ts', `packages/actions/src/catalogue/${name}.ts`],
    ['fault.ts', `packages/daemon/src/faults/catalogue/${name}.ts`],
    ['fault.test.ts', `packages/daemon/src/faults/catalogue/${name}.test.ts`],
  ]);
  const there = [...files.values()].filter((path) => existsSync(join(root, path)));
  if (there.length > 0) throw new Error(`${there.join(', ')} is there already`);
  // Before anything is written: it may refuse.
  const proto = withRpc(await readFile(join(root, PROTO), 'utf8'), names);
  for (const [template, path] of files) {
    const text = await readFile(join(import.meta.dirname, 'template', `${template}.txt`), 'utf8');
    await writeFile(join(root, path), named(text, names));
  }
  await writeFile(join(root, PROTO), proto);
  await execa(process.execPath, ['tools/gen/main.ts'], { cwd: root, stdio: 'inherit' });
  process.stdout.write(
    [
      'written:',
      ...[PROTO, ...files.values()].map((path) => `  ${path}`),
      'generated: packages/proto, the lists of actions and faults, docs/actions',
      `now fill the holes: grep -rn HOLE ${[PROTO, ...files.values()].join(' ')}`,
      'then: npm run gen && npm run check -- --changed',
      '',
    ].join('\n'),
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
