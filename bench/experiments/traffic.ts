/** Traffic through a pod's interface, fine enough to tell to a millisecond when a fault began and when it was over. */
import { Worker } from 'node:worker_threads';
import type { Question, Told } from './traffic-thread.ts';

export interface Traffic {
  /** When the first datagram was sent that was not answered, although none after it was either; of a fault that loses all of them. */
  firstLost(): Promise<Told>;
  /** From here on `firstBack` counts. */
  mark(): Promise<Told>;
  /** When the first datagram behind the mark was sent that was answered. */
  firstBack(): Promise<Told>;
  stop(): Promise<void>;
}

/** Begins it: a thread of its own, so that what this one does delays no datagram. */
export function startTraffic(address: string, port: number): Traffic {
  const thread = new Worker(new URL('./traffic-thread.ts', import.meta.url), { workerData: { address, port } });
  let failed: Error | undefined;
  thread.on('error', (error: Error) => (failed = error));
  const ask = (kind: Question['kind']): Promise<Told> =>
    new Promise((resolve, reject) => {
      if (failed !== undefined) reject(failed);
      thread.once('message', resolve);
      thread.postMessage({ kind } satisfies Question);
    });
  return {
    firstLost: () => ask('first lost'),
    mark: () => ask('mark'),
    firstBack: () => ask('first back'),
    async stop() {
      await thread.terminate();
    },
  };
}
