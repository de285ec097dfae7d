/** Experiments whose operator, API server, daemon or node goes away in the middle: each ends in time, and leaves nothing. */
import { basename } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { leases } from '@chaosplane/kube';
import { fingerprint } from '@chaosplane/testbed';
import { burningOn } from './burning.ts';
import { ABORT_ANNOTATION, chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import {
  patient,
  install,
  isEffective,
  isOver,
  NAMESPACE,
  SYSTEM,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

jest.setTimeout(300_000);

/** How long the daemons keep what the operator asked for without hearing of it. */
const LEASE_S = 20;

let shop: Installation;
let clean: string;

beforeAll(async () => {
  const args = [`--daemon-lease=${LEASE_S}s`, '--renew-every=3s'];
  shop = await install([`operator.extraArgs={${args.join(',')}}`]);
  await shop.addApps({ name: 'caller', node: 'n2' }, { name: 'web', node: 'n1' });
  clean = await shop.print('caller');
}, 900_000);
afterAll(() => shop.close(), 60_000);

/** What the test before left would be this one's. */
beforeEach(async () => expect(await shop.print('caller')).toBe(clean));

const spec = (duration: string): object => ({
  target: { names: ['caller'] },
  action: { type: 'network-partition', parameters: { protocol: 'tcp' } },
  duration,
});

async function answers(): Promise<boolean> {
  const [outcome] = await shop.probe('caller', [`http://web.${NAMESPACE}/`]);
  return outcome?.answered === outcome?.sent;
}

/** Begins the experiment and sees that it is felt; resolves with the id of its execution. */
async function begin(name: string, duration: string): Promise<string> {
  expect(await answers()).toBe(true);
  await shop.apply(name, spec(duration));
  const object = await shop.until(name, isEffective);
  expect(await answers()).toBe(false);
  return object.status?.targets?.[0]?.executionId ?? '';
}

const kubectl = (...argv: readonly string[]): Promise<string> => shop.cluster.kubectl([...argv, '-n', SYSTEM]);

const OPERATORS = ['-l', 'app.kubernetes.io/component=operator'] as const;

/** The pod that leads. */
async function leader(): Promise<string> {
  const lease = await shop.client.get(leases, { namespace: SYSTEM, name: 'chaosplane-operator' });
  return lease?.spec?.holderIdentity ?? '';
}

test('the leading operator is killed: the other one goes on with the same execution, and ends it', async () => {
  const before = await shop.executionsOn('n2');
  const id = await begin('taken-over', '20s');
  const killed = await leader();
  await kubectl('delete', 'pod', killed, '--grace-period=0', '--force');
  await eventually('another one leads', async () => ((await leader()) === killed ? undefined : true), patient);
  const over = await shop.until('taken-over', isOver, 90_000);
  expect(over.status).toMatchObject({ phase: 'Completed', counts: { targets: 1, recovered: 1 } });
  expect(over.status?.targets?.map(({ executionId }) => executionId)).toEqual([id]);
  expect((await shop.executionsOn('n2')).filter((name) => !before.includes(name))).toEqual([`${id}.json`]);
  expect(await answers()).toBe(true);
  await shop.remove('taken-over');
});

test('the daemon is restarted: the fault is there meanwhile and afterwards, and is recovered', async () => {
  const id = await begin('restarted', '10m');
  await kubectl('delete', 'pod', ...ofDaemon('n2'), '--wait=false');
  expect(await answers()).toBe(false);
  await kubectl('rollout', 'status', 'daemonset/chaosplane-daemon', '--timeout=90s');
  expect(await answers()).toBe(false);
  const object = await shop.until('restarted', ({ status }) => {
    const notes = status?.targets?.[0]?.evidence?.notes ?? [];
    return notes.some((note) => note.includes('no daemon ran for up to'));
  });
  expect(object.status).toMatchObject({ phase: 'Running', targets: [{ executionId: id, state: 'Injected' }] });
  await shop.remove('restarted');
  expect(await answers()).toBe(true);
});

const ref = (name: string) => ({ namespace: NAMESPACE, name });
const ofDaemon = (node: string): string[] => [
  ...['-l', 'app.kubernetes.io/component=daemon'],
  `--field-selector=spec.nodeName=${node}`,
];

/** Sends a signal to the daemon of a node: to the first process of its container, as the node counts them. */
async function signalDaemon(node: string, signal: 'STOP' | 'CONT' | 'KILL'): Promise<void> {
  const path = 'jsonpath={.items[0].status.containerStatuses[0].containerID}';
  const id = basename(await kubectl('get', 'pod', ...ofDaemon(node), '-o', path));
  const files = await shop.cluster.exec(node, ['sh', '-c', `grep -l ${id} /proc/[0-9]*/cgroup; true`]);
  const pids = files.split('\n').map((file) => Number(file.split('/')[2]));
  await shop.cluster.exec(node, ['kill', `-${signal}`, String(Math.min(...pids))]);
}

test('a daemon hangs: targets of the other node are hit, told of, and free again when it is aborted', async () => {
  expect(await answers()).toBe(true);
  await signalDaemon('n1', 'STOP');
  try {
    const target = { names: ['caller', 'web'], mode: 'all' };
    await shop.apply('hung', { ...spec('10m'), target, injectionTimeout: '5m' });
    await shop.until('hung', ({ status }) => status?.counts?.injected === 1);
    expect(await answers()).toBe(false);
    const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
    await shop.client.patch(chaosExperiments, ref('hung'), { kind: 'merge', body });
    await shop.until('hung', ({ status }) => status?.counts?.recovered === 1);
    expect(await answers()).toBe(true);
  } finally {
    await signalDaemon('n1', 'CONT');
  }
  await shop.remove('hung');
});

test('the finalizer is taken away and the experiment deleted: its fault is gone within 5 s, or 3 times what a deletion takes here', async () => {
  await begin('ordinary', '10m');
  const asked = performance.now();
  await shop.remove('ordinary');
  const ordinaryMs = performance.now() - asked;
  await begin('stripped', '10m');
  const body = { metadata: { finalizers: null } };
  await shop.client.patch(chaosExperiments, ref('stripped'), { kind: 'merge', body });
  await shop.client.delete(chaosExperiments, ref('stripped'));
  const since = performance.now();
  await eventually('nothing is left', async () => ((await shop.print('caller')) === clean ? true : undefined), patient);
  expect(performance.now() - since).toBeLessThan(Math.max(5000, 3 * ordinaryMs));
  expect(await answers()).toBe(true);
});

/** Begins an experiment; resolves with it once it is in force. */
async function inForce(name: string, wanted: object) {
  await shop.apply(name, { duration: '10m', ...wanted });
  const object = await shop.until(name, (one) => isEffective(one) || isOver(one));
  expect(object.status).toMatchObject({ phase: 'Running', counts: { targets: 1, injected: 1, missed: 0 } });
  return object;
}

describe('what was measured stays when the daemon is killed and when the pod is deleted', () => {
  const burntSeconds = (summary = ''): number => Number(/^(\d+(?:\.\d+)?)s of CPU time burnt/.exec(summary)?.[1]);
  const summaryOf = async (name: string) => (await shop.get(name))?.status?.targets?.[0]?.evidence?.summary;

  test('stress goes on over a kill of the daemon, and what it burns is counted from its beginning', async () => {
    await shop.addApps({ name: 'doomed', node: 'n1' });
    const action = { type: 'pod-cpu-stress', parameters: { containerName: 'http', load: 50 } };
    await inForce('doomed', { target: { names: ['doomed'] }, action });
    await shop.until('doomed', ({ status }) => burntSeconds(status?.targets?.[0]?.evidence?.summary) > 2);
    const before = burntSeconds(await summaryOf('doomed'));
    await signalDaemon('n1', 'KILL');
    await kubectl('wait', 'pod', ...ofDaemon('n1'), '--for=jsonpath={.status.containerStatuses[0].restartCount}=1');
    const more = ({ status }: ExperimentObject): boolean =>
      burntSeconds(status?.targets?.[0]?.evidence?.summary) > before + 1;
    expect((await shop.until('doomed', more)).status).toMatchObject({ phase: 'Running', verified: '1/1' });
  });

  test('its pod is deleted: the status keeps what was burnt, and says why it ended', async () => {
    const before = burntSeconds(await summaryOf('doomed'));
    await shop.cluster.kubectl(['delete', 'pod', 'doomed', '-n', NAMESPACE, '--wait=false']);
    const over = await shop.until('doomed', isOver);
    const [target] = over.status?.targets ?? [];
    expect(target).toMatchObject({ state: 'Recovered', endedEarly: expect.stringContaining('its pod') });
    expect(target?.evidence).toMatchObject({ verdict: 'Verified' });
    expect(burntSeconds(target?.evidence?.summary)).toBeGreaterThanOrEqual(before);
    expect(over.status?.outcome?.message).toContain('1 of 1 target went away before the end');
    await shop.remove('doomed');
    expect(await burningOn(shop, 'n1')).toEqual([]);
  });
});

test('the operator is gone for good: its lease lapses, and the daemon ends what it asked for', async () => {
  await begin('orphaned', '10m');
  await kubectl('scale', 'deployment/chaosplane-operator', '--replicas=0');
  await kubectl('wait', '--for=delete', 'pod', ...OPERATORS, '--timeout=60s');
  const ended = async (): Promise<true | undefined> => ((await answers()) ? true : undefined);
  await eventually('traffic is normal', ended, { ...patient, withinMs: LEASE_S * 1000 + 30_000 });
  await eventually('nothing is left', async () => ((await shop.print('caller')) === clean ? true : undefined), patient);
  await kubectl('scale', 'deployment/chaosplane-operator', '--replicas=2');
  const over = await shop.until('orphaned', isOver, 120_000);
  expect(over.status?.phase).toBe('Failed');
  expect(JSON.stringify(over.status)).toContain('lease lapsed');
  await shop.remove('orphaned');
  await kubectl('rollout', 'status', 'deployment/chaosplane-operator', '--timeout=90s');
});

// Nothing after it may depend on the cluster's own controllers: these come back to an API server as late as a minute after.
test('the API server is away for a minute: the fault ends no later than its deadline, and the status says so after', async () => {
  const restarts = (): Promise<string> =>
    kubectl('get', 'pod', ...OPERATORS, '-o', 'jsonpath={.items[*].status.containerStatuses[*].restartCount}');
  const before = await restarts();
  await begin('unseen', '10s');
  const netns = await shop.netnsOf('caller');
  const expiresAt = Date.parse((await shop.get('unseen'))?.status?.targets?.[0]?.expiresAt ?? '');
  expect(expiresAt).toBeGreaterThan(Date.now());
  await shop.cluster.stopApiServer();
  const stoppedAt = performance.now();
  try {
    // Without the API server no user can tell the operator to end it, and it cannot keep the lead.
    const ended = async (): Promise<true | undefined> => ((await fingerprint(netns)) === clean ? true : undefined);
    const left = Math.max(0, expiresAt - Date.now());
    await eventually('the fault has ended', ended, { ...patient, withinMs: left + 5_000 });
    await eventually('a minute has passed', async () => (performance.now() - stoppedAt > 60_000 ? true : undefined), {
      ...patient,
      withinMs: 90_000,
    });
  } finally {
    await shop.cluster.startApiServer();
  }
  const over = await shop.until('unseen', isOver, 120_000);
  expect(over.status?.counts).toMatchObject({ targets: 1, recovered: 1 });
  await shop.remove('unseen');
  await kubectl('rollout', 'status', 'deployment/chaosplane-operator', '--timeout=90s');
  expect(await restarts()).toBe(before);
  expect(await answers()).toBe(true);
});

test('a node dies for good with the fault on it: the experiment can be deleted all the same', async () => {
  await begin('lost', '10s');
  await shop.cluster.killNode('n2');
  const remove = ['delete', 'chaosexperiment', 'lost', '-n', NAMESPACE, '--ignore-not-found', '--wait=false'];
  const gone = async (): Promise<true | undefined> => {
    // Right after the power cut a call may be lost on its way to the API server.
    await shop.cluster.kubectl(remove).catch(() => undefined);
    const found = await shop.get('lost').catch(() => null);
    return found === undefined ? true : undefined;
  };
  await eventually('the experiment is gone', gone, { ...patient, withinMs: 240_000 });
});
