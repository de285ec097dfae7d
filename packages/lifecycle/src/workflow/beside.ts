/** Judges one experiment of a workflow with others of it in force. Pure. */
import { findAction } from '@chaosplane/actions';
import type { AskedSpec, ExperimentSpec, KnownPolicy } from '@chaosplane/api';
import { DRAWS, inEach } from '../experiment/policy.ts';
import { selectTargets, type Candidate, type Selection } from '../experiment/select.ts';
import { besideOf } from '../policy/beside.ts';
import { judge } from '../policy/chain.ts';
import type { PolicyTarget } from '../policy/cluster.ts';
import type { Finding } from '../policy/finding.ts';
import type { PolicyInput } from '../policy/input.ts';
import type { OrderedStep } from './order.ts';

/** What a workflow is judged by. */
export interface WorkflowOutlook {
  readonly policy: PolicyInput;
  /** Everything that an experiment could hit. */
  candidatesOf(spec: AskedSpec): readonly Candidate[];
}

/** An experiment of the workflow. */
export interface Part extends OrderedStep {
  readonly spec: ExperimentSpec;
  /** What decides who is hit, and how policies count it, as text. */
  readonly asked: string;
}

export function partOf(step: OrderedStep, spec: ExperimentSpec): Part {
  const { target, action } = spec;
  return { ...step, spec, asked: JSON.stringify([target, action.type, action.parameters['containerName']]) };
}

/** So many draws of a sum: `spread` leaves little to luck, and fifty experiments draw at a time. */
const SUM_DRAWS = 3;

/** What is against one experiment with others in force, in every draw. */
export type Judged = (one: Part, others: readonly Part[]) => readonly Finding[];

/** Whether both are of the same rule of the same policy. */
export const isSame = (a: Finding, b: Finding): boolean => a.policy === b.policy && a.rule === b.rule;

/** Judges by these policies; what is chosen, and counted of it, is kept. */
export function judgeOf(
  policies: readonly KnownPolicy[],
  { candidatesOf, policy }: WorkflowOutlook,
  now: number,
): Judged {
  const selections = new Map<string, Selection>();
  const select = ({ spec, asked }: Part, draw: number): Selection => {
    const seed = spec.target.seed ?? draw;
    const key = `${seed} ${asked}`;
    const known = selections.get(key) ?? selectTargets(candidatesOf(spec), spec, seed);
    selections.set(key, known);
    return known;
  };
  const withHeld = besideOf(policy.cluster);
  const inDraw = (one: Part, others: readonly Part[], draw: number): readonly Finding[] => {
    const hit = spread([one, ...others], (part) => select(part, draw));
    const held = others.map((part) => ({
      name: `step ${part.id}`,
      action: actionOf(part),
      targets: hit.get(part) ?? [],
    }));
    const targets = hit.get(one) ?? [];
    if (targets.length === 0) return [];
    const { duration } = one.spec;
    const request = { action: actionOf(one), duration, begins: true, targets, fitting: targets };
    return judge(policies, request, withHeld(held), now);
  };
  return (one, others) => {
    const draws = DRAWS.slice(0, [one, ...others].some(isFree) ? SUM_DRAWS : 1);
    return inEach(draws, (draw) => inDraw(one, others, draw));
  };
}

const actionOf = ({ spec }: Part): string => findAction(spec.action.type).name;

/** Whether chance decides who is hit. */
const isFree = ({ spec: { target } }: Part): boolean => target.mode !== 'all' && target.seed === undefined;

/**
 * Who is hit by each. Draws without a seed are independent of each other: they are taken to hit different targets, as far as there are
 * some, because policies are to hold for any luck.
 */
function spread(
  parts: readonly Part[],
  select: (part: Part) => Pick<Selection, 'chosen' | 'fitting'>,
): ReadonlyMap<Part, readonly PolicyTarget[]> {
  const hit = new Set<string>();
  const lists = new Set<readonly PolicyTarget[]>();
  const fixedFirst = parts.toSorted((a, b) => Number(isFree(a)) - Number(isFree(b)));
  return new Map(
    fixedFirst.map((part) => {
      const { chosen, fitting } = select(part);
      const isTaken = isFree(part) && chosen.some(({ uid }) => hit.has(uid));
      const targets = isTaken ? apart(chosen, fitting, hit) : chosen;
      // Many steps may hit the same.
      if (!lists.has(targets)) for (const { uid } of targets) hit.add(uid);
      lists.add(targets);
      return [part, targets] as const;
    }),
  );
}

/** As many as were chosen, of those that fit: first such as are not hit yet. */
function apart(
  chosen: readonly Candidate[],
  fitting: readonly Candidate[],
  hit: ReadonlySet<string>,
): readonly Candidate[] {
  const result = new Set(chosen.filter(({ uid }) => !hit.has(uid)));
  for (const one of fitting) {
    if (result.size >= chosen.length) break;
    if (!hit.has(one.uid)) result.add(one);
  }
  for (const one of chosen) if (result.size < chosen.length) result.add(one);
  return [...result];
}
