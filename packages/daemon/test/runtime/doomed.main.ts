/** A daemon in a process of its own that kills itself, by SIGKILL, at one of its steps; it prints each step that it reaches. */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createLogger } from '@chaosplane/common';
import { reachStep, withCrash, type CrashPoint } from '@chaosplane/testkit';
import { createHost, startDaemon } from '../../src/index.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { withStepsInside } from './steps-inside.ts';

const [socketPath = '', stateDir = '', runtimeEndpoint = '', step = '0', depth = ''] = process.argv.slice(2);

const print = (line: string): void => {
  writeSync(1, `${line}\n`);
};

// It never outlives the test that started it.
process.stdin.once('end', () => process.exit(1)).resume();

const point: CrashPoint = { step: Number(step), crashed: false, reached: (name) => print(`step ${name}`) };
const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise<never>(() => undefined);
};
let serving = false;
const dieInside = (name: string): void => {
  // What it looks at before it serves is the sweep, which has nothing to do yet.
  if (serving && reachStep(point, name)) void die();
};
const node = await createHost({ nodeName: 'node', runtimeEndpoint });
const host = depth === 'inside' ? withStepsInside(node, dieInside) : node;
const parts = withCrash({ host, journal: await openJournal(stateDir) }, point, die);
await startDaemon({ socketPath, stateDir, runtimeEndpoint }, { logger: createLogger({ level: 'silent' }), ...parts });
// Who is killed has no time for it later.
flushCompileCache();
serving = true;
print('serving');
