/** Whether a fault is felt, asked again and again: how long it was away, while something else went on. */
import { setTimeout as pause } from 'node:timers/promises';
import { pods } from '@chaosplane/kube';
import { SYSTEM, type Installation } from '@chaosplane/testcluster/installation';

/** What was felt of a fault. Milliseconds. */
export interface Felt {
  readonly asked: number;
  /** How often it was not felt. */
  readonly missed: number;
  /** The longest time between two moments at which it was felt and between which it once was not; 0 when it always was. */
  readonly gapMs: number;
}

/** A question that is asked until it is stopped. */
export interface Watch {
  stop(): Promise<Felt>;
}

const EVERY_MS = 100;

/** Asks from now on. A fault that is not felt at the end has been away until then. */
export function watch(isFelt: () => Promise<boolean>): Watch {
  const ended = new AbortController();
  let [asked, missed, gapMs] = [0, 0, 0];
  let [lastFelt, isAway] = [performance.now(), false];
  const close = (now: number): void => {
    if (isAway) gapMs = Math.max(gapMs, now - lastFelt);
    isAway = false;
  };
  const asking = (async () => {
    while (!ended.signal.aborted) {
      const began = performance.now();
      const felt = await isFelt();
      asked += 1;
      if (felt) {
        close(began);
        lastFelt = performance.now();
      } else {
        missed += 1;
        isAway = true;
      }
      await pause(EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  return {
    async stop() {
      ended.abort();
      await asking;
      close(performance.now());
      return { asked, missed, gapMs: Math.round(gapMs) };
    },
  };
}

/** What a request came to: its status, 0 when there was no answer in time, and how long it took. */
export async function ask(url: string, limitMs: number): Promise<{ readonly status: number; readonly ms: number }> {
  const began = performance.now();
  const signal = AbortSignal.timeout(limitMs);
  const status = await fetch(url, { headers: { connection: 'close' }, signal }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    },
    () => 0,
  );
  return { status, ms: performance.now() - began };
}

/** Whether the daemon of a node is there and ready; not as soon as its pod is to go. */
export async function isDaemonReady({ client }: Installation, node: string): Promise<boolean> {
  const labelSelector = 'app.kubernetes.io/component=daemon';
  const { items } = await client.list(pods, {
    namespace: SYSTEM,
    labelSelector,
    fieldSelector: `spec.nodeName=${node}`,
  });
  return items.some(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true,
  );
}
