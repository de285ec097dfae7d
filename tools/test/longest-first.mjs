/**
 * Runs the files that take longest first, so that none of them is left alone at the end of a layer while the other processor has
 * nothing to do. Jest knows by itself how long a file took, but only where it ran before: a fresh clone knows nothing.
 * https://jestjs.io/docs/configuration#testsequencer-string
 */
import TestSequencer from '@jest/test-sequencer';

/** Parts of paths, by how long the files take. The others follow. */
const LONGEST = [
  ...['drain', 'crash', 'failover', 'experiment', 'sick-node', 'hostile', 'drain-crash', 'schedule-crash'].map(
    (name) => `/test/api/${name}.test.ts`,
  ),
  ...['workflow-crash', 'policies', 'schedule', 'schedule-workflow', 'gitops', 'sampling', 'workflow'].map(
    (name) => `/test/api/${name}.test.ts`,
  ),
  ...['extending', 'uninstall', 'actions', 'life', 'daemons', 'workflow', 'traffic', 'cli'].map(
    (name) => `/test/cluster/${name}.test.ts`,
  ),
];

const rankOf = ({ path }) => {
  const rank = LONGEST.findIndex((part) => path.endsWith(part));
  return rank === -1 ? LONGEST.length : rank;
};

export default class LongestFirst extends TestSequencer {
  sort(tests) {
    return super.sort(tests).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}
