/** What happens to a workload in one run: experiments, failures that others make, and how much of it must be left. Drawn by a seed alone. */
import { seededRandom } from '@chaosplane/common';
import type { Floor } from '@chaosplane/testkit';

/** What is done at a time, in milliseconds from the beginning. */
export type Step = { readonly at: number } & (
  | { readonly kind: 'experiment'; readonly name: string; readonly spec: object }
  /** A pod is not Ready for a while. */
  | { readonly kind: 'unready'; readonly pick: number; readonly forMs: number }
  /** A pod is deleted by others. */
  | { readonly kind: 'delete'; readonly pick: number }
  | { readonly kind: 'scale'; readonly replicas: number }
);

export interface Story {
  readonly seed: number;
  readonly replicas: number;
  readonly floor: Floor;
  readonly steps: readonly Step[];
}

/** The label of its pods. */
export const APP = 'web';

/** How long things begin; experiments last a little longer. Milliseconds. */
const STORY_MS = 4000;

/** The story of a seed, on nodes of these names. */
export function storyOf(seed: number, nodes: readonly string[]): Story {
  const random = seededRandom(seed);
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const between = (least: number, most: number): number => least + upTo(most - least);
  const one = <V>(of: readonly V[]): V => of[upTo(of.length - 1)] as V;
  const replicas = between(4, 7);
  const floor = one<Floor>([
    { minAvailable: between(1, replicas - 2) },
    { minAvailable: one(['25%', '50%', '67%'] as const) },
    { maxUnavailable: between(1, 3) },
    { maxUnavailable: one(['25%', '34%', '50%'] as const) },
  ]);
  // Now and then several things happen at the same moment.
  const moments = [upTo(STORY_MS), upTo(STORY_MS)];
  const at = (): number => (random() < 0.3 ? one(moments) : upTo(STORY_MS));

  const networkAction = (): object =>
    one([
      { type: 'network-delay', parameters: { latency: '100ms' } },
      { type: 'network-loss', parameters: { percent: '50' } },
      { type: 'network-partition', parameters: {} },
    ]);
  const mode = (): object =>
    one([
      { mode: 'one' },
      { mode: 'one' },
      { mode: 'one' },
      { mode: 'fixed', value: between(1, 3) },
      { mode: 'fixed', value: 2 },
      { mode: 'fixed-percent', value: one([34, 50]) },
      { mode: 'all' },
    ]);
  const pods = { labelSelector: { matchLabels: { app: APP } } };
  const duration = (): string => `${between(500, 3000)}ms`;
  const experiment = (): object => {
    const chance = random();
    if (chance < 0.25) {
      const action = { type: 'pod-kill', parameters: { gracePeriodSeconds: upTo(1) } };
      return { target: { ...pods, ...mode() }, action, duration: duration() };
    }
    if (chance < 0.45) {
      const names = random() < 0.3 ? nodes : [one(nodes)];
      return { target: { kind: 'Node', names, mode: 'all' }, action: { type: 'node-drain' }, duration: duration() };
    }
    const parallelism = between(1, 3);
    const target = { ...pods, ...mode(), dynamic: random() < 0.25 };
    return { target, action: networkAction(), duration: duration(), execution: { parallelism } };
  };
  const experiments = Array.from({ length: between(2, 5) }, (_, index): Step => ({
    at: at(),
    kind: 'experiment',
    name: `e${index}`,
    spec: experiment(),
  }));
  const others = Array.from({ length: between(1, 4) }, (): Step => {
    const chance = random();
    if (chance < 0.6) return { at: at(), kind: 'unready', pick: random(), forMs: between(300, 3500) };
    if (chance < 0.8) return { at: at(), kind: 'delete', pick: random() };
    return { at: at(), kind: 'scale', replicas: between(1, replicas + 1) };
  });
  return { seed, replicas, floor, steps: [...experiments, ...others].toSorted((a, b) => a.at - b.at) };
}
