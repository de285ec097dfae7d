/** What GitOps tools say of ChaosPlane's objects, by their own programs, and on a real API server. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  API_VERSION,
  blastRadiusPolicies,
  chaosExperiments,
  chaosSchedules,
  experimentReasons,
  initialStatus,
  initialWorkflow,
  statusDocument,
  verdicts,
  workflowStatusDocument,
  type ExperimentCondition,
  type ExperimentObject,
  type Phase,
  type Verdict,
  type WorkflowPhase,
} from '@chaosplane/api';
import { isEffective, isOver, eachOnStage } from './each-on-stage.ts';
import { argoPatch, argoScripts, askArgo, askKstatus, saidOf } from './gitops/ask.ts';
import { applySchedule, experiment, often, untilSchedule } from './schedules.ts';
import type { ApiServerFixture, Stage } from './stage.ts';

// The first run builds two programs.
jest.setTimeout(600_000);

const metadata = { name: 'one', namespace: 'shop', generation: 3 };
const of = (kind: string, more: object = {}) => ({ apiVersion: API_VERSION, kind, metadata, spec: {}, ...more });

/** Every condition that an experiment can have, with each status: none of them may change the answer. */
const others = Object.entries(experimentReasons).map(
  ([type, [reason]], index) =>
    ({ type, status: index % 2 === 0 ? 'True' : 'False', reason, message: 'm' }) as ExperimentCondition,
);

/** An experiment as the operator writes it. */
function written(phase: Phase, verdict: Verdict | undefined) {
  const outcome = { phase: 'Completed', message: 'as it was' } as const;
  const status = {
    ...initialStatus,
    phase,
    conditions: others,
    outcome,
    ...(verdict === undefined ? {} : { verdict }),
  };
  return of('ChaosExperiment', { status: statusDocument(status, { generation: 3, previous: undefined, now: 0 }) });
}

