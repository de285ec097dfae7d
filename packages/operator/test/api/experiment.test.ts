/** Experiments from `kubectl apply` to their end, on a real API server. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { pods } from '@chaosplane/kube';
import { chaosExperiments, chaosExperimentShards, FINALIZER, type ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { NODE_ADDRESS, setReady } from './stage-node.ts';
import { eachOnStage, isOver } from './each-on-stage.ts';
import { type Stage, type ApiServerFixture } from './stage.ts';

jest.setTimeout(90_000);

let stage: Stage;
let fixture: ApiServerFixture;

eachOnStage((...next) => {
  [stage, fixture] = next;
});

const phaseIs =
  (phase: string) =>
  ({ status }: ExperimentObject): boolean =>
    status?.phase === phase;

const web = { labelSelector: { matchLabels: { app: 'web' } }, mode: 'all' };
const delay = { type: 'network-delay', parameters: { latency: '100ms' } };

/** Two pods, one on each node. */
async function twoPods(): Promise<string> {
  const [n1, n2] = stage.nodes;
  await stage.addPod('a', n1!);
  await stage.addPod('b', n2!);
  return stage.print();
}

describe('an experiment', () => {
  test('hits its targets on both nodes, says so, and leaves nothing', async () => {
    const before = await twoPods();
    stage.startOperator();
    await stage.apply('slow', { target: web, action: delay, duration: '3s' });
    const running = await stage.until('slow', ({ status }) => status?.effectiveAt !== undefined);
    expect(running.status?.counts).toMatchObject({ targets: 2, injected: 2, missed: 0 });
    expect(stage.print()).not.toBe(before);
    const over = await stage.until('slow', phaseIs('Completed'));
    expect(over.status?.targets?.map(({ name, state }) => [name, state])).toEqual([
      ['a', 'Recovered'],
      ['b', 'Recovered'],
    ]);
    for (const { inForceMs } of over.status?.targets ?? []) expect(inForceMs).toBeGreaterThanOrEqual(3000);
    expect(over.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual(
      expect.arrayContaining(['Selected=True', 'Injected=True', 'Recovered=True', 'Complete=True']),
    );
    expect(stage.print()).toBe(before);
    await eventually('the finalizer is gone', async () => {
      const object = await stage.get('slow');
      return object?.metadata.finalizers?.includes(FINALIZER) === true ? undefined : true;
    });
  });

  test('is deleted when it has been kept for long enough after its end, and not before', async () => {
    await twoPods();
    stage.startOperator();
    const short = { target: web, action: delay, duration: '1s' };
    await stage.apply('kept', short);
    await stage.apply('kept-long', { ...short, ttlSecondsAfterFinished: 3600 });
    await stage.apply('kept-shortly', { ...short, ttlSecondsAfterFinished: 2 });
    const over = await stage.until('kept-shortly', phaseIs('Completed'));
    await eventually('its time is over', async () => (await stage.get('kept-shortly')) ?? 'gone', {
      is: (found) => found === 'gone',
    });
    expect(Date.now() - Date.parse(over.status?.endedAt ?? '')).toBeGreaterThanOrEqual(2000);
    for (const name of ['kept', 'kept-long'])
      expect((await stage.until(name, phaseIs('Completed'))).kind).toBe('ChaosExperiment');
  });

  test('spares the probes of its pods, from the addresses of the node and from the one that its daemon finds', async () => {
    const ports = [{ name: 'admin', containerPort: 9090 }];
    const probed = { ports, livenessProbe: { httpGet: { port: 'admin' } }, readinessProbe: { grpc: { port: 50_051 } } };
    const [n1] = stage.nodes;
    const { fake } = await stage.addPod('a', n1!, { app: 'web' }, probed);
    const [source = ''] = n1!.kernel.host().sourcesTowards(fake.sandbox.ips);
    stage.startOperator();
    const begin = async (name: string, parameters: object): Promise<void> => {
      const action = { type: 'network-partition', parameters };
      await stage.apply(name, { target: web, action, duration: '10m' });
      await stage.until(name, ({ status }) => status?.effectiveAt !== undefined);
    };
    const spared = `ip saddr { ${NODE_ADDRESS}, ${source} } tcp dport { 9090, 50051 } return`;
    await begin('all', { spareProbes: false });
    expect(stage.print()).not.toContain('dport');
    await begin('spared', {});
    expect(stage.print()).toContain(spared);
    const action = { type: 'pod-http-abort', parameters: { port: 9090, statusCode: 503 } };
    await stage.apply('http', { target: web, action, duration: '10m' });
    await stage.until('http', ({ status }) => status?.effectiveAt !== undefined);
    expect(stage.print()).toContain(`"address":"${source}"`);
  });

  test('ends early by its annotation, and has recovered then', async () => {
    const before = await twoPods();
    stage.startOperator();
    await stage.apply('slow', { target: web, action: delay, duration: '10m' });
    await stage.until('slow', ({ status }) => status?.effectiveAt !== undefined);
    const body = { metadata: { annotations: { 'chaosplane.io/abort': 'true' } } };
    await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name: 'slow' }, { kind: 'merge', body });
    const over = await stage.until('slow', phaseIs('Aborted'));
    expect(over.status?.message).toMatch(/annotation/);
    expect(stage.print()).toBe(before);
  });

  test('that is deleted while it runs is gone only when everything has recovered', async () => {
    const before = await twoPods();
    stage.startOperator();
    await stage.apply('slow', { target: web, action: delay, duration: '10m' });
    await stage.until('slow', ({ status }) => status?.effectiveAt !== undefined);
    await stage.client.delete(chaosExperiments, { namespace: stage.namespace, name: 'slow' });
    await eventually('it is gone', async () => ((await stage.get('slow')) === undefined ? true : undefined));
    expect(stage.print()).toBe(before);
  });

  test('with a parameter that makes no sense fails at once, with every problem', async () => {
    stage.startOperator();
    await stage.apply('bad', {
      target: web,
      action: { type: 'network-delay', parameters: { latency: 'soon', ports: 'http' } },
      duration: '3s',
    });
    const over = await stage.until('bad', phaseIs('Failed'));
    expect(over.status?.message).toMatch(/latency: "soon" is not a duration.*"http" is not a port/);
    expect(over.metadata.finalizers ?? []).toEqual([]);
  });

  test('that never started is corrected in place, and then runs; from there on its spec stands', async () => {
    await twoPods();
    stage.startOperator();
    const spec = { target: web, action: { ...delay, parameters: { latency: 'soon' } }, duration: '1s' };
    await stage.apply('typo', spec);
    await stage.until('typo', phaseIs('Failed'));
    await stage.apply('typo', { ...spec, action: delay, duration: '10m' });
    const running = await stage.until('typo', ({ status }) => status?.effectiveAt !== undefined);
    expect(running.status?.conditions?.map(({ reason }) => reason)).not.toContain('InvalidSpec');
    expect(running.metadata.finalizers).toContain(FINALIZER);
    await expect(stage.apply('typo', { ...spec, action: delay, duration: '5m' })).rejects.toThrow(/cannot be changed/);
  });

  test('has any name that Kubernetes takes', async () => {
    await twoPods();
    stage.startOperator();
    // The cuts for the names of its shards and of its events come behind a dot, and behind a dash.
    const names = [`${'web-1.'.repeat(41)}example`, `${'b'.repeat(236)}.c`, `${'d'.repeat(235)}-e`];
    for (const name of names) {
      await stage.apply(name, { target: web, action: delay, duration: '1s' });
      const over = await stage.until(name, phaseIs('Completed'));
      expect(over.status?.counts).toMatchObject({ targets: 2, recovered: 2 });
    }
  });

  test('with a selector that Kubernetes refuses is refused, of targets and of peers', async () => {
    const selector = (operator: string, values: string[]) => ({ matchExpressions: [{ key: 'app', operator, values }] });
    for (const [operator, values] of [
      ['NotIn', []],
      ['In', []],
      ['Exists', ['a']],
    ] as const) {
      const labelSelector = selector(operator, [...values]);
      const bad = { target: { labelSelector }, action: delay, duration: '1s' };
      await expect(stage.apply('bad', bad)).rejects.toThrow(/matchExpressions.*need values/);
      const peers = { target: web, action: delay, duration: '1s', peers: [{ podSelector: { labelSelector } }] };
      await expect(stage.apply('bad', peers)).rejects.toThrow(/peers.*need values/);
    }
  });

  // An API server drops a null that its schema does not keep: what narrowed the choice would be gone without a word.
  test('with a null in place of what narrows its targets hits no target, and says where', async () => {
    const before = await twoPods();
    stage.startOperator();
    const in2 = { key: 'app', operator: 'In', values: ['web', null] };
    const rows: readonly (readonly [changes: object, said: string | RegExp])[] = [
      [{ target: { labelSelector: { matchLabels: { app: null } } } }, 'matchLabels.app: it has no value'],
      [{ target: { labelSelector: { matchLabels: { app: 'web', t: null } } } }, 'matchLabels.t: it has no value'],
      [{ target: { labelSelector: { matchLabels: null } } }, 'matchLabels: it has no value'],
      [{ target: { labelSelector: { matchExpressions: null } } }, 'matchExpressions: it has no value'],
      [{ target: { labelSelector: { matchExpressions: [in2] } } }, 'values[1]: Invalid value: "null"'],
      [
        { target: { labelSelector: null } },
        /nothing says which targets are meant|labelSelector in body must be of type object/,
      ],
      [{ target: { ...web, names: null } }, 'spec.target.names: it has no value'],
      [{ action: { ...delay, parameters: { latency: '100ms', ports: null } } }, 'parameters.ports: it has no value'],
      [{ peers: [{ podSelector: { labelSelector: { matchLabels: { a: null } } } }] }, 'matchLabels.a: it has no value'],
      [{ peers: [{ cidr: '10.0.0.1', ports: null }] }, 'peers.0.ports: it has no value'],
    ];
    const { namespace } = stage;
    const { apiVersion, kind } = chaosExperiments;
    const file = join(fixture.folder, 'null.json');
    const ways = {
      async kubectl(name: string, spec: object) {
        await writeFile(file, JSON.stringify({ apiVersion, kind, metadata: { namespace, name }, spec }));
        await fixture.cluster.kubectl(['apply', '-f', file]);
      },
      apply: (name: string, spec: object) => stage.apply(name, spec),
      create: (name: string, spec: object) =>
        stage.client.create(chaosExperiments, { metadata: { namespace, name }, spec: spec }),
    };
    for (const [index, [changes, said]] of rows.entries())
      for (const [way, make] of Object.entries(ways)) {
        const name = `${way}-${index}`;
        const answer = make(name, { target: web, action: delay, duration: '1s', ...changes });
        const message = await answer.then(async () => (await stage.until(name, isOver)).status?.message, String);
        const wanted = typeof said === 'string' ? expect.stringContaining(said) : expect.stringMatching(said);
        expect([name, message]).toEqual([name, wanted]);
      }
    expect(stage.print()).toBe(before);
    expect(stage.nodes.flatMap(({ journal }) => journal.writes)).toEqual([]);
  });

  test('that has no targets fails, and says why', async () => {
    await twoPods();
    stage.startOperator();
    await stage.apply('nobody', { target: { names: ['c'] }, action: delay, duration: '3s' });
    expect((await stage.until('nobody', phaseIs('Failed'))).status?.message).toMatch(/not among the names/);
  });

  test('in a dry run says what would be hit, and changes nothing', async () => {
    const before = await twoPods();
    stage.startOperator();
    await stage.apply('dry', { target: web, action: delay, duration: '3s', execution: { dryRun: true } });
    const over = await stage.until('dry', phaseIs('Completed'));
    expect(over.status?.message).toMatch(/2 of 4 pods would be hit/);
    expect(stage.print()).toBe(before);
    expect(stage.nodes.flatMap(({ journal }) => journal.writes)).toEqual([]);
  });

  test('whose target is on a node without a daemon misses it in time, and runs with the others', async () => {
    await twoPods();
    await stage.stopDaemon(stage.nodes[1]!);
    stage.startOperator();
    await stage.apply('half', { target: web, action: delay, duration: '1s', injectionTimeout: '3s' });
    const over = await stage.until('half', phaseIs('Completed'));
    expect(over.status?.counts).toMatchObject({ targets: 2, missed: 1, recovered: 1 });
  });

  test('whose node is gone for good can be deleted all the same', async () => {
    await twoPods();
    stage.startOperator();
    await stage.apply('lost', { target: web, action: delay, duration: '10m' });
    await stage.until('lost', ({ status }) => status?.effectiveAt !== undefined);
    await stage.stopDaemon(stage.nodes[1]!);
    await stage.client.delete(chaosExperiments, { namespace: stage.namespace, name: 'lost' });
    const stuck = await stage.until(
      'lost',
      ({ status }) => status?.phase === 'Recovering' && status.counts?.injected === 1,
    );
    expect(stuck.metadata.deletionTimestamp).toBeDefined();
    await fixture.cluster.kubectl(['delete', 'node', stage.nodes[1]!.name]);
    await eventually('it is gone', async () => ((await stage.get('lost')) === undefined ? true : undefined));
  });

  // No kubelet says that the processes of a pod have ended here.
  test('pod-kill deletes the pods that were chosen, and is verified; until their kubelet has ended them they are still there', async () => {
    await twoPods();
    stage.startOperator();
    const kill = async (name: string, parameters: object): Promise<ExperimentObject> => {
      const action = { type: 'pod-kill', parameters };
      await stage.apply(name, { target: { ...web, mode: 'one' }, action, duration: '1s' });
      return stage.until(name, phaseIs('Completed'));
    };
    const left = async (): Promise<(number | undefined)[]> =>
      (await stage.client.list(pods, { namespace: stage.namespace, labelSelector: 'app=web' })).items.map(
        ({ metadata }) => metadata.deletionGracePeriodSeconds,
      );
    const gentle = await kill('gentle', {});
    expect(gentle.status).toMatchObject({ verified: '1/1', targets: [{ evidence: { summary: 'the pod is ending' } }] });
    expect((await left()).toSorted()).toEqual([1, undefined]);
    const forced = await kill('forced', { gracePeriodSeconds: 0 });
    const evidence = { summary: 'the pod is gone', notes: [expect.stringContaining('before the kubelet')] };
    expect(forced.status).toMatchObject({ verified: '1/1', targets: [{ evidence }] });
    expect(await left()).toEqual([1]);
  });

  test('of nodes hits those that are ready, outside any pod, and leaves nothing', async () => {
    const before = await twoPods();
    const [n1, n2] = stage.nodes;
    await setReady(stage.client, n2!, false);
    stage.startOperator();
    const target = { kind: 'Node', names: [n1!.name, n2!.name], mode: 'all' };
    await stage.apply('busy', {
      target,
      action: { type: 'node-cpu-stress', parameters: { load: 10 } },
      duration: '2s',
    });
    await stage.until('busy', ({ status }) => status?.effectiveAt !== undefined);
    expect(n1!.kernel.print()).toMatch(/stressor --cpu 1 --cpu-load 10 in .*\/chaosplane\//);
    const over = await stage.until('busy', phaseIs('Completed'));
    expect(over.status).toMatchObject({
      verified: '1/1',
      conditions: expect.arrayContaining([
        expect.objectContaining({ message: expect.stringMatching(/^1 of \d+ nodes$/) }),
      ]),
      targets: [{ namespace: '', name: n1!.name, node: n1!.name, state: 'Recovered' }],
    });
    expect(stage.print()).toBe(before);
  });

  test('that stresses nodes, and is deleted, is gone when nothing of it is left', async () => {
    const before = stage.print();
    const [n1] = stage.nodes;
    stage.startOperator();
    const target = { kind: 'Node', names: [n1!.name] };
    await stage.apply('busy', { target, action: { type: 'stress-memory' }, duration: '10m' });
    await stage.until('busy', ({ status }) => status?.effectiveAt !== undefined);
    expect(stage.print()).not.toBe(before);
    await stage.client.delete(chaosExperiments, { namespace: stage.namespace, name: 'busy' });
    await eventually('it is gone', async () => ((await stage.get('busy')) === undefined ? true : undefined));
    expect(stage.print()).toBe(before);
  });

  test('that restarts a node is done once it has booted, and once only, although node and operator go away meanwhile', async () => {
    const [n1, n2] = stage.nodes;
    const first = stage.startOperator();
    const target = { kind: 'Node', names: [n1!.name] };
    const action = { type: 'node-restart', parameters: { gracePeriod: '0s' } };
    await stage.apply('boot', { target, action, duration: '1s' });
    const restarts = (): number[] => [n1!, n2!].map(({ kernel }) => kernel.processes.restarts);
    await eventually('the node was told to', async () => (restarts()[0] === 1 ? true : undefined));
    await Promise.all([stage.stopDaemon(n1!), first.stop()]);
    n1!.kernel.bootId = 'boot-2';
    await stage.startDaemon(n1!);
    stage.startOperator();
    const over = await stage.until('boot', phaseIs('Completed'));
    const [told] = over.status?.targets ?? [];
    expect(told).toMatchObject({ node: n1!.name, state: 'Recovered', evidence: { verdict: 'Verified' } });
    expect(told?.evidence?.summary).toMatch(/has booted since: boot boot-1 before, boot-2 now/);
    expect(restarts()).toEqual([1, 0]);
    expect(new Set(n1!.journal.writes.map(({ id }) => id)).size).toBe(1);
  });

  test('that restarts a node is not carried out again by a daemon whose journal the boot has cost', async () => {
    const [n1] = stage.nodes;
    stage.startOperator();
    const target = { kind: 'Node', names: [n1!.name] };
    await stage.apply('boot', {
      target,
      action: { type: 'node-restart', parameters: { gracePeriod: '0s' } },
      duration: '1s',
    });
    await eventually('the node was told to', async () => (n1!.kernel.processes.restarts === 1 ? true : undefined));
    await stage.stopDaemon(n1!);
    for (const { id } of n1!.journal.writes) await n1!.journal.forget(id);
    n1!.kernel.bootId = 'boot-2';
    await stage.startDaemon(n1!);
    const over = await stage.until('boot', phaseIs('Failed'), 60_000);
    expect(over.status?.message).toMatch(/has booted since it was chosen \(boot boot-1 then, boot-2 now\)/);
    expect(n1!.kernel.processes.restarts).toBe(1);
  });

  test('with more targets than fit in one object keeps them in shards', async () => {
    const [n1, n2] = stage.nodes;
    const names = Array.from({ length: 620 }, (_, index) => `p${index}`);
    for (let index = 0; index < names.length; index += 20)
      await Promise.all(names.slice(index, index + 20).map((name, at) => stage.addPod(name, at % 2 === 0 ? n1! : n2!)));
    stage.startOperator();
    const execution = { parallelism: 50 };
    await stage.apply('many', { target: web, action: delay, duration: '5s', execution });
    const running = await stage.until('many', ({ status }) => status?.effectiveAt !== undefined, 60_000);
    expect(running.status?.counts?.injected).toBe(620);
    expect(running.status?.targets).toHaveLength(100);
    const { items } = await stage.client.list(chaosExperimentShards, { namespace: stage.namespace });
    expect(items.map(({ targets }) => targets.length).sort()).toEqual([120, 500]);
    const over = await stage.until('many', phaseIs('Completed'), 60_000);
    expect(over.status?.counts).toMatchObject({ targets: 620, recovered: 620 });
  }, 180_000);
});
