/** Policies on a real API server: each rule denies, is held while an experiment runs, and the kill switch ends everything. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { blastRadiusPolicies, chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import { events, namespaces, pods, refOf, replicaSets, resourceType, type KubeObject } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { eachOnStage, isEffective, isOver } from './each-on-stage.ts';
import { addWorkload, deletePolicies, deletePolicy, makeUnready, writePolicy } from './policies.ts';
import { type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(120_000);

let stage: Stage;
let fixture: ApiServerFixture;

eachOnStage((...next) => {
  [stage, fixture] = next;
});
afterEach(() => deletePolicies(stage));

/** What makes a kind of a cluster. */
const definitionKind = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
const definitions = resourceType<KubeObject & { readonly spec: object }>({
  ...definitionKind,
  plural: 'customresourcedefinitions',
  namespaced: false,
});

const delay = { type: 'network-delay', parameters: { latency: '100ms' } };

/** A delay of pods with that label, for a long time. */
const specOf = (app: string, value: number, change: object = {}): object => ({
  target: { labelSelector: { matchLabels: { app } }, mode: 'fixed', value },
  action: delay,
  duration: '10m',
  ...change,
});

const running = (name: string) => stage.until(name, isEffective, 30_000);
const over = (name: string) => stage.until(name, isOver, 30_000);

/** How it ended: its phase, and why. */
const endOf = ({ status }: ExperimentObject): string => `${status?.phase ?? ''}: ${status?.message ?? ''}`;

test('each rule denies, and says its policy, its name, the number and what tipped it', async () => {
  const hit = '2 hit by this experiment';
  const rules: readonly (readonly [rule: string, spec: object, told: string])[] = [
    [
      'halt',
      { halt: true },
      'halt is true, and 2 targets of the experiment would be hit; nothing begins until it is false',
    ],
    [
      'protectedResources',
      { protectedResources: [{ names: ['protectedresources-1'] }] },
      `${stage.namespace}/protectedresources-1 is protected: its name is; name other targets`,
    ],
    [
      'allowedActions',
      { actionLimits: { allowedActions: ['pod-kill'] } },
      'network-delay is none of the allowed actions: pod-kill',
    ],
    ['maxDuration', { actionLimits: { maxDuration: '5m' } }, 'a duration of 10m is longer than 5m'],
    [
      'maxTargets',
      { targetLimits: { maxTargets: 1 } },
      '2 targets at the same time would be more than 1: 2 of this experiment',
    ],
    [
      'maxPercentage',
      { targetLimits: { maxPercentage: 50 } },
      `2 of 3 pods of ReplicaSet ${stage.namespace}/maxpercentage are 67 %, more than 50 %: ${hit}`,
    ],
    [
      'minAvailable',
      { targetLimits: { minAvailable: '50%' } },
      `1 of 3 pods of ReplicaSet ${stage.namespace}/minavailable would be available, fewer than 2: ${hit}`,
    ],
    [
      'maxUnavailable',
      { targetLimits: { maxUnavailable: 1 } },
      `2 of 3 pods of ReplicaSet ${stage.namespace}/maxunavailable would be unavailable, more than 1: ${hit}`,
    ],
  ];
  for (const [rule, spec] of rules) {
    const app = rule.toLowerCase();
    await addWorkload(stage, app);
    await writePolicy(stage, app, { ...spec, scope: { labelSelector: { matchLabels: { app } } } });
  }
  const before = stage.print();
  stage.startOperator();
  for (const [rule, , told] of rules) {
    const name = rule.toLowerCase();
    await stage.apply(name, specOf(name, 2));
    const refused = await over(name);
    expect(endOf(refused)).toBe(`Failed: policy ${stage.namespace}-${name}, rule ${rule}: ${told}`);
    expect(refused.status?.conditions?.find(({ type }) => type === 'Selected')).toMatchObject({
      reason: 'PolicyDenied',
    });
    expect(refused.status).toMatchObject({ verdict: 'Inconclusive' });
  }
  expect(stage.print()).toBe(before);
});

test('a time window denies, by the clock of the operator', async () => {
  await stage.addPod('a', stage.nodes[0]!);
  await writePolicy(stage, 'times', { timeWindows: { blocked: [{ timeZone: 'Europe/Berlin' }] } });
  stage.startOperator();
  await stage.apply('slow', specOf('web', 1));
  expect(endOf(await over('slow'))).toMatch(
    /rule timeWindows: now \(\w{3} \d\d:\d\d Europe\/Berlin\) is in the blocked time 00:00 to 24:00 Europe\/Berlin$/,
  );
});

