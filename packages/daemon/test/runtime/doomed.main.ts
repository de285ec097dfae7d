/** A daemon in a process of its own that kills itself, by SIGKILL, at one of its steps; it prints each step that it reaches. */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createLogger } from '@chaosplane/common';
import { withCrash } from '@chaosplane/testkit';
import { createHost, startDaemon } from '../../src/index.ts';
import { openJournal } from '../../src/journal/journal.ts';

const [socketPath = '', stateDir = '', runtimeEndpoint = '', step = '0'] = process.argv.slice(2);

const print = (line: string): void => {
  writeSync(1, `${line}\n`);
};

// It never outlives the test that started it.
process.stdin.once('end', () => process.exit(1)).resume();

const parts = withCrash(
  { host: await createHost({ nodeName: 'node', runtimeEndpoint }), journal: await openJournal(stateDir) },
  { step: Number(step), crashed: false, reached: (name) => print(`step ${name}`) },
  () => {
    process.kill(process.pid, 'SIGKILL');
    return new Promise<never>(() => undefined);
  },
);
await startDaemon({ socketPath, stateDir, runtimeEndpoint }, { logger: createLogger({ level: 'silent' }), ...parts });
// Who is killed has no time for it later.
flushCompileCache();
print('serving');
