/** node-drain: the operator cordons a node, evicts its pods from visit to visit, and takes its own cordon away again. */
import { findAction, parseParameters, type NodeDrainSpec } from '@chaosplane/actions';
import { ChaosError, countOf, formatDuration } from '@chaosplane/common';
import type { TargetEvidence } from '@chaosplane/api';
import type { Node, Pod } from '@chaosplane/kube';
import type { Executor } from '@chaosplane/lifecycle';
import pMap from 'p-map';
import type { Call } from '../../daemons/calls.ts';
import { changeNode } from '../../nodes/change.ts';
import { cordonedBefore, cordonFor, cordonHold } from '../../nodes/cordon.ts';
import { due, evictDue, type Attempts } from '../../nodes/drain-round.ts';
import { evict } from '../../nodes/evict.ts';
import { leavingEvidence, staying, toLeave } from '../../nodes/evidence.ts';
import { nodeExecutions, workKey, type FoundExecution } from '../../nodes/executions.ts';
import { executionIdOf, type NodeChange } from '../../nodes/hold.ts';
import { judgePods, podName, type JudgedPod } from '../../nodes/pods.ts';
import { failedInjection, type OperatorActionParts } from './action.ts';

/** Evictions that a dry run asks for at the same time. */
const PARALLEL_PREVIEWS = 8;

const NOTHING: Attempts = new Map();

/** An executor for one experiment. */
export function nodeDrainExecutor(parts: OperatorActionParts): Executor {
  const { spec, experimentId, client, calls, status, clock, signal, podsOn, namespace } = parts;
  const drain = parseParameters(findAction('node-drain'), spec.action.parameters, {
    target: 'absent',
  }) as NodeDrainSpec;
  const executions = nodeExecutions([cordonHold], parts);

  const judge = (node: string): JudgedPod[] =>
    judgePods(podsOn(node), { ...drain, namespace, begunAt: status().effectiveAt });
  const attemptsOf = (executionId: string): Attempts | undefined => {
    const last = calls.last<Attempts>(workKey(executionId));
    return last !== undefined && 'value' in last ? last.value : undefined;
  };

  /** What the next visit knows of it, although this operator may be gone by then. */
  function evidenceOf(
    { executionId, target, node }: Pick<FoundExecution, 'executionId' | 'target' | 'node'>,
    pods: readonly JudgedPod[],
  ): TargetEvidence {
    const attempts = attemptsOf(executionId) ?? NOTHING;
    const notes = [
      ...(isLate() ? [`evictions ended after ${formatDuration(drain.timeoutMs)}`] : []),
      ...(node !== undefined && cordonedBefore(node) ? ['it was cordoned before, and stays cordoned'] : []),
    ];
    const found = target?.evidence?.counters['pods_found'] ?? toLeave(pods);
    return leavingEvidence({ found, pods, notes, whyLeft: (pod) => whyLeft(pod, attempts, isLate()) });
  }

  const isLate = (): boolean => clock.now() >= (status().effectiveAt ?? Infinity) + drain.timeoutMs;

  /** Evictions begin when every target is cordoned, so that no pod moves to a node that is drained next. */
  function beginRound({ executionId }: FoundExecution, pods: readonly JudgedPod[]): Call<Attempts>[] {
    const { phase, effectiveAt } = status();
    if (phase !== 'Running' || effectiveAt === undefined) return [];
    const wanted = toEvict(pods);
    const before = attemptsOf(executionId);
    const dryRun = isLate();
    // Another operator may have tried in vain: what is in the way is asked for once more, without evicting.
    const known = before !== undefined && (dryRun || due(wanted, before, clock.monotonic()).length === 0);
    if (wanted.length === 0 || known) return [];
    const run = (own: AbortSignal): Promise<Attempts> =>
      evictDue(wanted, before ?? NOTHING, { client, clock, dryRun, signal: AbortSignal.any([signal, own]) });
    return [calls.start(workKey(executionId), { isUnresponsive: () => false, run })];
  }

  return {
    isUnresponsive: () => false,
    async inject(target, _ttlMs, own) {
      try {
        const both = AbortSignal.any([signal, own]);
        const executionId = executionIdOf(cordonHold, experimentId, target.uid);
        const pods = judge(target.name);
        const edit = (node: Node): NodeChange | undefined => {
          const change = cordonFor(node, experimentId);
          // One that is cordoned for it already was judged then.
          if (change !== undefined) refuse(pods);
          return change;
        };
        const node = await changeNode(client, target, edit, both);
        if (node === undefined) return { kind: 'missed', why: 'its node was removed' };
        return { kind: 'injected', executionId, evidence: evidenceOf({ executionId, node }, pods) };
      } catch (error) {
        return failedInjection(error, signal);
      }
    },
    preview: async ({ name }) => previewOf(name, judge(name), parts),
    async observe(targets, enough) {
      const found = await executions.find(targets);
      const live = found.filter(({ told }) => told.live);
      const begun = live.flatMap((one) => beginRound(one, judge(one.name)));
      await calls.wait(begun, enough);
      return new Map(
        found.map((one) => {
          const { executionId, told, name } = one;
          return [executionId, told.live ? { ...told, evidence: evidenceOf(one, judge(name)) } : told];
        }),
      );
    },
    cancel: executions.cancel,
  };
}

/** As kubectl does before it evicts anything. @throws ChaosError FAILED_PRECONDITION naming the pods. */
function refuse(pods: readonly JudgedPod[]): void {
  const refused = pods.flatMap((one) => (one.what === 'refused' ? [`${podName(one.pod)} ${one.why}`] : []));
  if (refused.length === 0) return;
  const more = refused.length > 5 ? `, and ${refused.length - 5} more` : '';
  throw new ChaosError('FAILED_PRECONDITION', `the node is not drained: ${refused.slice(0, 5).join(', ')}${more}`);
}

/** Budgets are asked, and nothing is evicted. */
async function previewOf(
  node: string,
  pods: readonly JudgedPod[],
  { client, signal }: Pick<OperatorActionParts, 'client' | 'signal'>,
): Promise<string> {
  refuse(pods);
  const wanted = toEvict(pods);
  const lines = await pMap(
    wanted,
    async (pod) => {
      const answer = await evict(client, pod, { dryRun: true, signal });
      return answer.kind === 'done' ? `evict ${podName(pod)}` : `wait for ${podName(pod)}: ${answer.why}`;
    },
    { concurrency: PARALLEL_PREVIEWS },
  );
  const blocked = lines.filter((line) => line.startsWith('wait')).length;
  const now = blocked === 0 ? '' : `, ${blocked} of them not at this moment`;
  const first = `cordon the node ${node} and evict ${countOf(wanted.length, 'pod')}${now}`;
  return [first, ...lines, ...staying(pods)].join('\n');
}

const toEvict = (pods: readonly JudgedPod[]): Pod[] =>
  pods.filter(({ what }) => what === 'evict').map(({ pod }) => pod);

function whyLeft({ metadata: { uid = '' } }: Pod, attempts: Attempts, late: boolean): string {
  const eviction = attempts.get(uid)?.eviction;
  if (eviction === undefined) return 'was not asked for yet';
  if (eviction.kind === 'done') return late ? 'was not evicted in time' : 'is about to go';
  return `is in the way: ${eviction.why}`;
}