test('a policy that audits lets it run, and warns once for each finding', async () => {
  await stage.addPod('a', stage.nodes[0]!);
  await writePolicy(stage, 'look', { enforcement: 'Audit', targetLimits: { maxTargets: 0 } });
  stage.startOperator();
  await stage.apply('slow', specOf('web', 1, { duration: '5s' }));
  const ended = await over('slow');
  expect(ended.status).toMatchObject({ phase: 'Completed' });
  const message = `policy ${stage.namespace}-look, rule maxTargets: 1 target at the same time would be more than 0: 1 of this experiment`;
  expect(ended.status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'WithinPolicy', status: 'False', reason: 'PolicyAudit', message }),
  );
  await eventually('its events are written', async () => {
    const { items } = await stage.client.list(events, { namespace: stage.namespace });
    return items.some(({ reason }) => reason === 'Completed') ? items : undefined;
  });
  const { items } = await stage.client.list(events, { namespace: stage.namespace });
  const warnings = items.filter(({ reason }) => reason === 'PolicyAudit');
  expect(warnings).toMatchObject([{ type: 'Warning', note: message }]);
  expect(warnings[0]?.series).toBeUndefined();
});

describe('an experiment under way is recovered', () => {
  test('when another pod of its workload becomes unready', async () => {
    const [, other] = await addWorkload(stage, 'web');
    const before = stage.print();
    await writePolicy(stage, 'least', { targetLimits: { minAvailable: 2 } });
    stage.startOperator();
    await stage.apply('slow', { ...specOf('web', 1), target: { names: ['web-0'] } });
    await running('slow');
    const since = Date.now();
    await makeUnready(stage, other!);
    const ended = await over('slow');
    expect(endOf(ended)).toBe(
      `Aborted: policy ${stage.namespace}-least, rule minAvailable: 1 of 3 pods of ReplicaSet ${stage.namespace}/web would be available, fewer than 2: 1 hit by this experiment, 1 not Ready (web-1)`,
    );
    expect(ended.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'WithinPolicy', status: 'False', reason: 'PolicyDenied' }),
    );
    process.stdout.write(`an unready pod ended it in ${Date.parse(ended.status?.endedAt ?? '') - since} ms\n`);
    expect(stage.print()).toBe(before);
  });

  test('when its workload is scaled down', async () => {
    await addWorkload(stage, 'web');
    await writePolicy(stage, 'half', { targetLimits: { maxPercentage: 50 } });
    stage.startOperator();
    await stage.apply('slow', specOf('web', 1));
    await running('slow');
    const ref = { namespace: stage.namespace, name: 'web' };
    await stage.client.patch(replicaSets, ref, { kind: 'merge', body: { spec: { replicas: 1 } } });
    expect(endOf(await over('slow'))).toMatch(/^Aborted: .*1 of 1 pod of ReplicaSet .* is 100 %, more than 50 %/);
  });

  test('when its target gets a label that protects it', async () => {
    const { object } = await stage.addPod('a', stage.nodes[0]!);
    await writePolicy(stage, 'gold', { protectedResources: [{ labelSelector: { matchLabels: { tier: 'gold' } } }] });
    stage.startOperator();
    await stage.apply('slow', specOf('web', 1));
    await running('slow');
    await stage.client.patch(pods, refOf(object), { kind: 'merge', body: { metadata: { labels: { tier: 'gold' } } } });
    expect(endOf(await over('slow'))).toMatch(
      /^Aborted: .*rule protectedResources: .*\/a is protected: its labels are/,
    );
  });

  test('when its namespace gets a label by which a policy is about it', async () => {
    await stage.addPod('a', stage.nodes[0]!);
    const team = { namespaceSelector: { matchLabels: { team: 'b' } } };
    await writePolicy(stage, 'team', { halt: true, scope: team });
    stage.startOperator();
    await stage.apply('slow', specOf('web', 1));
    await running('slow');
    const body = { metadata: { labels: { team: 'b' } } };
    await stage.client.patch(namespaces, { name: stage.namespace }, { kind: 'merge', body });
    expect(endOf(await over('slow'))).toMatch(/^Aborted: .*rule halt/);
  });

  test('with the one that began while its policy was deleted, as soon as the policy is there again', async () => {
    for (const [index, node] of stage.nodes.entries()) await stage.addPod(`p${index}`, node, { app: `web${index}` });
    await writePolicy(stage, 'one', { targetLimits: { maxTargets: 1 } });
    stage.startOperator();
    await stage.apply('first', specOf('web0', 1));
    await running('first');
    await stage.apply('refused', specOf('web1', 1));
    expect(endOf(await over('refused'))).toMatch(
      /^Failed: .*2 targets at the same time would be more than 1: 1 of this experiment, 1 of stage-\w+\/first$/,
    );
    await deletePolicy(stage, 'one');
    const second = await begunAtLast('again', specOf('web1', 1));
    await writePolicy(stage, 'one', { targetLimits: { maxTargets: 1 } });
    for (const name of ['first', second])
      expect(endOf(await over(name))).toMatch(/^Aborted: .*2 targets at the same time would be more than 1/);
  });
});

