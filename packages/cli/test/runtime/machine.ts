/** A machine with a pod that serves HTTP, a daemon of its own, and the command that a user types there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestbed, runtimeOf, type Pod } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit/eventually';
import { execa } from 'execa';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** The command with these options of its own. */
function commandWith(options: readonly string[]) {
  return (argv: readonly string[], input = '') => {
    const own = argv[0] === 'list' ? options.slice(0, 2) : options;
    const command = ['--disable-warning=ExperimentalWarning', main, ...argv, ...own];
    return execa(process.execPath, command, { input, reject: false, env: { NODE_OPTIONS: '' } });
  };
}

/** The command, with the machine's own socket and runtime. */
export type Run = ReturnType<typeof commandWith>;

export interface Machine {
  /** It serves HTTP on port 8080. */
  readonly web: Pod;
  /** Its container does nothing. */
  readonly idle: Pod;
  readonly chaosplane: Run;
  close(): Promise<void>;
}

/** Resolves when the daemon answers; `name` is in the names of what it makes. */
export async function startMachine(name: string): Promise<Machine> {
  const runtime = runtimeOf(process.env);
  const testbed = await createTestbed(runtime === undefined ? {} : { runtime });
  const folder = await mkdtemp(join(tmpdir(), `chaosplane-${name}-`));
  const web = await testbed.runPod({
    name: 'web',
    labels: { app: 'web' },
    dns: { servers: ['192.0.2.53'], searches: [] },
    containers: [{ name: 'web', args: ['serve'] }],
  });
  const idle = await testbed.runPod({ name: 'idle', containers: [{ name: 'idle', args: ['pause'] }] });
  const socket = ['--socket', join(folder, 'run', 'daemon.sock'), '--state-dir', join(folder, 'state')];
  const chaosplane = commandWith([...socket, '--runtime-endpoint', testbed.runtimeEndpoint]);
  const daemon = chaosplane(['daemon']);
  await eventually('the daemon answers', async () => (await chaosplane(['list'])).exitCode === 0);
  return {
    web,
    idle,
    chaosplane,
    async close() {
      daemon.kill('SIGTERM');
      await daemon;
      await testbed.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
