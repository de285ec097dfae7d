/** Starts daemons in processes of their own, to be killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import { connect, type PodLab } from './pod-lab.ts';

/** A daemon whose end is near. */
export interface Doomed {
  readonly client: ChaosDaemonClient;
  readonly stateDir: string;
  /** The steps that it reached, by name. */
  readonly steps: readonly string[];
  /** Kills it by SIGKILL; harmless when it is dead already. Resolves once it is. */
  kill(): Promise<void>;
  /** Resolves with the signal that it died of. */
  readonly died: Promise<string>;
}

/**
 * Starts one in a folder of its own and waits until it serves. It kills itself at its step of that number; 0: at none. Steps are
 * those before and after an effect, and, when asked for, those inside the effects of proxies and stressors.
 */
export async function startDoomed(lab: PodLab, step: number, depth: 'effects' | 'inside' = 'effects'): Promise<Doomed> {
  const stateDir = await lab.folder();
  const socketPath = join(stateDir, 'run/daemon.sock');
  const { folder, runtimeEndpoint } = lab.testbed;
  const child = spawn(
    process.execPath,
    [`${import.meta.dirname}/doomed.main.ts`, socketPath, stateDir, runtimeEndpoint, String(step), depth],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      // They are started by the dozen; the cache halves the time that each takes.
      env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(folder, 'compile-cache') },
    },
  );
  const died = once(child, 'close').then(([code, signal]) => String(signal ?? code));
  const steps: string[] = [];
  const serving = Promise.withResolvers<undefined>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('step ')) steps.push(line.slice('step '.length));
    if (line === 'serving') serving.resolve(undefined);
  });
  await Promise.race([
    serving.promise,
    died.then((how) => Promise.reject(new Error(`the daemon ended early: ${how}`))),
  ]);
  const { client, close } = connect(socketPath);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await died;
    close();
  };
  return { client, stateDir, steps, kill, died };
}
