/** What expressions find of earlier steps, in workflows within workflows. */
import { expect, test } from '@jest/globals';
import { parseWorkflow, type NodeState } from '@chaosplane/api';
import { evaluatorOf, nodeNamed } from './facts.ts';
import { graphOf } from './graph.ts';

const experiment = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '1m',
};

const { spec } = parseWorkflow(
  {
    apiVersion: 'chaos.chaosplane.io/v1alpha1',
    kind: 'ChaosWorkflow',
    metadata: { name: 'flow' },
    spec: {
      templates: [
        { name: 'slow', experiment },
        { name: 'ok', condition: 'steps.first.verdict == "Held" && steps.inner.measured.p95 < duration("300ms")' },
        {
          name: 'more',
          workflow: {
            steps: [
              { name: 'inner', template: 'slow' },
              { name: 'check', template: 'ok', dependencies: ['inner'] },
            ],
          },
        },
        { name: 'told', condition: 'steps.first.phase == "Succeeded" && steps.all.phase == "Pending"' },
      ],
      steps: [
        { name: 'first', template: 'slow' },
        { name: 'all', template: 'more', dependencies: ['first'] },
      ],
      onExit: [{ name: 'tell', template: 'told' }],
    },
  },
  'cluster',
);
const graph = graphOf(spec.steps, spec.onExit);

const over = (result: NodeState['result']): NodeState => ({
  phase: 'Succeeded',
  attempt: 1,
  ...(result && { result }),
});

test('names are looked for beside the step, and then beside what it is a part of', () => {
  expect([...graph.nodes.keys()].toSorted()).toEqual(['all', 'all/check', 'all/inner', 'first', 'onExit/tell']);
  expect(nodeNamed(graph, 'inner', 'all/check')).toBe('all/inner');
  expect(nodeNamed(graph, 'first', 'all/check')).toBe('first');
  expect(nodeNamed(graph, 'first', 'onExit/tell')).toBe('first');
  expect(nodeNamed(graph, 'inner', 'first')).toBeUndefined();
});

test('a condition is told verdicts and what was measured; what was not is an error', () => {
  const nodes = new Map([['first', over({ verdict: 'Held' })]]);
  const evaluate = evaluatorOf(graph, () => ({ nodes }));
  const ask = (id: string) => {
    const step = graph.nodes.get(id)?.step;
    return step?.kind === 'condition' ? evaluate(step.question, id) : undefined;
  };
  expect(ask('all/check')).toEqual({ error: 'no such key: p95' });
  nodes.set('all/inner', over({ measured: { p95: 250 } }));
  expect(ask('all/check')).toEqual({ value: true });
  nodes.set('all/inner', over({ measured: { p95: 350 } }));
  expect(ask('all/check')).toEqual({ value: false });
  expect(ask('onExit/tell')).toEqual({ value: true });
});
