/** What is written of a workflow: back as it was, and never larger than an object may be. */
import { expect, test } from '@jest/globals';
import { parseWorkflow } from './parse.ts';
import { MOST_DEPTH, MOST_SPEC, MOST_STEPS } from './spec.ts';
import { SHARD_STEPS, stepDocument, stepFrom, workflowStateFrom, workflowStatusDocument } from './status-document.ts';
import { initialWorkflow, type NodeState, type WorkflowState } from './status.ts';

const KIB = 1024;
/** The API server refuses more than 1.5 MiB; `kubectl apply` keeps 256 KiB at most in its annotation. */
const MOST = 256 * KIB;

const result = {
  verdict: 'Inconclusive',
  measured: {
    successRate: 99.123456789,
    p50: 12.345678,
    p95: 23.456789,
    longestOutage: 1234,
    timeToDetect: 123,
    timeToRecover: 1234,
  },
} as const;
const over: NodeState = {
  phase: 'Failed',
  attempt: 100,
  startedAt: 1_800_000_000_123,
  endedAt: 1_800_000_001_456,
  retryAt: 1_800_000_001_456,
  message: 'why '.repeat(1000),
  result,
  asked: 100,
  isEnded: true,
  isCut: true,
};
/** As long as the id of a step can be. */
const idOf = (index: number): string =>
  Array.from({ length: MOST_DEPTH }, (_, depth) => `${'n'.repeat(59)}${depth}${String(index).padStart(3, '0')}`).join(
    '/',
  );

test('a step is read as it was written', () => {
  const { message: _long, ...short } = over;
  expect(stepFrom(stepDocument('a', { ...short, message: 'why' }))).toEqual({ ...short, message: 'why' });
  expect(stepFrom(stepDocument('a', { phase: 'Running', attempt: 1 }))).toEqual({ phase: 'Running', attempt: 1 });
});

test('a workflow is read as it was written, with the steps of all its shards', () => {
  const nodes = new Map([
    ['a', { phase: 'Succeeded', attempt: 1 } as const],
    ['b', { phase: 'Running', attempt: 2 } as const],
  ]);
  const state: WorkflowState = {
    ...{ phase: 'Ending', nodes, startedAt: 1000, wish: 'abort' },
    outcome: { phase: 'Aborted', message: 'it was aborted', order: 'at once' },
  };
  const context = { generation: 1, previous: undefined, now: 2000, steps: 3, lines: [], verdict: undefined };
  const document = workflowStatusDocument(state, context);
  expect(document).toMatchObject({ progress: '1/3', counts: { steps: 3, begun: 2, running: 1, succeeded: 1 } });
  expect(
    workflowStateFrom(document, [[stepDocument('a', nodes.get('a')!)], [stepDocument('b', nodes.get('b')!)]]),
  ).toEqual(state);
});

test('no object of 300 steps is above 256 KiB, however long their names and messages are', () => {
  const shard = Array.from({ length: SHARD_STEPS }, (_, index) => stepDocument(idOf(index), over));
  expect(Buffer.byteLength(JSON.stringify(shard))).toBeLessThan(MOST);
  const nodes = new Map(Array.from({ length: MOST_STEPS }, (_, index) => [idOf(index), over]));
  const state: WorkflowState = {
    ...initialWorkflow,
    phase: 'Failed',
    nodes,
    outcome: { phase: 'Failed', message: over.message ?? '', order: 'reverse' },
  };
  const lines = [...nodes.keys()].map((id) => `  ✗ ${id}: network-delay for 30s — failed: ${over.message}`);
  const context = { generation: 1, previous: undefined, now: 0, steps: MOST_STEPS, lines, verdict: undefined };
  const status = Buffer.byteLength(JSON.stringify(workflowStatusDocument(state, context)));
  // The spec stands in the object, and once more in the annotation of `kubectl apply`.
  expect(status + 2 * MOST_SPEC).toBeLessThan(MOST - 8 * KIB);
});

test('a spec that is too large, or templates that are too deep within each other, are refused', () => {
  const head = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosWorkflow', metadata: { name: 'flow' } };
  const long = Array.from({ length: 100 }, (_, index) => ({
    name: `c${index}`,
    condition: `true || ${'"x" == "x" && '.repeat(70)}true`,
  }));
  const steps = [{ name: 'a', template: 'c0' }];
  expect(() => parseWorkflow({ ...head, spec: { templates: long, steps } }, 'cluster')).toThrow(
    'spec: it has 128 KiB; allowed: at most 90 KiB',
  );
  const within = Array.from({ length: MOST_DEPTH + 1 }, (_, depth) => ({
    name: `c${depth}`,
    workflow: { steps: [{ name: 'a', template: `c${depth + 1}` }] },
  }));
  const templates = [...within, { name: `c${MOST_DEPTH + 1}`, delay: '1s' }];
  expect(() => parseWorkflow({ ...head, spec: { templates, steps } }, 'cluster')).toThrow(
    'templates are within each other more than 8 deep',
  );
});
