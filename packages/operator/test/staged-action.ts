/** An executor of an action of the operator, for one experiment on nodes in memory. */
import { parseExperiment, type ExperimentStatus, type TargetStatus } from '@chaosplane/api';
import { createLogger, systemClock, type Clock } from '@chaosplane/common';
import type { Executor } from '@chaosplane/lifecycle';
import { createCalls } from '../src/daemons/calls.ts';
import type { OperatorAction } from '../src/executors/actions/action.ts';
import type { MemoryApi } from './memory-api.ts';

/** What a test changes. */
export interface StagedAction {
  /** As an operator that knows nothing but the status makes it. */
  executor(): Executor;
  status: ExperimentStatus;
  /** Milliseconds that have passed. */
  passed: number;
  readonly signal: AbortSignal;
}

export const BEGAN = Date.parse('2026-01-01T01:00:00Z');

/** One of the experiment shop/NAME/uid-NAME; `parameters` are those of the action. */
export function stageAction(
  action: OperatorAction,
  api: MemoryApi,
  { name = 'one', type, parameters = {} }: { name?: string; type: string; parameters?: object },
): StagedAction {
  const document = {
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosExperiment',
    metadata: { name, namespace: 'shop' },
    spec: { target: { kind: 'Node', names: ['n1'] }, action: { type, parameters }, duration: '10m' },
  };
  const { spec } = parseExperiment(document, 'cluster');
  const { signal } = new AbortController();
  const clock: Clock = {
    ...systemClock,
    now: () => BEGAN + staged.passed,
    monotonic: () => staged.passed,
  };
  const staged: StagedAction = {
    status: { phase: 'Running', effectiveAt: BEGAN, targets: [], conditions: [] },
    passed: 0,
    signal,
    executor: () =>
      action({
        ...{ client: api.client, nodes: api.nodes, pods: api.pods, podsOn: api.podsOn },
        ...{ spec, namespace: 'chaosplane', experimentId: `shop/${name}/uid-${name}`, signal, clock },
        calls: createCalls({ clock: systemClock, wake: () => undefined }),
        status: () => staged.status,
        logger: createLogger({ level: 'silent' }),
      }),
  };
  return staged;
}

/** The node n1 as a target. */
export const target: TargetStatus = { namespace: '', name: 'n1', uid: 'uid-of-n1', node: 'n1', state: 'Selected' };
