/**
 * What the policies of a cluster have against an experiment: a chain of rules, which the controller asks before the first injection
 * and for as long as something is in force. Pure; what cannot be told is a finding.
 */
import type { KnownPolicy } from '@chaosplane/api';
import type { Case, Count, PolicyRequest, Rule } from './case.ts';
import type { ClusterFacts } from './cluster.ts';
import type { Finding } from './finding.ts';
import { allowedActions } from './rules/allowed-actions.ts';
import { halt } from './rules/halt.ts';
import { maxDuration } from './rules/max-duration.ts';
import { maxPercentage } from './rules/max-percentage.ts';
import { maxTargets } from './rules/max-targets.ts';
import { maxUnavailable } from './rules/max-unavailable.ts';
import { minAvailable } from './rules/min-available.ts';
import { protectedResources } from './rules/protected-resources.ts';
import { timeWindows } from './rules/time-windows.ts';
import { covered } from './scope.ts';
import { countWorkloads } from './workloads.ts';

/** By the field of a policy that asks for it. */
const rules = {
  // Make sure that nothing is in force while the kill switch is on.
  halt,
  // Make sure that what is protected is not hit.
  protectedResources,
  // Make sure that nothing happens but what is allowed,
  allowedActions,
  // for no longer,
  maxDuration,
  // and at no other time.
  timeWindows,
  // Make sure that the cluster bears it: of all experiments together,
  maxTargets,
  // of each workload,
  maxPercentage,
  // with what is away for other reasons.
  minAvailable,
  maxUnavailable,
} satisfies Record<string, Rule>;

/** Everything that the policies have against it, in their order. */
export function judge(
  policies: readonly KnownPolicy[],
  request: PolicyRequest,
  cluster: ClusterFacts,
  now: number,
): readonly Finding[] {
  return policies.flatMap((policy) => judgeBy(policy, request, cluster, now));
}

function judgeBy(policy: KnownPolicy, request: PolicyRequest, cluster: ClusterFacts, now: number): readonly Finding[] {
  const { enforcement, scope } = policy.spec;
  const finding = (rule: string, message: string): Finding => ({ policy: policy.name, rule, enforcement, message });
  try {
    const { action } = request;
    const targets = covered(scope, request, cluster);
    const fitting = request.begins ? covered(scope, { action, targets: request.fitting }, cluster) : targets;
    if (targets.length + fitting.length === 0) return [];
    if ('broken' in policy)
      return [finding('valid', `it cannot be understood, so nothing in its scope is allowed: ${policy.broken}`)];
    const asked = { policy, request: { ...request, targets, fitting }, cluster, now };
    let counted: readonly Count[] | undefined;
    const it: Case = { ...asked, counts: () => (counted ??= countWorkloads(asked)) };
    // What might have been drawn and was not is asked for one thing only.
    const judged = targets.length > 0 ? rules : { protectedResources };
    return Object.entries<Rule>(judged).flatMap(([name, rule]) => {
      const message = told(rule, it);
      // A kill switch that only tells would be none.
      return message === undefined
        ? []
        : [{ ...finding(name, message), ...(name === 'halt' ? { enforcement: 'Enforce' } : {}) } as const];
    });
  } catch (error) {
    return [finding('scope', `whether the experiment is in its scope cannot be told: ${reasonOf(error)}`)];
  }
}

function told(rule: Rule, it: Case): string | undefined {
  try {
    return rule(it);
  } catch (error) {
    return `it cannot be judged: ${reasonOf(error)}`;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
