/** What carrying out a decision does to the status, the memory and the executor, in which order. */
import {
  parseExperiment,
  initialStatus,
  type ExperimentStatus,
  type KnownPolicy,
  type TargetStatus,
} from '@chaosplane/api';
import { ChaosError } from '@chaosplane/common';
import { describe, expect, test } from '@jest/globals';
import { clusterOf, policyOf } from '../test/policies.ts';
import { carryOut } from './carry-out.ts';
import type { Executor } from './executor.ts';
import { decide } from './experiment/decide.ts';
import type { Decision, Observation, ObservedExecution } from './experiment/observation.ts';
import { newDecisionMemory, type Ports } from './ports.ts';

const target: TargetStatus = { namespace: 'shop', name: 'a', uid: 'u', state: 'Injected', executionId: 'x' };
const running: ExperimentStatus = { ...initialStatus, phase: 'Running', effectiveAt: 0, targets: [target] };

/** Ports that write down what they are asked for. */
function staged(change: Partial<Executor> = {}) {
  const said: string[] = [];
  const executor: Executor = {
    isUnresponsive: () => false,
    inject: async () => ({ kind: 'injected', executionId: 'x' }),
    preview: async ({ name }) => `a plan for ${name}`,
    observe: async () => new Map(),
    cancel: async () => 'all',
    ...change,
  };
  const ports: Ports = {
    executor,
    memory: newDecisionMemory(),
    clock: { now: () => 1000, monotonic: () => 1000 },
    retryMs: 50,
    evidenceMs: 0,
    reasonOf: String,
    injections: { begin: async () => undefined, wait: async () => undefined },
    probes: { ask: async () => ({ outcome: 'fail', message: 'status 500', tookMs: 1 }), stop: () => said.push('stop') },
    store: { status: running, save: async () => void said.push('save') },
    onCancelled: (count) => said.push(`cancelled ${count}`),
    onPeersLost: (why) => said.push(`peers lost: ${why}`),
  };
  const act = (decision: Decision, executions: Observation['executions'] = new Map()) =>
    carryOut(decision, { executions }, ports);
  return { act, ports, said };
}

describe('carrying out', () => {
  test('writes the status down before deadlines are moved', async () => {
    const { act, said } = staged({ deadline: { extend: async () => void said.push('extend') } });
    await act({ kind: 'extend', executionIds: ['x'], ttlMs: 1, status: running });
    expect(said).toEqual(['stop', 'save', 'extend']);
  });

  test('asks for the same end again after a while, and tells it once', async () => {
    const { act, said } = staged();
    expect(await act({ kind: 'cancel', executionIds: ['x'] })).toBeUndefined();
    expect(await act({ kind: 'cancel', executionIds: ['x'] })).toEqual({ requeueAfterMs: 50 });
    expect(said).toEqual(['stop', 'cancelled 1', 'stop']);
  });

  test('remembers the outcome of probes, and waits for a steady state that is not back yet', async () => {
    const { act, ports, said } = staged();
    expect(await act({ kind: 'probe', side: 'before' })).toBeUndefined();
    expect(await act({ kind: 'probe', side: 'after' })).toEqual({ requeueAfterMs: 50 });
    expect(ports.memory).toMatchObject({ before: { outcome: 'fail' }, after: { outcome: 'fail' } });
    expect(said).toEqual([]);
  });

  test('notes evidence while it waits', async () => {
    const { act, ports } = staged();
    const evidence = { verdict: 'Verified', engine: 'nft', summary: '', counters: {}, notes: [] } as const;
    const executions = new Map<string, ObservedExecution>([['x', { live: true, evidence }]]);
    expect(await act({ kind: 'wait', until: 1300 }, executions)).toEqual({ requeueAfterMs: 300 });
    expect(ports.store.status.targets[0]?.evidence).toEqual(evidence);
  });

  test('tells peers when they are others, and says once why they cannot be told', async () => {
    const answers: (string | Error)[] = [
      '[1]',
      '[1]',
      new ChaosError('FAILED_PRECONDITION', 'a Service leads elsewhere'),
    ];
    const { act, said } = staged({
      peers: {
        current() {
          const answer = answers.length > 1 ? answers.shift() : answers[0];
          if (answer instanceof Error) throw answer;
          return answer ?? '';
        },
        follow: async () => {
          said.push('follow');
          return true;
        },
      },
    });
    for (let visit = 0; visit < 4; visit++) await act({ kind: 'wait', until: 0 });
    expect(said.filter((line) => line !== 'stop')).toEqual(['follow', 'peers lost: a Service leads elsewhere']);
  });

  test('a dry run tells what each target would get, and changes nothing', async () => {
    const { spec } = parseExperiment(
      {
        apiVersion: 'chaos.chaosplane.io/v1alpha1',
        kind: 'ChaosExperiment',
        metadata: { name: 'x', namespace: 'shop' },
        spec: {
          target: { names: ['a', 'b'], mode: 'all' },
          action: { type: 'network-delay', parameters: { latency: '1s' } },
          duration: '1s',
          execution: { dryRun: true },
        },
      },
      'cluster',
    );
    const { act, ports } = staged({
      preview: async ({ name }) => (name === 'a' ? 'a plan' : Promise.reject(new Error('refused'))),
    });
    const candidates = ['a', 'b', 'c'].map((name) => ({
      ...{ namespace: 'shop', name, uid: name, labels: {}, running: true, hostNetwork: false },
    }));
    const observed = { spec, status: initialStatus, candidates, seed: 1, executions: new Map(), home: 'shop' };
    ports.store.status = initialStatus;
    expect(await act(decide({ ...observed, abort: 'deleted' }, 0))).toBeUndefined();
    expect(ports.store.status).toMatchObject({
      phase: 'Failed',
      outcome: { message: 'a dry run: 1 of 3 pods would be hit; Error: refused' },
      conditions: [
        { type: 'Selected', status: 'True', message: '2 of 3 pods\nnot chosen: shop/c: not among the names' },
        { type: 'Failed', status: 'True' },
      ],
      targets: [
        { name: 'a', state: 'Selected', message: 'would be hit: a plan' },
        { name: 'b', state: 'Missed', message: 'Error: refused' },
      ],
    });

    // What policies forbid would still be known.
    const forbids = policyOf({ targetLimits: { maxTargets: 1 } }, 'one');
    const audits = policyOf({ enforcement: 'Audit', actionLimits: { maxDuration: '500ms' } }, 'short');
    const under = (policies: readonly KnownPolicy[]) => {
      ports.store.status = initialStatus;
      return act(decide({ ...observed, policy: { policies, cluster: clusterOf({ others: [] }) } }, 0));
    };
    await under([forbids, audits]);
    const message =
      'policy one, rule maxTargets: 2 targets at the same time would be more than 1: 2 of this experiment';
    expect(ports.store.status).toMatchObject({
      ...{ phase: 'Failed', outcome: { message: `${message}; Error: refused` } },
      conditions: [
        {
          type: 'Selected',
          status: 'False',
          reason: 'PolicyDenied',
          message: `${message}\nnot chosen: shop/c: not among the names`,
        },
        { type: 'Failed', status: 'True' },
      ],
      targets: [{ name: 'a', message: 'would be hit if no policy forbade it: a plan' }, { name: 'b' }],
    });
    await under([audits]);
    expect(ports.store.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'WithinPolicy', reason: 'PolicyAudit' }),
    );
  });
});
