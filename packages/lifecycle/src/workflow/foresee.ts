/**
 * What the policies have against a workflow before it begins: against each of its experiments, and against those that may be in force
 * at the same time. Pure. It foresees, and decides nothing: each experiment is judged again when it begins, beside what is in force
 * then.
 *
 * Each experiment is judged alone, as if it began now. Then it is judged beside others of the workflow: as many as `maxParallelism` lets
 * be with it, none of which waits for another; those of its namespace first, and the next ones in the order of the graph before
 * others. That is one set for each experiment, and at most 50, where all sets would be too many. Not seen are therefore: other sets,
 * where more experiments could meet than may be under way; what an experiment without a rollback leaves in force when it is over; and
 * how the cluster is by then.
 */
import type { NodeId } from '@chaosplane/api';
import { countOf } from '@chaosplane/common/pure';
import { foresee } from '../experiment/policy.ts';
import type { Finding } from '../policy/finding.ts';
import { isSame, judgeOf, partOf, type Judged, type Part, type WorkflowOutlook } from './beside.ts';
import type { Graph } from './graph.ts';
import { orderOf } from './order.ts';

/** So many experiments are judged beside others: an author must not keep the operator busy. */
const MOST_SETS = 50;

/** So many findings of sums are told by the fewest steps that they need; the rest by all that were judged together. */
const MOST_SHRUNK = 4;

/** The rules that count what is in force together; the others say the same of an experiment alone. */
const SUMS: readonly string[] = ['maxTargets', 'maxPercentage', 'minAvailable', 'maxUnavailable'];

/** What is found, bit by bit: between two of them, other work may be done. */
type Bits<T> = Generator<void, T>;

/** What the policies have against it, with the names of the steps in each message; undefined where they are not known. */
export function* foreseeWorkflow(
  graph: Graph,
  maxParallelism: number,
  outlook: WorkflowOutlook,
  now: number,
): Bits<readonly Finding[] | undefined> {
  const { policies } = outlook.policy;
  if (policies === undefined) return undefined;
  const parts = orderOf(graph).flatMap((one): readonly Part[] => {
    const step = graph.nodes.get(one.id)?.step;
    return step?.kind === 'experiment' ? [partOf(one, step.experiment)] : [];
  });
  const alone = yield* judgeAlone(parts, outlook, now);
  const known = new Set(alone.flatMap(({ ids, finding }) => ids.map((id) => keyOf(id, finding))));
  const together = yield* judgeTogether(parts, maxParallelism, { judged: judgeOf(policies, outlook, now), known });
  return [...alone.map(({ finding }) => finding), ...together];
}

const keyOf = (id: NodeId, { policy, rule }: Finding): string => `${id} ${rule} ${policy}`;

/** A finding against steps that ask for the same. */
interface Alone {
  readonly ids: readonly NodeId[];
  readonly finding: Finding;
}

/** Each for itself; steps that ask for the same are judged once. */
function* judgeAlone(parts: readonly Part[], outlook: WorkflowOutlook, now: number): Bits<readonly Alone[]> {
  const groups = new Map<string, Part[]>();
  for (const part of parts) {
    const { duration, execution } = part.spec;
    const key = JSON.stringify([part.asked, duration, execution.dryRun, beginsAtOnce(part)]);
    groups.set(key, [...(groups.get(key) ?? []), part]);
  }
  const told: Alone[] = [];
  for (const [first, ...more] of groups.values()) {
    if (first === undefined) continue;
    const ids = [first, ...more].map(({ id }) => id);
    const candidates = outlook.candidatesOf(first.spec);
    for (const finding of foresee(first.spec, { candidates, policy: outlook.policy }, now) ?? [])
      if (finding.rule !== 'timeWindows' || beginsAtOnce(first))
        told.push({ ids, finding: aloneText(finding, ids, first) });
    yield;
  }
  return told;
}

/** When a later step begins is not known, so that the windows of time are judged then. */
const beginsAtOnce = ({ before, isExit }: Part): boolean => !isExit && before.size === 0;

