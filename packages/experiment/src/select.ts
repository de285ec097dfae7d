/** Chooses targets: which of the candidates are hit, and why each of the others is not. Pure and seeded. */
import { findAction, needsOwnNetwork } from '@chaosplane/actions';
import type { ExperimentSpec, TargetSpec } from './resource.ts';
import { whyNoMatch } from './selector.ts';

/** A pod or a node that could be hit. */
export interface Candidate {
  /** Empty for a node. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A node: whether it is ready. */
  readonly running: boolean;
  /** Whether a pod uses the node's network. */
  readonly hostNetwork: boolean;
  /** The node that a pod runs on, or that it is itself; absent where there is only one. */
  readonly node?: string;
  /** Which boot of a node it is, where that is known. */
  readonly bootId?: string;
}

/** What came of the choice. */
export interface Selection {
  readonly chosen: readonly Candidate[];
  /** Candidates of the target's namespace that were not chosen. */
  readonly spared: readonly { readonly candidate: Candidate; readonly why: string }[];
}

/** The same candidates, spec and seed give the same selection, in whatever order the candidates come. */
export function selectTargets(
  candidates: readonly Candidate[],
  { target: spec, action }: Pick<ExperimentSpec, 'target' | 'action'>,
  seed: number,
): Selection {
  const ownNetwork = needsOwnNetwork(findAction(action.type));
  const here = candidates
    .filter((candidate) => candidate.namespace === spec.namespace)
    .toSorted((a, b) => (a.uid < b.uid ? -1 : 1));
  const judged = here.map((candidate) => ({ candidate, why: whyNot(candidate, spec, ownNetwork) }));
  const fitting = judged.filter(({ why }) => why === undefined).map(({ candidate }) => candidate);
  const chosen = new Set(shuffled(fitting, seed).slice(0, howMany(fitting.length, spec, seed)));
  return {
    chosen: fitting.filter((candidate) => chosen.has(candidate)).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    spared: judged
      .filter(({ candidate }) => !chosen.has(candidate))
      .map(({ candidate, why }) => ({ candidate, why: why ?? `not drawn: mode ${spec.mode}` })),
  };
}

function whyNot(
  candidate: Candidate,
  { kind, names, labelSelector }: TargetSpec,
  ownNetwork: boolean,
): string | undefined {
  if (names !== undefined && !names.includes(candidate.name)) return 'not among the names';
  const unlike = labelSelector === undefined ? undefined : whyNoMatch(candidate.labels, labelSelector);
  if (unlike !== undefined) return unlike;
  if (!candidate.running) return kind === 'Node' ? 'not ready' : 'not running';
  if (ownNetwork && candidate.hostNetwork) return "uses the node's network";
  return undefined;
}

/** A percentage never rounds up: 10 % of 5 is nobody, so that the blast radius is a true limit. */
function howMany(fitting: number, { mode, value = 1 }: TargetSpec, seed: number): number {
  switch (mode) {
    case 'one':
      return 1;
    case 'all':
      return fitting;
    case 'fixed':
      return value;
    case 'fixed-percent':
      return Math.floor((fitting * value) / 100);
    case 'random-max-percent':
      return Math.floor(((fitting * value) / 100) * generator(seed ^ 0x5eed)() + Number.EPSILON);
  }
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = generator(seed);
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}

/** Mulberry32: small, well spread, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