/** The name of the first experiment that is not refused any more: it may take a moment until the operator hears of a change. */
async function begunAtLast(prefix: string, spec: object): Promise<string> {
  for (let attempt = 1; attempt <= 20; attempt++) {
    const name = `${prefix}-${attempt}`;
    await stage.apply(name, spec);
    const { status } = await stage.until(name, (each) => isEffective(each) || isOver(each), 30_000);
    if (status?.phase !== 'Failed') return name;
  }
  throw new Error('all of them were refused');
}

test('a policy that cannot be understood denies what is in its scope, and says why', async () => {
  await stage.addPod('a', stage.nodes[0]!);
  const labelSelector = { matchLabels: { 'no label!': 'x' } };
  await writePolicy(stage, 'odd', { protectedResources: [{ labelSelector }] });
  stage.startOperator();
  await stage.apply('slow', specOf('web', 1));
  expect(endOf(await over('slow'))).toMatch(
    /^Failed: policy \S+-odd, rule valid: it cannot be understood, so nothing in its scope is allowed: .*"no label!" is not the name of a label/,
  );
});

test('the namespaces of the system and of the operator are protected without any policy', async () => {
  await stage.addPod('a', stage.nodes[0]!);
  stage.startOperator({ protectsOwn: true });
  await stage.apply('own', specOf('web', 1));
  await stage.apply('system', { ...specOf('kube-dns', 1), target: { namespace: 'kube-system', names: ['none'] } });
  expect(endOf(await over('own'))).toBe(
    `Failed: policy built-in protection, rule protectedResources: ${stage.namespace}/a is protected: the namespace ${stage.namespace} is; name other targets`,
  );
});

/** How long it takes from the kill switch until the last of these experiments recovers, and until it has ended. */
async function haltAll(names: readonly string[]): Promise<{ readonly recovering: number; readonly ended: number }> {
  for (const [index, name] of names.entries()) await stage.apply(name, specOf(`web${index}`, 1));
  for (const name of names) await running(name);
  const since = Date.now();
  await writePolicy(stage, 'stop', { halt: true });
  const all: ExperimentObject[] = [];
  for (const name of names) all.push(await over(name));
  for (const each of all)
    expect(endOf(each)).toMatch(/^Aborted: policy \S+-stop, rule halt: halt is true, and 1 target/);
  const last = (field: 'recoveringAt' | 'endedAt'): number =>
    Math.max(...all.map(({ status }) => Date.parse(status?.[field] ?? ''))) - since;
  return { recovering: last('recoveringAt'), ended: last('endedAt') };
}

test('the kill switch ends twenty experiments sooner than one after the other, and nothing begins until it is lifted', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `slow-${index}`);
  for (const index of names.keys()) await stage.addPod(`p${index}`, stage.nodes[index % 2]!, { app: `web${index}` });
  const before = stage.print();
  stage.startOperator();
  const alone: number[] = [];
  for (const round of [1, 2, 3]) {
    alone.push((await haltAll([`alone-${round}`])).ended);
    await stage.apply(`refused-${round}`, specOf('web0', 1));
    expect(endOf(await over(`refused-${round}`))).toMatch(/^Failed: .*rule halt/);
    await writePolicy(stage, 'stop', { halt: false });
    await over(await begunAtLast(`lifted-${round}`, specOf('web0', 1, { duration: '1s' })));
  }
  const twenty = await haltAll(names);
  const told = `1 ended in ${alone.join(', ')} ms, 20 in ${twenty.ended} ms (recovering in ${twenty.recovering} ms)`;
  process.stdout.write(`the kill switch: ${told}\n`);
  expect(twenty.recovering).toBeLessThan(20 * Math.max(...alone));
  expect(stage.print()).toBe(before);
});

