/** Experiments whose operator, API server, daemon or node goes away in the middle: each ends in time, and leaves nothing. */
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { leases } from '@chaosplane/kube';
import { fingerprint } from '@chaosplane/testbed';
import { eventually, install, isEffective, isOver, NAMESPACE, SYSTEM, type Installation } from './installation.ts';

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
  await eventually('another one leads', async () => ((await leader()) === killed ? undefined : true));
  const over = await shop.until('taken-over', isOver, 90_000);
  expect(over.status).toMatchObject({ phase: 'Completed', counts: { targets: 1, recovered: 1 } });
  expect(over.status?.targets?.map(({ executionId }) => executionId)).toEqual([id]);
  expect((await shop.executionsOn('n2')).filter((name) => !before.includes(name))).toEqual([`${id}.json`]);
  expect(await answers()).toBe(true);
  await shop.remove('taken-over');
});

test('the daemon is restarted: the fault is there meanwhile and afterwards, and is recovered', async () => {
  const id = await begin('restarted', '10m');
  const selector = ['-l', 'app.kubernetes.io/component=daemon', '--field-selector=spec.nodeName=n2'];
  await kubectl('delete', 'pod', ...selector, '--wait=false');
  expect(await answers()).toBe(false);
  await kubectl('rollout', 'status', 'daemonset/chaosplane-daemon', '--timeout=90s');
  expect(await answers()).toBe(false);
  const object = await shop.until('restarted', ({ status }) => {
    const notes = status?.targets?.[0]?.evidence?.notes ?? [];
    return notes.some((note) => note.includes('no daemon ran for a while'));
  });
  expect(object.status).toMatchObject({ phase: 'Running', targets: [{ executionId: id, state: 'Injected' }] });
  await shop.remove('restarted');
  expect(await answers()).toBe(true);
});

test('the operator is gone for good: its lease lapses, and the daemon ends what it asked for', async () => {
  await begin('orphaned', '10m');
  await kubectl('scale', 'deployment/chaosplane-operator', '--replicas=0');
  await kubectl('wait', '--for=delete', 'pod', '-l', 'app.kubernetes.io/component=operator', '--timeout=60s');
  const ended = async (): Promise<true | undefined> => ((await answers()) ? true : undefined);
  await eventually('traffic is normal', ended, LEASE_S * 1000 + 30_000);
  await eventually('nothing is left', async () => ((await shop.print('caller')) === clean ? true : undefined));
  await kubectl('scale', 'deployment/chaosplane-operator', '--replicas=2');
  const over = await shop.until('orphaned', isOver, 120_000);
  expect(over.status?.phase).toBe('Failed');
  expect(JSON.stringify(over.status)).toContain('lease lapsed');
  await shop.remove('orphaned');
});

// Nothing after it may depend on the cluster's own controllers: these come back to an API server as late as a minute after.
test('the API server is away for a minute: the fault ends no later than its deadline, and the status says so after', async () => {
  await begin('unseen', '10s');
  const netns = await shop.netnsOf('caller');
  const expiresAt = Date.parse((await shop.get('unseen'))?.status?.targets?.[0]?.expiresAt ?? '');
  expect(expiresAt).toBeGreaterThan(Date.now());
  await shop.cluster.stopApiServer();
  const stoppedAt = performance.now();
  try {
    // Nobody can tell the operator to end it, and it cannot keep the lead.
    const ended = async (): Promise<true | undefined> => ((await fingerprint(netns)) === clean ? true : undefined);
    const left = Math.max(0, expiresAt - Date.now());
    await eventually('the fault has ended', ended, left + 5_000);
    await eventually(
      'a minute has passed',
      async () => (performance.now() - stoppedAt > 60_000 ? true : undefined),
      90_000,
    );
  } finally {
    await shop.cluster.startApiServer();
  }
  const over = await shop.until('unseen', isOver, 120_000);
  expect(over.status?.counts).toMatchObject({ targets: 1, recovered: 1 });
  await shop.remove('unseen');
  await kubectl('rollout', 'status', 'deployment/chaosplane-operator', '--timeout=90s');
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
  await eventually('the experiment is gone', gone, 240_000);
});