describe('by their own programs', () => {
  const answers = [undefined, ...verdicts] as const;
  const ended = (...said: readonly string[]) => said;
  const [well, badly, underWay] = ['Current Healthy', 'Failed Degraded', 'InProgress Progressing'];

  beforeAll(async () => {
    await saidOf([of('ChaosExperiment')]);
  });

  test.each<[Phase, readonly string[]]>([
    ['Pending', ended(underWay, underWay, underWay, underWay)],
    ['SteadyStateChecking', ended(underWay, underWay, underWay, underWay)],
    ['Running', ended(underWay, underWay, underWay, underWay)],
    ['Completing', ended(underWay, underWay, underWay, underWay)],
    ['Recovering', ended(underWay, underWay, underWay, underWay)],
    // Without a verdict, Held, NotHeld, Inconclusive.
    ['Completed', ended(well, well, badly, well)],
    ['Failed', ended(badly, badly, badly, badly)],
    ['Aborted', ended(badly, badly, badly, badly)],
  ])('an experiment that is %s', async (phase, expected) => {
    expect(await saidOf(answers.map((verdict) => written(phase, verdict)))).toEqual(expected);
  });

  test('a workflow is as an experiment', async () => {
    const workflow = (phase: WorkflowPhase, verdict?: Verdict) => {
      const context = { generation: 3, previous: undefined, now: 0, steps: 0, lines: [], verdict };
      return of('ChaosWorkflow', { status: workflowStatusDocument({ ...initialWorkflow, phase }, context) });
    };
    const running = (['Pending', 'Running', 'Ending', 'Exiting'] as const).map((phase) => workflow(phase));
    expect(await saidOf(running)).toEqual(running.map(() => underWay));
    const over = [workflow('Completed'), workflow('Completed', 'NotHeld'), workflow('Failed'), workflow('Aborted')];
    expect(await saidOf(over)).toEqual([well, badly, badly, badly]);
  });

  test('both tell why: the phase, the verdict, and the message', async () => {
    const object = written('Completed', 'NotHeld');
    const said = { message: 'Completed, NotHeld: as it was' };
    expect(await askKstatus([object])).toMatchObject([said]);
    expect(await askArgo([object])).toMatchObject([said]);
    expect(await askArgo([written('Completed', 'Inconclusive')])).toMatchObject([
      { status: 'Healthy', message: 'Completed, Inconclusive: as it was' },
    ]);
  });

  test('what the operator has not seen, and what is deleted, is never over; kstatus takes a new one for current', async () => {
    const kinds = ['ChaosExperiment', 'ChaosWorkflow', 'ChaosSchedule'];
    expect(await saidOf(kinds.map((kind) => of(kind)))).toEqual(kinds.map(() => 'Current Progressing'));
    const { status } = written('Completed', 'Held') as unknown as ExperimentObject;
    const older = { status: { ...status, observedGeneration: 2 } };
    expect(await saidOf(kinds.map((kind) => of(kind, older)))).toEqual(kinds.map(() => underWay));
    const deleted = { status, metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(await saidOf(kinds.map((kind) => of(kind, deleted)))).toEqual(kinds.map(() => 'Terminating Progressing'));
  });

  test('a policy has no status, and holds by being there', async () => {
    expect(await saidOf([of('BlastRadiusPolicy')])).toEqual([well]);
  });

  // Why Stalled is written, and why no condition is left False.
  test('kstatus takes a Ready that is False for work under way, and of Stalled and Reconciling the first', async () => {
    const conditions = (...types: string[]) =>
      of('ChaosExperiment', {
        status: { conditions: types.map((type) => ({ type, status: type === 'Ready' ? 'False' : 'True' })) },
      });
    const said = await askKstatus([
      conditions('Ready'),
      conditions('Stalled', 'Reconciling', 'Ready'),
      conditions('Reconciling', 'Stalled', 'Ready'),
      conditions('Ready', 'Stalled'),
    ]);
    expect(said.map(({ status }) => status)).toEqual(['InProgress', 'Failed', 'InProgress', 'Failed']);
  });

  test('health.lua answers with one of four words and a text, regardless of what it is given', async () => {
    const odd = [
      null,
      true,
      7,
      'text',
      '',
      [],
      {},
      [null, 'x', 5, {}],
      { type: 5, status: true, message: [] },
    ] as const;
    const seen = { observedGeneration: 3 };
    const objects = ['ChaosExperiment', 'ChaosWorkflow', 'ChaosSchedule', 'BlastRadiusPolicy'].flatMap((kind) =>
      odd.flatMap((value) => [
        ...[{ kind }, of(kind, { metadata: value }), of(kind, { status: value })],
        ...['observedGeneration', 'phase', 'verdict', 'message', 'conditions'].map((field) =>
          of(kind, { status: { phase: 'Completed', ...seen, [field]: value } }),
        ),
        of(kind, { status: { ...seen, conditions: [{ type: 'Ready', status: 'False', message: value }] } }),
        of(kind, { status: { ...seen, conditions: [value, { type: 'Suspended', status: value }] } }),
      ]),
    );
    const words = ['Healthy', 'Progressing', 'Degraded', 'Suspended'];
    const wrong = (await askArgo(objects)).flatMap((said, index) =>
      said.error === undefined && words.includes(said.status) && said.message !== '' ? [] : [[objects[index], said]],
    );
    expect(wrong).toEqual([]);
  });
});

describe('on a real API server', () => {
  let stage: Stage;
  let fixture: ApiServerFixture;
  eachOnStage((...next) => {
    [stage, fixture] = next;
  });

  const typesOf = ({ status }: { status?: ExperimentObject['status'] }): string[] =>
    (status?.conditions ?? []).slice(0, 3).map(({ type, status: is }) => `${type}=${is}`);

  test('kubectl waits for an experiment, and one that has ended does not run again when it is applied again', async () => {
    await stage.addPod('a', stage.nodes[0]!);
    const { namespace } = stage;
    const { apiVersion, kind } = chaosExperiments;
    const object = { apiVersion, kind, metadata: { namespace, name: 'slow' }, spec: experiment };
    const file = join(fixture.folder, 'slow.json');
    await writeFile(file, JSON.stringify(object));
    const kubectl = (...argv: string[]) => fixture.cluster.kubectl([...argv, '-n', namespace]);
    await kubectl('apply', '-f', file);
    expect(await saidOf([(await stage.get('slow'))!])).toEqual(['Current Progressing']);
    stage.startOperator();
    await kubectl('wait', '--for=condition=Ready', 'chaosexperiment/slow', '--timeout=60s');
    const over = await stage.until('slow', isOver);
    expect(typesOf(over)).toEqual(['Ready=True', 'Selected=True', 'Injected=True']);
    expect(over.status?.observedGeneration).toBe(over.metadata.generation);
    expect(await saidOf([over])).toEqual(['Current Healthy']);
    const journal = (): unknown => stage.nodes.map(({ journal: { writes } }) => writes.length);
    const before = journal();

    expect(await kubectl('apply', '-f', file)).toContain('unchanged');
    const asFlux = ['--server-side', '--force-conflicts', '--field-manager=kustomize-controller'];
    await kubectl('apply', ...asFlux, '-f', file);
    await kubectl('label', '--overwrite', 'chaosexperiment/slow', 'app.kubernetes.io/instance=shop');
    // What the operator had to do about the other one is done when this has ended.
    await stage.apply('later', { ...experiment, execution: { dryRun: true } });
    await stage.until('later', isOver);
    const again = await stage.get('slow');
    expect(again?.metadata).toMatchObject({ uid: over.metadata.uid, generation: over.metadata.generation });
    expect(again?.status).toEqual(over.status);
    expect(journal()).toEqual(before);
  });

  test('an experiment that runs is under way, and one that was aborted or is wrong has failed', async () => {
    await stage.addPod('a', stage.nodes[0]!);
    stage.startOperator();
    await stage.apply('slow', { ...experiment, duration: '10m' });
    const running = await stage.until('slow', isEffective);
    expect(typesOf(running).slice(0, 2)).toEqual(['Reconciling=True', 'Ready=Unknown']);
    await stage.apply('wrong', { ...experiment, action: { type: 'network-delay', parameters: { latency: 'soon' } } });
    const wrong = await stage.until('wrong', isOver);
    expect(typesOf(wrong)).toEqual(['Stalled=True', 'Ready=False', 'Selected=False']);
    const body = { metadata: { annotations: { 'chaosplane.io/abort': 'true' } } };
    await stage.client.patch(chaosExperiments, { namespace: stage.namespace, name: 'slow' }, { kind: 'merge', body });
    const aborted = await stage.until('slow', isOver);
    expect(typesOf(aborted).slice(0, 2)).toEqual(['Stalled=True', 'Ready=False']);
    expect(await saidOf([running, wrong, aborted])).toEqual([
      'InProgress Progressing',
      'Failed Degraded',
      'Failed Degraded',
    ]);
  });

  test('a schedule is current, suspended too, and failed as long as its spec is wrong', async () => {
    stage.startOperator();
    await applySchedule(stage, 'good', often);
    await applySchedule(stage, 'suspended', { ...often, suspend: true });
    await applySchedule(stage, 'wrong', { ...often, schedule: '0 0 * * 7' });
    const seen = (name: string) => untilSchedule(stage, name, ({ status }) => status !== undefined);
    const wrong = await seen('wrong');
    const [stalled] = await askKstatus([wrong]);
    expect(stalled?.message).toContain('the day of the week "7" is above 6');
    expect(await saidOf([await seen('good'), await seen('suspended'), wrong])).toEqual([
      'Current Healthy',
      'Current Suspended',
      'Failed Degraded',
    ]);
    await applySchedule(stage, 'wrong', { ...often, suspend: true });
    const like = ({ metadata: { generation }, status }: typeof wrong) => status?.observedGeneration === generation;
    const corrected = await untilSchedule(stage, 'wrong', like);
    expect(corrected.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'Ready=True',
      'Suspended=True',
    ]);
    expect(await saidOf([corrected])).toEqual(['Current Suspended']);
  });

  test('the patch for Argo CD has the script for each kind, and leaves what is there', async () => {
    const { namespace } = stage;
    const kubectl = (...argv: string[]) => fixture.cluster.kubectl([...argv, '-n', namespace]);
    await kubectl('create', 'configmap', 'argocd-cm', '--from-literal=url=https://argo.example');
    await kubectl('patch', 'configmap', 'argocd-cm', '--type', 'merge', '--patch-file', argoPatch);
    const { data } = JSON.parse(await kubectl('get', 'configmap', 'argocd-cm', '-o', 'json')) as { data: object };
    const scripts = await argoScripts();
    expect(data).toEqual({ url: 'https://argo.example', ...scripts });
    const kinds = [chaosExperiments.kind, 'ChaosWorkflow', chaosSchedules.kind, blastRadiusPolicies.kind];
    expect(Object.keys(scripts)).toEqual(
      kinds.map((kind) => `resource.customizations.health.${API_VERSION.split('/')[0]}_${kind}`),
    );
    expect(new Set(Object.values(scripts)).size).toBe(1);
  });
});
