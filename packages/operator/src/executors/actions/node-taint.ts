/** node-taint: the operator adds one taint to a node, and takes that one away again. */
import { findAction, parseParameters, type NodeTaintSpec } from '@chaosplane/actions';
import { ChaosError, countOf } from '@chaosplane/common';
import type { TargetEvidence, TargetStatus } from '@chaosplane/api';
import type { Node, Pod } from '@chaosplane/kube';
import type { Executor } from '@chaosplane/lifecycle';
import { changeNode } from '../../nodes/change.ts';
import { leavingEvidence, toLeave } from '../../nodes/evidence.ts';
import { nodeExecutions } from '../../nodes/executions.ts';
import { executionIdOf, type NodeChange } from '../../nodes/hold.ts';
import { controllerOf, hasEnded, ownPart, podName, type JudgedPod } from '../../nodes/pods.ts';
import { taintFor, taintHold, taintText } from '../../nodes/taint.ts';
import { toleratedSeconds } from '../../nodes/tolerations.ts';
import { failedInjection, type OperatorActionParts } from './action.ts';

/** An executor for one experiment. */
export function nodeTaintExecutor(parts: OperatorActionParts): Executor {
  const { spec, experimentId, client, signal, podsOn, namespace } = parts;
  const taint = parseParameters(findAction('node-taint'), spec.action.parameters, {
    target: 'absent',
  }) as NodeTaintSpec;
  const executions = nodeExecutions([taintHold], parts);
  const text = taintText(taint);

  function evidenceOf(target: TargetStatus | undefined, pods: readonly JudgedPod[]): TargetEvidence {
    const found = target?.evidence?.counters['pods_found'] ?? toLeave(pods);
    const notes = untilGone(pods, taint);
    const leaving = leavingEvidence({ found, pods, whyLeft: () => 'does not tolerate it', notes });
    const taken = `the node has the taint ${text}`;
    if (leaving.verdict === 'NoTraffic') return { ...leaving, verdict: 'Verified', summary: taken, notes };
    return { ...leaving, summary: `${taken}, ${leaving.summary}` };
  }

  function edit(node: Node): NodeChange | undefined {
    const change = taintFor(node, experimentId, taint);
    if (change === 'there') return undefined;
    if ('refused' in change) throw new ChaosError('FAILED_PRECONDITION', change.refused);
    refuseOwnEnd(podsOn(node.metadata.name), taint, namespace);
    return change;
  }

  return {
    isUnresponsive: () => false,
    async inject(target, _ttlMs, own) {
      try {
        const pods = judge(podsOn(target.name), taint);
        const node = await changeNode(client, target, edit, AbortSignal.any([signal, own]));
        if (node === undefined) return { kind: 'missed', why: 'its node was removed' };
        const executionId = executionIdOf(taintHold, experimentId, target.uid);
        return { kind: 'injected', executionId, evidence: evidenceOf(undefined, pods) };
      } catch (error) {
        return failedInjection(error, signal);
      }
    },
    async preview({ name }) {
      const node = parts.nodes.get({ name });
      if (node === undefined) throw new ChaosError('NOT_FOUND', 'its node was removed');
      edit(node);
      const pods = judge(podsOn(name), taint);
      const leave = pods.flatMap(({ what, pod }) => (what === 'evict' ? [pod] : []));
      const lost = leave.filter((pod) => controllerOf(pod) === undefined).length;
      const away = leave.filter((pod) => controllerOf(pod) === 'DaemonSet').length;
      return [
        `taint the node ${name} with ${text}`,
        ...(taint.effect === 'NoExecute'
          ? [
              `Kubernetes deletes ${countOf(leave.length, 'pod')}, and asks no budget: ${lost} without a controller do not come back, ${away} of DaemonSets not before the end`,
              ...leave.map((pod) => `delete ${podName(pod)}`),
              ...untilGone(pods, taint),
            ]
          : []),
      ].join('\n');
    },
    async observe(targets) {
      const found = await executions.find(targets);
      return new Map(
        found.map(({ executionId, told, target, name }) => {
          const evidence = evidenceOf(target, judge(podsOn(name), taint));
          return [executionId, told.live ? { ...told, evidence } : told];
        }),
      );
    },
    cancel: executions.cancel,
  };
}

/** Only NoExecute makes pods leave: those that do not tolerate it at all. */
function judge(pods: readonly Pod[], taint: NodeTaintSpec): JudgedPod[] {
  return pods
    .filter((pod) => !hasEnded(pod))
    .map((pod): JudgedPod => {
      if (taint.effect !== 'NoExecute' || toleratedSeconds(pod, taint) > 0) return { what: 'stays', pod, why: '' };
      return { what: pod.metadata.deletionTimestamp === undefined ? 'evict' : 'ending', pod };
    });
}

/** Pods that go later. */
function untilGone(pods: readonly JudgedPod[], taint: NodeTaintSpec): string[] {
  if (taint.effect !== 'NoExecute') return [];
  const later = pods.map(({ pod }) => toleratedSeconds(pod, taint)).filter((s) => s > 0 && s < Infinity);
  const last = Math.max(...later);
  const many = countOf(later.length, 'pod tolerates', 'pods tolerate');
  return later.length === 0 ? [] : [`${many} it for a while, ${last} s at most`];
}

/** @throws ChaosError FAILED_PRECONDITION where the operator would be deleted, which takes the taint away again. */
function refuseOwnEnd(pods: readonly Pod[], taint: NodeTaintSpec, namespace: string): void {
  if (taint.effect !== 'NoExecute') return;
  const own = pods.find((pod) => ownPart(pod, namespace) === 'operator' && toleratedSeconds(pod, taint) < Infinity);
  if (own === undefined) return;
  throw new ChaosError(
    'FAILED_PRECONDITION',
    `it would delete the operator's pod ${podName(own)}, which takes the taint away again: give it a toleration (operator.tolerations of the chart), or leave the node out`,
  );
}
