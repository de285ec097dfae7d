/** What the operator asks of the API server on the way to an injection and to a recovery: nothing that it knows already. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { ABORT_ANNOTATION, chaosExperiments, FINALIZER } from '@chaosplane/api';
import type { KubeClient } from '@chaosplane/kube';
import { eachOnStage, isEffective, isOver } from './each-on-stage.ts';
import type { Stage } from './stage.ts';

jest.setTimeout(120_000);

let stage: Stage;
eachOnStage(async (next) => {
  stage = next;
  for (const [index, node] of stage.nodes.entries()) await stage.addPod(`p${index}`, node);
});

const spec = {
  target: { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '10m',
};

/** A client that notes what is asked about experiments and their shards; `before` comes first. */
function noting(client: KubeClient, before: (asked: string) => Promise<void> = async () => undefined) {
  const asked: string[] = [];
  const note = async <T>(verb: string, kind: string, more: string, ask: () => Promise<T>): Promise<T> => {
    if (!kind.startsWith('ChaosExperiment')) return ask();
    const name = `${verb} ${kind}${more}`;
    await before(name);
    asked.push(name);
    return ask();
  };
  const phaseOf = (object: object): string =>
    ` ${(object as { readonly status?: { readonly phase?: string } }).status?.phase ?? ''}`;
  const noted: KubeClient = {
    ...client,
    get: (type, ...args) => note('get', type.kind, '', () => client.get(type, ...args)),
    list: (type, ...args) => note('list', type.kind, '', () => client.list(type, ...args)),
    create: (type, ...args) => note('create', type.kind, '', () => client.create(type, ...args)),
    replace: (type, ...args) => note('replace', type.kind, '', () => client.replace(type, ...args)),
    patch: (type, ...args) => note('patch', type.kind, '', () => client.patch(type, ...args)),
    apply: (type, object, ...args) =>
      note('apply', type.kind, phaseOf(object), () => client.apply(type, object, ...args)),
  };
  return { client: noted, asked };
}

/** An operator whose caches are whole: it has seen an experiment. */
async function begin(client: KubeClient): Promise<void> {
  stage.startOperator({ client });
  await stage.apply('first', { ...spec, target: { names: ['none'] } });
  await stage.until('first', isOver);
}

/** Resolves when nothing was asked for a while: an operator looks at an experiment again when its own writes come back to it. */
async function quiet(asked: readonly string[]): Promise<void> {
  let before = -1;
  while (asked.length !== before) {
    before = asked.length;
    await pause(700);
  }
}

test('three writes lead to an injection, one to a recovery, and no read', async () => {
  const { client, asked } = noting(stage.operatorClient);
  await begin(client);
  asked.length = 0;
  await stage.apply('slow', spec);
  await stage.until('slow', isEffective);
  expect(asked).toEqual([
    'patch ChaosExperiment',
    'create ChaosExperimentShard',
    'apply ChaosExperiment Running',
    // The targets as injected, and since when.
    'replace ChaosExperimentShard',
    'apply ChaosExperiment Running',
  ]);

  await stage.until('slow', ({ status }) => status?.targets?.every(({ evidence }) => evidence !== undefined) === true);
  await quiet(asked);
  asked.length = 0;
  const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
  await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name: 'slow' }, { kind: 'merge', body });
  await stage.until('slow', isOver);
  // Evidence may be written meanwhile, and what has ended may be read again.
  const ahead = asked.slice(0, asked.indexOf('apply ChaosExperiment Recovering'));
  expect(ahead.filter((name) => /^(?:get|list)/.test(name))).toEqual([]);
  expect(asked).toContain('apply ChaosExperiment Recovering');
});

test('what changed before the first write is read again: the last spec is the one that is injected', async () => {
  let changed = true;
  const { client, asked } = noting(stage.operatorClient, async (name) => {
    if (changed || name !== 'patch ChaosExperiment') return;
    changed = true;
    await stage.apply('slow', { ...spec, action: { ...spec.action, parameters: { latency: '250ms' } } });
  });
  await begin(client);
  asked.length = 0;
  changed = false;
  await stage.apply('slow', spec);
  const { metadata } = await stage.until('slow', isEffective);
  expect(metadata.finalizers).toEqual([FINALIZER]);
  expect(asked.slice(0, 2)).toEqual(['patch ChaosExperiment', 'get ChaosExperiment']);
  const latencies = stage.nodes.flatMap(({ journal }) => journal.writes.map(({ parameters }) => parameters['latency']));
  expect(new Set(latencies)).toEqual(new Set(['250ms']));
});
