/** Starts daemons in processes of their own, to be killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import { connect } from './pod-lab.ts';

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

/** Starts one and waits until it serves. It kills itself at the `step`th of its steps; at none when that is 0. */
export async function startDoomed(stateDir: string, runtimeEndpoint: string, step: number): Promise<Doomed> {
  const socketPath = join(stateDir, 'run/daemon.sock');
  const argv = [`${import.meta.dirname}/doomed.main.ts`, socketPath, stateDir, runtimeEndpoint, String(step)];
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
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
