/** Policies: an experiment that breaks one is not begun, and what is in force of it is recovered. */
import { findAction } from '@chaosplane/actions';
import { withCondition, type AskedSpec, type ExperimentStatus, type TargetStatus } from '@chaosplane/api';
import { defined } from '@chaosplane/common/pure';
import type { PolicyRequest } from '../policy/case.ts';
import { judge } from '../policy/chain.ts';
import { denials, toldOf, type Finding } from '../policy/finding.ts';
import type { PolicyInput } from '../policy/input.ts';
import type { Decision, Judgement, Understood } from './observation.ts';
import { beginRecovery, isDenied } from './recovering.ts';
import { selectTargets, type Selection } from './select.ts';

/** What is said where the policies cannot be read: whether one forbids it is not known. */
const UNKNOWN =
  'the policies of the cluster are not known: is the kind BlastRadiusPolicy installed, and may the operator list it?';

/** Why it may not begin with these targets, or what is to be noted of policies that only audit. */
export function judgeBeginning(
  observation: Understood,
  { chosen: targets, fitting }: Selection,
  now: number,
): Judgement {
  if (observation.policy !== undefined && observation.policy.policies === undefined) return { denied: UNKNOWN };
  const findings = findingsOf(observation, { begins: true, targets, fitting }, now);
  const against = denials(findings);
  return against.length > 0 ? { denied: toldOf(against) } : { audited: findings };
}

/** Draws of an experiment that has no seed yet: what is against each of them is told. */
export const DRAWS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8];

/**
 * What the policies have against an experiment that is about to be created, if it began now; undefined where they are not known.
 * Where the targets are drawn, what is against some draws only is left out: it is judged when the targets are chosen.
 */
export function foresee(
  spec: AskedSpec,
  { candidates, policy }: Pick<Understood, 'candidates'> & { readonly policy: PolicyInput },
  now: number,
): readonly Finding[] | undefined {
  if (policy.policies === undefined) return undefined;
  const { seed: given, mode } = spec.target;
  const seeds = given !== undefined ? [given] : mode === 'all' ? DRAWS.slice(0, 1) : DRAWS;
  const drawn = (seed: number): readonly Finding[] => {
    const { chosen: targets, fitting } = selectTargets(candidates, spec, seed);
    return findingsOf({ spec, policy }, { begins: true, targets, fitting }, now);
  };
  return inEach(seeds, drawn);
}

/** What is found in each of the draws, which are made for as long as something is. */
export function inEach(draws: readonly number[], found: (draw: number) => readonly Finding[]): readonly Finding[] {
  const [first, ...others] = draws;
  let left = first === undefined ? [] : found(first);
  for (const draw of others) {
    if (left.length === 0) break;
    const again = found(draw);
    left = left.filter(({ policy, rule }) => again.some((other) => other.policy === policy && other.rule === rule));
  }
  return left;
}

/** Phases in which something is in force, or is about to be. */
const IN_FORCE: readonly ExperimentStatus['phase'][] = ['SteadyStateChecking', 'Running', 'Completing'];

/**
 * Recovers all of an experiment that is over the line, before anything more is injected; undefined when it is not, and nothing new is
 * to be noted. A recovery that goes on already is left alone.
 */
export function holdPolicies(observation: Understood, now: number): Decision | undefined {
  const { spec, status } = observation;
  const leaves = status.phase === 'Recovering' && !spec.rollback.enabled && !isDenied(status);
  if (!leaves && !IN_FORCE.includes(status.phase)) return undefined;
  const targets = status.targets.filter(({ state }) => state === 'Injected' || (!leaves && state === 'Selected'));
  const findings = findingsOf(observation, { begins: false, targets, fitting: targets }, now);
  const against = denials(findings);
  if (against.length > 0) {
    const message = toldOf(against);
    const noted = withCondition(status, { type: 'WithinPolicy', status: 'False', reason: 'PolicyDenied', message });
    return beginRecovery(noted, now, { phase: 'Aborted', message });
  }
  const noted = withAudit(status, findings);
  return noted === status ? undefined : { kind: 'advance', status: noted };
}

/** Whether policies let these be hit, too, beside what is in force. */
export function mayBeHit(observation: Understood, more: readonly TargetStatus[], now: number): boolean {
  const hit = observation.status.targets.filter(({ state }) => state === 'Injected' || state === 'Selected');
  const targets = [...hit, ...more];
  return denials(findingsOf(observation, { begins: false, targets, fitting: targets }, now)).length === 0;
}

/** Whether a kill switch is on for these targets: also for those that an experiment which is over has left to the TTL. */
export function isHalted(
  { spec, policy }: Pick<Understood, 'spec' | 'policy'>,
  targets: readonly TargetStatus[],
  now: number,
): boolean {
  const findings = findingsOf({ spec, ...defined({ policy }) }, { begins: false, targets, fitting: targets }, now);
  return findings.some(({ rule }) => rule === 'halt');
}

function findingsOf(
  { spec, policy }: { readonly spec: AskedSpec } & Pick<Understood, 'policy'>,
  request: Pick<PolicyRequest, 'begins' | 'targets' | 'fitting'>,
  now: number,
): readonly Finding[] {
  if (policy?.policies === undefined || request.targets.length === 0) return [];
  const action = findAction(spec.action.type).name;
  return judge(policy.policies, { action, duration: spec.duration, ...request }, policy.cluster, now);
}

/** Notes what policies that only audit have against it: a line for each rule, which stays as it was noted first. */
export function withAudit(status: ExperimentStatus, findings: readonly Finding[]): ExperimentStatus {
  const known = status.conditions.find(({ type }) => type === 'WithinPolicy')?.message.split('\n') ?? [];
  const fresh = findings
    .filter(({ policy, rule }) => !known.some((line) => line.startsWith(toldOf([{ policy, rule, message: '' }]))))
    .map((finding) => toldOf([finding]));
  if (fresh.length === 0) return status;
  const message = [...known, ...fresh].join('\n');
  return withCondition(status, { type: 'WithinPolicy', status: 'False', reason: 'PolicyAudit', message });
}
