/** What an experiment file may say, and that every mistake in it is named at once. */
import { ChaosError } from '@chaosplane/common/pure';
import { describe, expect, test } from '@jest/globals';
import { parseExperiment } from './parse.ts';

const spec = {
  target: { namespace: 'shop', labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '200ms' } },
  duration: '8s',
};
const documentOf = (changes: object): unknown => ({
  apiVersion: 'chaos.chaosplane.io/v1alpha1',
  kind: 'ChaosExperiment',
  metadata: { name: 'slow-web' },
  spec: { ...spec, ...changes },
});
function pathsWrong(document: unknown): string[] {
  try {
    parseExperiment(document, 'machine');
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems.map(({ path, wrong }) => `${path}: ${wrong}`);
  }
}

describe('an experiment', () => {
  test('has its defaults filled in, and its times in milliseconds', () => {
    const parsed = parseExperiment(documentOf({}), 'machine').spec;
    expect(parsed.duration).toBe(8_000);
    expect(parsed.injectionTimeout).toBe(60_000);
    expect(parsed.target.mode).toBe('one');
    expect(parsed.execution).toEqual({ parallelism: 10, dryRun: false, onMissed: 'Continue', onTargetGone: 'Fail' });
    expect(parsed.rollback.enabled).toBe(true);
  });

  test.each([
    ['a misspelt key names the nearest one', { durations: '1s' }, 'did you mean duration?'],
    ['a duration without a unit is refused', { duration: '10' }, 'spec.duration: "10" has no unit'],
    ['an action that lasts needs a duration', { duration: undefined }, 'spec.duration: it is required'],
    [
      'a bad parameter of the action is named',
      { action: { type: 'network-delay', parameters: { latency: 'x' } } },
      'spec.action.parameters.latency',
    ],
    ['an unknown action names the nearest one', { action: { type: 'network-dely' } }, 'did you mean network-delay?'],
    ['a target that says nothing is refused', { target: {} }, 'nothing says which targets are meant'],
    ['a counted mode needs a value', { target: { names: ['a'], mode: 'fixed' } }, 'mode fixed needs a value'],
    [
      'a network fault does not hit a node',
      { target: { names: ['a'], kind: 'Node' } },
      'spec.target.kind: network-delay hits a Pod, not a Node',
    ],
    [
      'what restarts nodes does not hit a pod, by an alias neither',
      { action: { type: 'node-cpu-stress' } },
      'spec.target.kind: node-cpu-stress hits a Node, not a Pod',
    ],
    [
      'nodes have no namespace',
      { target: { names: ['a'], kind: 'Node', namespace: 'shop' }, action: { type: 'stress-cpu' } },
      'spec.target.namespace: nodes have no namespace',
    ],
    [
      'what is done to a node has no peers',
      { target: { names: ['a'], kind: 'Node' }, action: { type: 'stress-cpu' }, peers: [{ cidr: '10.0.0.1' }] },
      'spec.peers: stress-cpu has no peers',
    ],
    [
      'the labels of nodes are those of a cluster',
      { target: { labelSelector: { matchLabels: { zone: 'a' } }, kind: 'Node' }, action: { type: 'stress-cpu' } },
      'nodes have labels in a cluster only',
    ],
    [
      'abort conditions ask no objects of Kubernetes on one machine',
      { abortConditions: [{ type: 'k8s', kind: 'Pod', names: ['a'], ready: { count: 1 } }] },
      'spec.abortConditions.0.type: there are objects of Kubernetes in a cluster only',
    ],
    [
      'samples ask no objects of Kubernetes on one machine',
      { steadyState: { during: [{ type: 'k8s', kind: 'Pod', names: ['a'], ready: { count: 1 } }] } },
      'spec.steadyState.during.0.type: there are objects of Kubernetes in a cluster only',
    ],
    [
      'objects of Kubernetes are those of a cluster',
      { steadyState: { after: [{ type: 'k8s', kind: 'Pod', names: ['a'], ready: { count: 1 } }] } },
      'spec.steadyState.after.0.type: there are objects of Kubernetes in a cluster only',
    ],
  ])('%s', (_name, changes, said) => {
    expect(pathsWrong(documentOf(changes)).join('\n')).toContain(said);
  });

  test('of nodes is in no namespace, and chooses them by labels, names and modes', () => {
    const target = { kind: 'Node', labelSelector: { matchLabels: { zone: 'a' } }, mode: 'fixed-percent', value: 50 };
    const document = documentOf({ target, action: { type: 'stress-cpu', parameters: { load: 50 } } });
    expect(parseExperiment(document, 'cluster').spec.target).toMatchObject({ ...target, namespace: '' });
  });

  test('names every mistake at once, the action’s own included', () => {
    const wrong = pathsWrong(
      documentOf({ duration: '1x', target: { names: ['a'], mode: 'two' }, action: { type: 'network-delay' } }),
    );
    expect(wrong.join('\n')).toMatch(/spec\.duration/);
    expect(wrong.join('\n')).toMatch(/spec\.target\.mode/);
    expect(wrong.join('\n')).toMatch(/spec\.action\.parameters\.latency/);
  });

  test('with a crowd of parameters or of unknown fields is told their number, and not each of them', () => {
    const crowd = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
    const action = { type: 'network-delay', parameters: crowd(200_000) };
    expect(pathsWrong(documentOf({ action }))).toEqual(['spec.action.parameters: there are 200000']);
    const fields = pathsWrong(documentOf(crowd(2000)));
    expect([fields.length, fields.at(-1)]).toEqual([21, 'spec: 1980 more keys are not known here']);
  });

  test('with very many problems is told a hundred of them', () => {
    const peers = Array.from({ length: 100 }, () => ({ cidr: 'x', protocol: 'y' }));
    expect(pathsWrong(documentOf({ peers })).length).toBeGreaterThan(100);
    expect(() => parseExperiment(documentOf({ peers }), 'machine')).toThrow(/and \d+ more problems$/);
  });
});