/** A dry run goes on, and tells itself what a run would be refused for. */
function aloneText(finding: Finding, ids: readonly NodeId[], { spec }: Part): Finding {
  const named = `${ids.length > 1 ? 'each of ' : ''}${stepsText(ids)}`;
  if (!spec.execution.dryRun) return { ...finding, message: `${named}: ${finding.message}` };
  return { ...finding, enforcement: 'Audit', message: `${named}, if it were no dry run: ${finding.message}` };
}

/** Each beside others. What is against one of them alone was told, and so was what two of them found before. */
function* judgeTogether(
  parts: readonly Part[],
  maxParallelism: number,
  { judged, known }: { readonly judged: Judged; readonly known: Set<string> },
): Bits<readonly Finding[]> {
  const hitting = parts.filter(({ spec }) => !spec.execution.dryRun);
  const told: Finding[] = [];
  for (const [one, others] of setsOf(hitting, maxParallelism)) {
    for (const found of judged(one, others)) {
      if (!SUMS.includes(found.rule) || known.has(keyOf(one.id, found))) continue;
      // A step of which the same was told adds nothing new.
      const fresh = others.filter(({ id }) => !known.has(keyOf(id, found)));
      if (fresh.length < others.length && !finds(judged(one, fresh), found)) continue;
      const needed =
        told.length >= MOST_SHRUNK ? fresh : yield* fewest(fresh, (left) => finds(judged(one, left), found));
      for (const { id } of [one, ...needed]) known.add(keyOf(id, found));
      const last = judged(one, needed).find((again) => isSame(again, found)) ?? found;
      const named = `${stepsText([one.id])} beside ${stepsText(needed.map(({ id }) => id))}`;
      told.push({ ...last, message: `${named}: ${last.message}` });
    }
    yield;
  }
  return told;
}

const finds = (findings: readonly Finding[], found: Finding): boolean => findings.some((again) => isSame(again, found));

/** Experiments with those beside which each is judged: different ones, evenly from all of the workflow where there are too many. */
function setsOf(parts: readonly Part[], maxParallelism: number): readonly (readonly [Part, readonly Part[]])[] {
  const sets = new Map<string, readonly [Part, readonly Part[]]>();
  for (const one of parts) {
    const others = besides(one, parts, maxParallelism - 1);
    const asked = others.map((other) => other.asked).toSorted();
    const key = JSON.stringify([one.asked, ...asked]);
    if (others.length > 0 && !sets.has(key)) sets.set(key, [one, others]);
  }
  const all = [...sets.values()];
  const turn = (index: number): number => Math.floor((index * MOST_SETS) / all.length);
  return all.length <= MOST_SETS ? all : all.filter((_, index) => index === 0 || turn(index) > turn(index - 1));
}

/** Which others are in force when it begins: none of them waits for it, or for another one. */
function besides(one: Part, parts: readonly Part[], most: number): readonly Part[] {
  const at = parts.indexOf(one);
  const ring = [...parts.slice(at + 1), ...parts.slice(0, at)];
  const isNear = ({ spec }: Part): boolean => spec.target.namespace === one.spec.target.namespace;
  const set: Part[] = [];
  for (const other of [...ring.filter(isNear), ...ring.filter((part) => !isNear(part))]) {
    if (set.length >= most) break;
    if ([one, ...set].every((each) => each.mayMeet(other))) set.push(other);
  }
  return set;
}

/** Those of the others without which it would not be found. */
function* fewest(others: readonly Part[], isFound: (left: readonly Part[]) => boolean): Bits<readonly Part[]> {
  let left = others;
  for (const each of others) {
    const without = left.filter((other) => other !== each);
    if (isFound(without)) left = without;
    yield;
  }
  return left;
}

/** So many are named. */
const SHOWN = 5;

function stepsText(ids: readonly NodeId[]): string {
  const shown = ids.slice(0, SHOWN);
  const more = ids.length - shown.length;
  const all = more > 0 ? [...shown, countOf(more, 'other')] : shown;
  const text = all.length > 1 ? `${all.slice(0, -1).join(', ')} and ${all.at(-1)}` : all.join('');
  return `step${ids.length > 1 ? 's' : ''} ${text}`;
}
