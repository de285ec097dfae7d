/** Chooses targets: which of the candidates are hit, and why each of the others is not. Pure and seeded. */
import { defined, seededRandom } from '@chaosplane/common/pure';
import { findAction, needsOwnNetwork } from '@chaosplane/actions';
import { type ExperimentSpec, type TargetSpec, type TargetStatus, whyNoMatch } from '@chaosplane/api';
import { isGone } from './effect.ts';

/** A pod or a node that could be hit. */
export interface Candidate {
  /** Empty for a node. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Something of a pod runs, and it is not on its way out; a node is ready. */
  readonly running: boolean;
  /** Why it does not run, when more than that is known. */
  readonly notRunning?: string;
  /** The names of a pod's containers, native sidecars included; absent where they are not known. */
  readonly containers?: readonly string[];
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
  /** Candidates that might have been chosen: those that were, and those that were not drawn. */
  readonly fitting: readonly Candidate[];
  /** Candidates of the target's namespace that were not chosen. */
  readonly skipped: readonly { readonly candidate: Candidate; readonly why: string }[];
  /** What the experiment asks for by its name and what is not there: `the pod web-9`, `the container ap`. */
  readonly absent: readonly string[];
}

/** The same candidates, spec and seed give the same selection, for any order of the candidates. */
export function selectTargets(
  candidates: readonly Candidate[],
  { target: spec, action }: Pick<ExperimentSpec, 'target' | 'action'>,
  seed: number,
): Selection {
  const wanted = wishOf({ target: spec, action });
  const judged = judgeEach(candidates, spec, wanted);
  const here = judged.map(({ candidate }) => candidate);
  const fitting = fittingOf(judged);
  const chosen = new Set(shuffled(fitting, seed).slice(0, howMany(fitting.length, spec, seed)));
  return {
    chosen: fitting.filter((candidate) => chosen.has(candidate)).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    fitting,
    skipped: judged
      .filter(({ candidate }) => !chosen.has(candidate))
      .map(({ candidate, why }) => ({ candidate, why: why ?? `not drawn: mode ${spec.mode}` })),
    absent: absentOf(here, spec, wanted),
  };
}

/**
 * Who is hit beside the targets that there are, while an experiment runs: as many as the mode wants by now, less those that did not go
 * away. One whose fault a user has cancelled, or that was missed, gets no other in its place.
 */
export function selectMore(
  candidates: readonly Candidate[],
  spec: Pick<ExperimentSpec, 'target' | 'action'>,
  { targets, seed }: { readonly targets: readonly TargetStatus[]; readonly seed: number },
): readonly Candidate[] {
  const known = new Set(targets.map(({ uid }) => uid));
  const fitting = fittingOf(judgeEach(candidates, spec.target, wishOf(spec)));
  const stay = targets.filter((target) => !isGone(target)).length;
  const wanted = howMany(fitting.length, spec.target, seed) - stay;
  const fresh = fitting.filter(({ uid }) => !known.has(uid));
  // Another draw each time, and the same for every operator that looks at this moment.
  return shuffled(fresh, seed ^ targets.length).slice(0, Math.max(0, wanted));
}

/** A candidate, and why it does not fit. */
interface Judged {
  readonly candidate: Candidate;
  readonly why: string | undefined;
}

/** Those of the target's namespace, by their uids. */
function judgeEach(candidates: readonly Candidate[], spec: TargetSpec, wanted: Wish): readonly Judged[] {
  return candidates
    .filter((candidate) => candidate.namespace === spec.namespace)
    .toSorted((a, b) => (a.uid < b.uid ? -1 : 1))
    .map((candidate) => ({ candidate, why: whyNot(candidate, spec, wanted) }));
}

const fittingOf = (judged: readonly Judged[]): Candidate[] =>
  judged.flatMap(({ candidate, why }) => (why === undefined ? [candidate] : []));

/** What the action asks of a pod beside what the target does. */
interface Wish {
  readonly ownNetwork: boolean;
  readonly container?: string;
  readonly names?: ReadonlySet<string>;
}

function wishOf({ target, action: { type, parameters } }: Pick<ExperimentSpec, 'target' | 'action'>): Wish {
  const action = findAction(type);
  const container = Object.hasOwn(action.schemas, 'containerName') ? parameters['containerName'] : undefined;
  const names = target.names === undefined ? undefined : new Set(target.names);
  return { ownNetwork: needsOwnNetwork(action), ...defined({ container, names }) };
}

/** The longest list of names that a message repeats. */
const SHOWN = 5;

function absentOf(here: readonly Candidate[], spec: TargetSpec, wish: Wish): string[] {
  const { container } = wish;
  const kind = spec.kind.toLowerCase();
  if (here.length === 0 && spec.kind === 'Pod') return [`a pod in the namespace ${spec.namespace}, or that namespace`];
  const names = new Set(here.map(({ name }) => name));
  const gone = [...new Set(spec.names ?? [])].filter((name) => !names.has(name));
  const shown = gone.slice(0, SHOWN).map((name) => `the ${kind} ${name}`);
  const more = gone.length > SHOWN ? [`${gone.length - SHOWN} more ${kind}s`] : [];
  const meant = here.filter((candidate) => isMeant(candidate, spec, wish) === undefined);
  const known = meant.flatMap(({ containers }) => (containers === undefined ? [] : [containers]));
  const lacking = container !== undefined && known.length > 0 && !known.some((all) => all.includes(container));
  return [...shown, ...more, ...(lacking ? [`the container ${container}`] : [])];
}

/** Why names and labels leave it out; undefined when they do not. */
function isMeant(
  candidate: Candidate,
  { labelSelector }: TargetSpec,
  { names }: Pick<Wish, 'names'>,
): string | undefined {
  if (names?.has(candidate.name) === false) return 'not among the names';
  return labelSelector === undefined ? undefined : whyNoMatch(candidate.labels, labelSelector);
}

function whyNot(candidate: Candidate, spec: TargetSpec, wish: Wish): string | undefined {
  const { ownNetwork, container } = wish;
  const unmeant = isMeant(candidate, spec, wish);
  if (unmeant !== undefined) return unmeant;
  if (!candidate.running) return candidate.notRunning ?? (spec.kind === 'Node' ? 'not ready' : 'not running');
  if (ownNetwork && candidate.hostNetwork) return "uses the node's network";
  const { containers } = candidate;
  if (container !== undefined && containers?.includes(container) === false) return `has no container ${container}`;
  return undefined;
}

/** A percentage rounds up, as in Kubernetes' own budgets: 10 % of 5 is one. Of none it is none. */
function howMany(fitting: number, { mode, value = 1 }: TargetSpec, seed: number): number {
  const share = Math.ceil((fitting * value) / 100);
  switch (mode) {
    case 'one':
      return 1;
    case 'all':
      return fitting;
    case 'fixed':
      return value;
    case 'fixed-percent':
      return share;
    case 'random-max-percent':
      return Math.min(share, 1 + Math.floor(share * seededRandom(seed ^ 0x5eed)()));
  }
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}
