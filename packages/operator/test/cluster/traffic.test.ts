/** Network faults on a cluster, felt by traffic in every ordered pair of four pods on two nodes, by pod IP and through a Service. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  patient,
  sharedInstallation,
  isEffective,
  isOver,
  NAMESPACE,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

jest.setTimeout(180_000);

const pods = ['a', 'b', 'c', 'd'] as const;
const LATENCY_MS = 150;

let shop: Installation;
let ips: Readonly<Record<string, string>>;
let untouched: string[];
let clean: Readonly<Record<string, string>>;

beforeAll(async () => {
  shop = await sharedInstallation();
  await shop.addApps(
    { name: 'a', node: 'n1', labels: { side: 'left' } },
    { name: 'b', node: 'n1', labels: { side: 'left' } },
    { name: 'c', node: 'n2', labels: { side: 'right' } },
    { name: 'd', node: 'n2', labels: { side: 'right' } },
  );
  ips = Object.fromEntries(await Promise.all(pods.map(async (pod) => [pod, await shop.ipOf(pod)])));
  untouched = await felt();
  clean = await prints();
}, 900_000);
afterAll(() => shop.close(), 60_000);

async function prints(): Promise<Record<string, string>> {
  const texts = await Promise.all(pods.map((pod) => shop.print(pod)));
  return Object.fromEntries(pods.map((pod, index) => [pod, texts[index] ?? '']));
}

type Way = 'ip' | 'service';
type Feeling = 'slow' | 'lost';

/** Every ordered pair and way that feels something now: `a→c ip slow`. */
async function felt(): Promise<string[]> {
  const found = await Promise.all(
    pods.map(async (from) => {
      const others = pods.filter((pod) => pod !== from);
      const urls = others.flatMap((to) => [`http://${ips[to] ?? ''}:8080/`, `http://${to}.${NAMESPACE}/`]);
      const outcomes = await shop.probe(from, urls);
      return outcomes.flatMap(({ answered, leastMs = 0 }, index) => {
        const pair = `${from}→${others[Math.floor(index / 2)] ?? ''} ${index % 2 === 0 ? 'ip' : 'service'}`;
        if (answered === 0) return [`${pair} lost`];
        // A delay is in each answer; what a busy machine adds is not.
        return leastMs > LATENCY_MS / 2 ? [`${pair} slow`] : [];
      });
    }),
  );
  return found.flat().sort();
}

const pair = (from: string, to: string, feeling: Feeling, ways: readonly Way[] = ['ip', 'service']): string[] =>
  ways.map((way) => `${from}→${to} ${way} ${feeling}`);
const both = (one: string, other: string, feeling: Feeling): string[] => [
  ...pair(one, other, feeling),
  ...pair(other, one, feeling),
];

const on = (pod: string): object => ({ names: [pod] });
const selecting = (labels: object, more: object = {}): object => ({
  podSelector: { labelSelector: { matchLabels: labels } },
  ...more,
});
const slow = { type: 'network-delay', parameters: { latency: `${LATENCY_MS}ms` } };
const cut = { type: 'network-partition', parameters: {} };

async function begin(name: string, spec: object): Promise<void> {
  await shop.apply(name, { duration: '10m', ...spec });
  const object = await shop.until(name, (one) => isEffective(one) || isOver(one));
  expect(object.status).toMatchObject({ phase: 'Running', counts: { targets: 1, injected: 1, missed: 0 } });
}

async function end(...names: readonly string[]): Promise<void> {
  for (const name of names) await shop.remove(name);
}

test('without a fault no caller feels anything', () => expect(untouched).toEqual([]));