test('the kill switch recovers also what an experiment that is over has left to its TTL', async () => {
  await stage.addPod('a', stage.nodes[0]!);
  const before = stage.print();
  stage.startOperator();
  await stage.apply('left', specOf('web', 1, { rollback: { enabled: false } }));
  await running('left');
  const body = { metadata: { annotations: { 'chaosplane.io/abort': 'true' } } };
  await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name: 'left' }, { kind: 'merge', body });
  expect((await over('left')).status?.targets).toMatchObject([{ state: 'Injected' }]);
  expect(stage.print()).not.toBe(before);
  await writePolicy(stage, 'stop', { halt: true });
  await stage.until('left', ({ status }) => status?.targets?.[0]?.state === 'Recovered', 30_000);
  expect(stage.print()).toBe(before);
});

test('the API server refuses a policy that the operator would not understand', async () => {
  const { apiVersion, kind } = blastRadiusPolicies;
  const refusalOf = async (spec: object): Promise<string> =>
    stage.client
      .create(blastRadiusPolicies, { apiVersion, kind, metadata: { name: `${stage.namespace}-bad` }, spec })
      .then(() => 'taken', String);
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ scope: { namespaces: ['Team-B'] } }, /spec\.scope\.namespaces\[0\].*not the name of a namespace/],
    [{ scope: { namespaces: [' team-b '] } }, /not the name of a namespace/],
    [{ protectedResources: [{ namespaces: ['Team-B'] }] }, /not the name of a namespace/],
    [{ protectedResources: [{ kind: 'Node', namespaces: ['shop'] }] }, /nodes have no namespace/],
    [{ protectedResources: [{ kind: 'Service' }] }, /supported values: "Pod"/],
    [{ scope: { actions: ['network-dely'] } }, /not an action/],
    [{ actionLimits: { allowedActions: ['all'] } }, /not an action/],
    [{ actionLimits: { maxDuration: '10' } }, /a duration longer than 0/],
    [{ actionLimits: { maxDuration: '0s' } }, /a duration longer than 0/],
    [{ targetLimits: { minAvailable: '101%' } }, /a whole number such as 2, or a percentage/],
    [{ targetLimits: { maxUnavailable: -1 } }, /a whole number such as 2, or a percentage/],
    [{ targetLimits: { maxTargets: -1 } }, /greater than or equal to 0/],
    [{ timeWindows: { allowed: [{ from: '9:00' }] } }, /a time such as "09:30"/],
    [{ timeWindows: { allowed: [{ to: '24:30' }] } }, /a time such as "09:30"/],
    [{ timeWindows: { blocked: [{ from: '09:00', to: '09:00' }] } }, /no time at all/],
    [{ timeWindows: { blocked: [{ timeZone: 'Europe/Berlni' }] } }, /unknown time zone Europe\/Berlni/],
    [{ timeWindows: { blocked: [{ timeZone: '+01:00' }] } }, /the name of a time zone/],
    [{ timeWindows: { blocked: [{ timeZone: 'Local' }] } }, /the name of a time zone/],
    [{ timeWindows: { blocked: [{ days: ['Monday'] }] } }, /supported values: "Sun"/],
  ];
  for (const [spec, why] of refused) expect(await refusalOf(spec)).toMatch(why);
  expect(
    await refusalOf({
      timeWindows: { blocked: [{ timeZone: 'Europe/Berlin' }] },
      targetLimits: { minAvailable: '50%' },
    }),
  ).toBe('taken');
});

test('without the kind of policies nothing begins, and what is in force goes on until its end', async () => {
  await stage.addPod('a', stage.nodes[0]!);
  const before = stage.print();
  const first = stage.startOperator();
  await stage.apply('slow', specOf('web', 1));
  await running('slow');
  await first.stop();
  const { kubectl } = fixture.cluster;
  const kind = 'blastradiuspolicies.chaos.chaosplane.io';
  const definition = JSON.parse(await kubectl(['get', 'crd', kind, '-o', 'json'])) as { readonly spec: object };
  await kubectl(['delete', 'crd', kind]);
  try {
    stage.startOperator();
    await stage.apply('new', specOf('web', 1));
    expect(endOf(await over('new'))).toMatch(/^Failed: the policies of the cluster are not known: is the kind/);
    expect((await stage.get('slow'))?.status?.phase).toBe('Running');
    const body = { metadata: { annotations: { 'chaosplane.io/abort': 'true' } } };
    await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name: 'slow' }, { kind: 'merge', body });
    expect(endOf(await over('slow'))).toMatch(/^Aborted: aborted by the annotation/);
    expect(stage.print()).toBe(before);
  } finally {
    await stage.client.create(definitions, { ...definitionKind, metadata: { name: kind }, spec: definition.spec });
    const served = async () => stage.client.list(blastRadiusPolicies).catch(() => undefined);
    await eventually('the kind is served', served);
  }
});
