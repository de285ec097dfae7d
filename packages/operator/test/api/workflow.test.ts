/** Workflows against a real API server: steps run in their order, fail as they should, are ended, resumed and let go of. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, jest } from '@jest/globals';
import {
  ABORT_ANNOTATION,
  chaosExperiments,
  chaosWorkflows,
  FINALIZER,
  RESUME_ANNOTATION,
  STEP_FINALIZER,
  WORKFLOW_STEP_ANNOTATION,
} from '@chaosplane/api';
import { followRun, workflowRuns } from '@chaosplane/client';
import { systemClock } from '@chaosplane/common';
import { namespaces } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { experiment } from './schedules.ts';
import { allTogether } from './all-together.ts';
import {
  annotateWorkflow,
  applyWorkflow,
  childrenOf,
  hit,
  isOver,
  phasesOf,
  slow,
  stepsOf,
  untilWorkflow,
} from './workflows.ts';

jest.setTimeout(200_000);

const { fixture, together } = allTogether();

const at = (text: string | undefined): number => Date.parse(text ?? '');
const long = { name: 'slow', experiment: { ...experiment, duration: '10m' } };

together(
  'steps of every kind run by their dependencies; each is told in a line, and what is left is nothing',
  async (stage) => {
    const server = createServer((_request, response) => response.writeHead(200).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const clean = stage.print();
    await applyWorkflow(stage, 'all', {
      templates: [
        slow,
        { name: 'settle', delay: '100ms' },
        { name: 'ok', condition: 'steps.first.verdict == "Inconclusive"' },
        { name: 'not', condition: 'steps.first.verdict == "Held"' },
        { name: 'answers', probe: { type: 'http', url } },
        { name: 'ask', suspend: {} },
        { name: 'both', parallel: { steps: [hit('x'), hit('y')] } },
        { name: 'more', workflow: { steps: [hit('one'), { name: 'two', template: 'settle', dependencies: ['one'] }] } },
      ],
      steps: [
        hit('first'),
        { name: 'good', template: 'ok', dependencies: ['first'] },
        { name: 'bad', template: 'not', dependencies: ['first'] },
        hit('never', { dependencies: ['bad'] }),
        { name: 'up', template: 'answers', dependencies: ['good'] },
        { name: 'pair', template: 'both', dependencies: ['up'] },
        { name: 'nested', template: 'more', dependencies: ['pair'] },
        { name: 'wait', template: 'ask', dependencies: ['nested'] },
      ],
      onExit: [hit('last')],
    });
    await untilWorkflow(
      stage,
      'all',
      ({ status }) =>
        status?.steps?.some((line) => line.includes('wait: waits to be resumed, after nested — running')) === true,
    );
    await annotateWorkflow(stage, 'all', { [RESUME_ANNOTATION]: 'wait' });
    const workflow = await untilWorkflow(stage, 'all', isOver);
    server.close();
    expect(await phasesOf(stage, workflow)).toEqual({
      ...{ first: 'Succeeded', good: 'Succeeded', bad: 'Succeeded', never: 'Skipped', up: 'Succeeded' },
      ...{ pair: 'Succeeded', 'pair/x': 'Succeeded', 'pair/y': 'Succeeded' },
      ...{ nested: 'Succeeded', 'nested/one': 'Succeeded', 'nested/two': 'Succeeded' },
      ...{ wait: 'Succeeded', 'onExit/last': 'Succeeded' },
    });
    const steps = await stepsOf(stage, workflow);
    const [x, y, one, last] = ['pair/x', 'pair/y', 'nested/one', 'onExit/last'].map((id) => steps.get(id));
    expect(at(y?.startedAt)).toBeLessThan(at(x?.endedAt));
    expect(at(one?.startedAt)).toBeGreaterThanOrEqual(Math.max(at(x?.endedAt), at(y?.endedAt)));
    expect(at(last?.startedAt)).toBeGreaterThanOrEqual(at(steps.get('wait')?.endedAt));
    expect(workflow.status).toMatchObject({
      ...{ phase: 'Completed', verdict: 'Inconclusive', progress: '13/13', message: 'every step is over' },
      counts: { steps: 13, begun: 13, running: 0, succeeded: 12, failed: 0, skipped: 1, aborted: 0 },
    });
    expect(workflow.status?.steps?.[0]).toMatch(/^✓ first: network-delay for 1s — succeeded .*, Inconclusive/);
    expect(stage.print()).toBe(clean);
    // Nothing holds what is over.
    const held = async (): Promise<boolean> =>
      [...(await childrenOf(stage, workflow)).values()]
        .flat()
        .some(({ metadata }) => (metadata.finalizers ?? []).length > 0);
    await eventually('its experiments are let go of', async () => !(await held()) || undefined);
    await untilWorkflow(stage, 'all', ({ metadata }) => (metadata.finalizers ?? []).length === 0);
    const columns = await fixture().cluster.kubectl(['get', 'chaosworkflows', '-n', stage.namespace]);
    expect(columns.split('\n')[0]?.trim().split(/\s+/)).toEqual([
      'NAME',
      'PHASE',
      'VERDICT',
      'STEPS',
      'RUNNING',
      'AGE',
    ]);
    expect(columns).toMatch(/all +Completed +Inconclusive +13\/13 +0/);
  },
);

together('what fails is tried again, goes on or ends the workflow, by what its step says', async (stage) => {
  const nothing = { name: 'nothing', experiment: { ...experiment, target: { ...experiment.target, names: ['none'] } } };
  await applyWorkflow(stage, 'strategies', {
    templates: [long, nothing],
    steps: [
      { name: 'on', template: 'nothing', errorHandling: { strategy: 'continue' } },
      hit('first', { dependencies: ['on'] }),
      {
        ...{ name: 'again', template: 'nothing', dependencies: ['on'] },
        errorHandling: { strategy: 'retry', limit: 1, backOff: '200ms' },
      },
      hit('never', { dependencies: ['again'] }),
    ],
    onExit: [{ name: 'tidy', template: 'nothing' }],
  });
  const workflow = await untilWorkflow(stage, 'strategies', isOver);
  expect(await phasesOf(stage, workflow)).toEqual({
    on: 'Failed',
    first: 'Aborted',
    again: 'Failed',
    'onExit/tidy': 'Failed',
  });
  expect(workflow.status).toMatchObject({ phase: 'Failed', message: expect.stringMatching(/^again: /) });
  expect(workflow.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
    ...['Stalled Failed', 'Ready Failed', 'Failed Failed'],
  ]);
  const children = await childrenOf(stage, workflow);
  expect(children.get('again')).toHaveLength(2);
  expect(children.get('first')?.[0]?.status?.phase).toBe('Aborted');
});

together('aborted and deleted, it ends what is in force, and does what onExit says once', async (stage) => {
  const clean = stage.print();
  for (const name of ['ended', 'removed']) {
    const settle = { name: 'settle', delay: '100ms' };
    await applyWorkflow(stage, name, {
      templates: [long, settle],
      steps: [hit('a'), hit('b')],
      onExit: [{ name: 'tidy', template: 'settle' }],
    });
  }
  const inForce = async (): Promise<true | undefined> => {
    const { items } = await stage.client.list(chaosExperiments, { namespace: stage.namespace });
    return items.filter(({ status }) => status?.counts?.injected === 1).length === 4 || undefined;
  };
  await eventually('four are in force', inForce, { withinMs: 40_000 });
  await annotateWorkflow(stage, 'ended', { [ABORT_ANNOTATION]: 'true' });
  const ended = await untilWorkflow(stage, 'ended', isOver);
  expect(ended.status).toMatchObject({ phase: 'Aborted', message: 'it was aborted' });
  expect(await phasesOf(stage, ended)).toEqual({ a: 'Aborted', b: 'Aborted', 'onExit/tidy': 'Succeeded' });
  await stage.client.delete(chaosWorkflows, { namespace: stage.namespace, name: 'removed' });
  const gone = async (): Promise<true | undefined> =>
    (await stage.client.get(chaosWorkflows, { namespace: stage.namespace, name: 'removed' })) === undefined ||
    undefined;
  await eventually('it is gone', gone, { withinMs: 40_000 });
  expect(stage.print()).toBe(clean);
});

together(
  'an experiment that a person deletes fails its step, with what was found; one of another owner is none of them',
  async (stage) => {
    await applyWorkflow(stage, 'disturbed', { templates: [long], steps: [hit('a')] });
    const workflow = await untilWorkflow(stage, 'disturbed', ({ status }) => status?.counts?.running === 1);
    const [child] = (await childrenOf(stage, workflow)).get('a') ?? [];
    await stage.client.delete(chaosExperiments, { namespace: stage.namespace, name: child?.metadata.name ?? '' });
    const { status } = await untilWorkflow(stage, 'disturbed', isOver);
    expect(status).toMatchObject({ phase: 'Failed', message: 'a: the experiment was deleted' });
  },
);

together('a spec that is wrong is told, all of it, and nothing begins; corrected, it runs', async (stage) => {
  const steps = [hit('a', { dependencies: ['b'] }), { name: 'c', template: 'none' }];
  await applyWorkflow(stage, 'wrong', { templates: [slow], steps });
  const { status } = await untilWorkflow(stage, 'wrong', isOver);
  expect(status?.message).toContain('spec.steps.0.dependencies.0: there is no step b beside it');
  expect(status?.message).toContain('spec.steps.1.template: there is no template none');
  expect(status?.conditions?.at(-1)).toMatchObject({ type: 'Failed', reason: 'InvalidSpec' });
  await applyWorkflow(stage, 'wrong', { templates: [slow], steps: [hit('a')] });
  const corrected = await untilWorkflow(stage, 'wrong', (object) => object.status?.phase === 'Completed');
  const change = applyWorkflow(stage, 'wrong', { templates: [slow], steps: [hit('b')] });
  await expect(change).rejects.toThrow('the spec cannot be changed once the workflow has begun');
  expect((await childrenOf(stage, corrected)).size).toBe(1);
});

together(
  'an experiment that a person takes away from its workflow is ended, and has failed its step',
  async (stage) => {
    const clean = stage.print();
    const taken = {
      owner: { ownerReferences: null },
      word: { annotations: { [WORKFLOW_STEP_ANNOTATION]: null } },
    };
    for (const [name, metadata] of Object.entries(taken)) {
      await applyWorkflow(stage, name, { templates: [long], steps: [hit('a')] });
      const workflow = await untilWorkflow(stage, name, ({ status }) => status?.counts?.running === 1);
      const [child] = (await childrenOf(stage, workflow)).get('a') ?? [];
      const ref = { namespace: stage.namespace, name: child?.metadata.name ?? '' };
      await stage.until(ref.name, ({ status }) => status?.counts?.injected === 1, 40_000);
      await stage.client.patch(chaosExperiments, ref, { kind: 'merge', body: { metadata } });
      const { status } = await untilWorkflow(stage, name, isOver);
      expect(status).toMatchObject({ phase: 'Failed', message: expect.stringMatching(/^a: its experiment was /) });
      const left = await stage.until(ref.name, (object) => object.status?.phase === 'Aborted', 40_000);
      expect(left.metadata.finalizers ?? []).not.toContain(STEP_FINALIZER);
    }
    expect(stage.print()).toBe(clean);
  },
);

const attempts: unknown[] = [];
together(
  'its spec cannot be changed when its first experiment is there',
  async (stage) => {
    await applyWorkflow(stage, 'changed', { templates: [long], steps: [hit('a')] });
    await eventually('someone has tried', () => Promise.resolve(attempts.length > 0 || undefined));
    expect(String(await attempts[0])).toContain('the spec cannot be changed once the workflow has begun');
    await stage.client.delete(chaosWorkflows, { namespace: stage.namespace, name: 'changed' });
  },
  (client) => ({
    client: {
      ...client,
      async create(type, object, ...rest) {
        const made = await client.create(type, object, ...rest);
        const { namespace = '', ownerReferences } = object.metadata ?? {};
        const isFirst = object.kind === undefined && ownerReferences?.[0]?.name === 'changed' && attempts.length === 0;
        if (isFirst) {
          const body = { spec: { templates: [slow] } };
          const change = client.patch(chaosWorkflows, { namespace, name: 'changed' }, { kind: 'merge', body });
          attempts.push(change.then(() => 'changed', String));
          await attempts[0];
        }
        return made;
      },
    },
  }),
);

let isNamespaceDeleted = false;
together(
  'one whose first steps are not written when its namespace is deleted goes with it',
  async (stage) => {
    const ref = { namespace: stage.namespace, name: 'late' };
    await applyWorkflow(stage, ref.name, { templates: [slow], steps: [hit('a')], onExit: [hit('b')] });
    await untilWorkflow(stage, ref.name, ({ metadata }) => metadata.finalizers?.includes(FINALIZER) === true);
    await stage.client.delete(namespaces, { name: stage.namespace });
    isNamespaceDeleted = true;
    await stage.client.delete(chaosWorkflows, ref);
    const gone = async (): Promise<true | undefined> =>
      (await stage.client.get(chaosWorkflows, ref)) === undefined || undefined;
    await eventually('it is gone', gone, { withinMs: 40_000 });
  },
  (client) => ({
    client: {
      ...client,
      create(type, ...rest) {
        if (type.kind.startsWith('Chaos') && !isNamespaceDeleted) throw new Error('not now');
        return client.create(type, ...rest);
      },
    },
  }),
);

together('one that is deleted before it is followed is told as deleted', async (stage) => {
  const applied = await applyWorkflow(stage, 'unfollowed', {
    templates: [long],
    steps: [{ name: 'a', template: 'x' }],
  });
  await stage.client.delete(chaosWorkflows, { namespace: stage.namespace, name: 'unfollowed' });
  const ignored = (): void => undefined;
  const following = { client: stage.client, clock: systemClock, say: ignored, onChange: ignored };
  const followed = followRun(workflowRuns, { ...following, abort: AbortSignal.timeout(60_000) }, applied);
  await expect(Promise.race([followed, systemClock.sleep(10_000)])).rejects.toThrow('a user deleted the workflow');
});

together('deleted with what it owns first, it is gone, and nothing stays in force', async (stage) => {
  const clean = stage.print();
  const settle = { name: 'settle', delay: '100ms' };
  const onExit = [{ name: 'tidy', template: 'settle' }, hit('last', { dependencies: ['tidy'] })];
  await applyWorkflow(stage, 'first', { templates: [long, settle], steps: [hit('a'), hit('b')], onExit });
  const inForce = async (): Promise<true | undefined> => {
    const { items } = await stage.client.list(chaosExperiments, { namespace: stage.namespace });
    return items.filter(({ status }) => status?.counts?.injected === 1).length === 2 || undefined;
  };
  await eventually('two are in force', inForce, { withinMs: 40_000 });
  const { kubectl } = fixture().cluster;
  await kubectl(['delete', 'chaosworkflow', 'first', '-n', stage.namespace, '--cascade=foreground', '--timeout=60s']);
  expect((await stage.client.list(chaosExperiments, { namespace: stage.namespace })).items).toEqual([]);
  expect(stage.print()).toBe(clean);
});