describe('a fault on one pod', () => {
  test('towards the port of two peers, by their labels, slows what it asks them, by pod IP and through their Services', async () => {
    await begin('delay', {
      target: on('a'),
      action: slow,
      peers: [selecting({ side: 'right' }, { ports: [8080], protocol: 'tcp' })],
    });
    expect(await felt()).toEqual([...pair('a', 'c', 'slow'), ...pair('a', 'd', 'slow')].sort());
    await end('delay');
    expect(await felt()).toEqual([]);
  });

  test('that cuts it off from one peer, by its labels, is felt by these two alone, in both directions', async () => {
    await begin('cut', { target: on('b'), action: cut, peers: [selecting({ app: 'd' })] });
    expect(await felt()).toEqual(both('b', 'd', 'lost').sort());
    await end('cut');
    expect(await felt()).toEqual([]);
  });

  test('that cuts it off from an address hits that address: a Service has another one, until its packets arrive', async () => {
    await begin('cut', { target: on('b'), action: cut, peers: [{ cidr: `${ips['d'] ?? ''}/32` }] });
    expect(await felt()).toEqual([...pair('b', 'd', 'lost', ['ip']), ...pair('d', 'b', 'lost')].sort());
    await end('cut');
    expect(await felt()).toEqual([]);
  });

  test('that loses half of what it sends to a peer, loses about half of the packets, by pod IP and through the Service', async () => {
    const loss = { type: 'network-loss', parameters: { percent: '50', protocol: 'udp' } };
    await begin('loss', { target: on('c'), action: loss, peers: [selecting({ app: 'a' })] });
    const others = await shop.probe(
      'c',
      ['a', 'b', 'd'].map((to) => `udp://${to}.${NAMESPACE}:81`),
      { count: 1000 },
    );
    const direct = await shop.probe('c', [`udp://${ips['a'] ?? ''}:8081`], { count: 1000 });
    const shares = [...direct, ...others].map(({ answered, sent }) => answered / sent);
    expect(shares[0]).toBeGreaterThan(0.4);
    expect(shares[0]).toBeLessThan(0.6);
    expect(shares[1]).toBeGreaterThan(0.4);
    expect(shares[1]).toBeLessThan(0.6);
    expect(shares[2]).toBeGreaterThan(0.97);
    expect(shares[3]).toBeGreaterThan(0.97);
    await end('loss');
  });

  test('is refused where a Service leads to peers and to others, and says how to choose', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'mixed', namespace: NAMESPACE },
      spec: { selector: { side: 'left' }, ports: [{ port: 80, targetPort: 8080 }] },
    };
    await shop.cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(service) });
    const wait = ['wait', '--for=jsonpath={.endpoints[1]}', 'endpointslice', '-n', NAMESPACE];
    await shop.cluster.kubectl([...wait, '-l', 'kubernetes.io/service-name=mixed', '--timeout=30s']);
    await shop.apply('half', { target: on('c'), action: cut, peers: [selecting({ app: 'a' })], duration: '1m' });
    const over = await shop.until('half', isOver);
    expect(over.status?.phase).toBe('Failed');
    expect(JSON.stringify(over.status)).toMatch(/Service shop\/mixed leads to peers and to others/);
    await end('half');
    await shop.cluster.kubectl(['delete', 'service', 'mixed', '-n', NAMESPACE]);
    expect(await felt()).toEqual([]);
  });
});

test('a fault follows its peers: pods that come with their labels are hit within seconds, and those that lose them are not', async () => {
  const relabel = (pod: string, side: string): Promise<string> =>
    shop.cluster.kubectl(['label', 'pod', pod, '-n', NAMESPACE, '--overwrite', `side=${side}`]);
  await begin('follow', { target: on('a'), action: cut, peers: [selecting({ side: 'right' })] });
  const [left, right] = [both('a', 'c', 'lost'), both('a', 'd', 'lost')];
  expect(await felt()).toEqual([...left, ...right].sort());
  const becomes = (expected: readonly string[]) => async (): Promise<true | undefined> =>
    isDeepStrictEqual(await felt(), expected.toSorted()) ? true : undefined;
  await relabel('b', 'right');
  await eventually('b is hit too', becomes([...left, ...right, ...both('a', 'b', 'lost')]), {
    ...patient,
    withinMs: 30_000,
  });
  await relabel('b', 'left');
  await relabel('d', 'left');
  await eventually('c alone is hit', becomes(left), { ...patient, withinMs: 30_000 });
  await relabel('c', 'left');
  await eventually('no pod is hit, rather than all', becomes([]), { ...patient, withinMs: 30_000 });
  await relabel('c', 'right');
  await eventually('c is hit again', becomes(left), { ...patient, withinMs: 30_000 });
  await relabel('d', 'right');
  await end('follow');
  expect(await felt()).toEqual([]);
});

test('of faults that overlap, each ends by itself and leaves the others', async () => {
  const toAll = { target: on('a'), action: { ...slow, parameters: { ...slow.parameters, ports: '8080,80' } } };
  const toOne = { target: on('a'), action: cut, peers: [selecting({ app: 'c' })] };
  const fromAnother = { target: on('d'), action: cut, peers: [selecting({ app: 'b' })] };
  await begin('to-all', toAll);
  await begin('to-one', toOne);
  await begin('from-another', fromAnother);
  const slowed = ['b', 'd'].flatMap((other) => both('a', other, 'slow'));
  expect(await felt()).toEqual([...slowed, ...both('a', 'c', 'lost'), ...both('b', 'd', 'lost')].sort());
  await end('to-one');
  const all = ['b', 'c', 'd'].flatMap((other) => both('a', other, 'slow'));
  expect(await felt()).toEqual([...all, ...both('b', 'd', 'lost')].sort());
  await end('to-all');
  expect(await felt()).toEqual(both('b', 'd', 'lost').sort());
  await end('from-another');
  expect(await felt()).toEqual([]);
});

test('after all of it, the network namespaces of all pods are as they were', async () => {
  expect(await prints()).toEqual(clean);
});
