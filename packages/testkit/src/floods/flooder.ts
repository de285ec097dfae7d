/** Floods from a process of their own, inside a network namespace. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { FloodTarget, Sum } from './connections.ts';
import type { FloodName } from './kinds.ts';

/** A stranger in one network namespace. */
export interface Flooder {
  /** Resolves when its time is over. */
  flood(kind: FloodName, target: FloodTarget): Promise<Sum>;
  close(): Promise<void>;
}

/** It gets the time of the processor that others leave: a stranger is on another machine. */
export function startFlooder(netnsPath: string): Flooder {
  const argv = [`--net=${netnsPath}`, 'nice', '-n', '19', process.execPath, `${import.meta.dirname}/flooder.main.ts`];
  const child = spawn('nsenter', argv, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const ended = once(child, 'close');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async flood(kind, target) {
      child.stdin.write(`${JSON.stringify({ kind, target })}\n`);
      const { value } = (await answers.next()) as { value?: string };
      if (value === undefined) throw new Error(`the flooder ended in ${kind}`);
      return JSON.parse(value) as Sum;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
