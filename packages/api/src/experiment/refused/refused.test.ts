/** Every refusal names the path, what was wrong and what is allowed: a table of inputs that people write, by kind. */
import { ChaosError, type Problem } from '@chaosplane/common/pure';
import { describe, expect, test } from '@jest/globals';
import { parseExperiment } from '../parse.ts';
import { actions } from './actions.ts';
import { delays } from './delays.ts';
import { documents } from './documents.ts';
import { durations } from './durations.ts';
import { nodes } from './nodes.ts';
import { others } from './others.ts';
import { partitions } from './partitions.ts';
import { peers } from './peers.ts';
import { probes } from './probes.ts';
import { proxied } from './proxied.ts';
import type { Refused } from './refused.ts';
import { selectors } from './selectors.ts';
import { spec } from './spec.ts';
import { targets } from './targets.ts';

const valid = {
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosExperiment',
  metadata: { name: 'slow-web' },
  spec: {
    target: { namespace: 'shop', labelSelector: { matchLabels: { app: 'web' } } },
    action: { type: 'network-delay', parameters: { latency: '200ms' } },
    duration: '8s',
  },
};

function problemsOf(document: unknown): readonly Problem[] {
  try {
    parseExperiment(document, 'cluster');
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems;
  }
}

const inSpec = {
  targets,
  selectors,
  peers,
  actions,
  delays,
  partitions,
  proxied,
  others,
  nodes,
  durations,
  spec,
  probes,
};

test('what the tables change is valid without the change, and they are more than 200', () => {
  expect(problemsOf(valid)).toEqual([]);
  expect(Object.values(inSpec).flat().length + documents.length).toBeGreaterThan(200);
});

describe.each<[string, readonly Refused[], (changes: object) => unknown]>([
  ...Object.entries(inSpec).map(([kind, table]): [string, readonly Refused[], (changes: object) => unknown] => [
    kind,
    table,
    (changes) => ({ ...valid, spec: { ...valid.spec, ...changes } }),
  ]),
  ['documents', documents, (changes) => ({ ...valid, ...changes })],
])('of %s', (_kind, table, documentOf) => {
  test.each(table)('%j is refused at %s: %s', (changes, path, wrong, allowed) => {
    const problems = problemsOf(documentOf(changes));
    expect(problems[0]).toEqual({ path, wrong, allowed });
    for (const problem of problems) expect(Object.values(problem).every((text) => text !== '')).toBe(true);
  });
});
