/** HTTP and DNS faults on real pods, through the wire: what is felt, what is reported, and what is left. */
import { execFileSync } from 'node:child_process';
import { fingerprint } from '@chaosplane/testbed';
import { eventually } from '@chaosplane/testkit';
import { EndReason, ExecutionState, Verdict, durationOf } from '@chaosplane/proto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Status } from 'nice-grpc';
import { ask as askName, startResolver, type LabResolver } from '../kernel/dns-lab.ts';
import { agentIn, ask, quickest, startApp, type Asking, type LabApp, type Reply } from '../kernel/http-lab.ts';
import { cgroupFolder, freeze, stressorsIn } from '@chaosplane/testcluster/accounts';
import { startDoomed } from './doomed.ts';
import { startLoad } from './load.ts';
import { changesSince, createPodLab, type PodDaemon, type PodEnd, type PodLab } from './pod-lab.ts';

jest.setTimeout(60_000);

let lab: PodLab;
let target: PodEnd;
let peer: PodEnd;
let app: LabApp;
let resolver: LabResolver;
let running: PodDaemon;
let before: string;

beforeAll(async () => {
  lab = await createPodLab();
  peer = await lab.addEnd('peer');
  target = await lab.addEnd('target', {
    dns: { servers: [peer.ipv4], searches: ['default.svc.cluster.local', 'cluster.local'] },
  });
  app = await startApp(target, 8081);
  resolver = await startResolver(peer, peer.ipv4);
});

afterAll(async () => {
  app.close();
  resolver.close();
  await lab.close();
});

beforeEach(async () => {
  before = await fingerprint(target.path);
  running = await lab.startDaemon();
});

afterEach(async () => {
  await running.stop();
  expect(await changesSince(before, target)).toEqual([]);
});

const podName = { podName: 'target' };
const asked = (asking: Asking = {}): Promise<Reply> => ask(peer, { address: target.ipv4, port: 8081 }, asking);
const codeOf = async (name: string): Promise<string> => {
  const answer = await askName(target, peer.ipv4, name);
  return answer === 'timeout' ? answer : answer.code;
};

describe('a DNS fault', () => {
  test('makes names fail until it is cancelled, and tells how many', async () => {
    const parameters = { ...podName, domains: 'api.shop,*.example.com' };
    const { executionId, message } = await running.client.execDNSChaos({ action: 'error', parameters });
    expect(message).toContain('pod-dns-error of pod default/target (proxy)');
    expect(await codeOf('a.example.com')).toBe('NXDOMAIN');
    expect(await codeOf('api.shop.cluster.local')).toBe('NXDOMAIN');
    expect(await codeOf('other.org')).toBe('NOERROR');
    const { evidence } = await running.client.getExecution({ executionId });
    expect(evidence).toMatchObject({ engine: 'proxy', verdict: Verdict.VERDICT_VERIFIED });
    expect(evidence?.counters).toMatchObject({ queries_seen: 3n, queries_matched: 2n, queries_faulted: 2n });
    await running.client.cancelChaos({ executionId });
    expect(await codeOf('a.example.com')).toBe('NOERROR');
    expect(await changesSince(before, target)).toEqual([]);
  });
});

describe('an HTTP fault', () => {
  test('delays what it is asked to, by the port of the old contract', async () => {
    const parameters = { ...podName, delay: '300ms', path: '/slow*' };
    const { executionId } = await running.client.execHTTPChaos({ action: 'delay', port: 8081, parameters });
    const slow = await asked({ path: '/slow' });
    expect(slow.ms - (await quickest(() => asked())).ms).toBeGreaterThan(250);
    const last = await asked();
    expect(app.seen.at(-1)?.client).toBe(`${peer.ipv4} ${last.port}`);
    const { evidence } = await running.client.cancelChaos({ executionId });
    expect(evidence?.counters).toMatchObject({ requests_seen: 7n, requests_matched: 1n, requests_faulted: 1n });
    expect((await quickest(() => asked({ path: '/slow' }))).ms).toBeLessThan(slow.ms);
    expect(await changesSince(before, target)).toEqual([]);
  });

  test('composes with others of the same pod, and each leaves alone', async () => {
    const exec = (action: string, parameters: Record<string, string>) =>
      running.client.execHTTPChaos({ action, port: 8081, parameters: { ...podName, ...parameters } });
    const abort = await exec('abort', { statusCode: '503', path: '/bad' });
    const reset = await exec('abort', { reset: 'true', path: '/worse' });
    const dns = await running.client.execDNSChaos({ action: 'error', parameters: { ...podName, domains: '*' } });
    expect((await asked({ path: '/bad' })).status).toBe(503);
    await expect(asked({ path: '/worse' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    await running.client.cancelChaos({ executionId: abort.executionId });
    expect((await asked({ path: '/bad' })).status).toBe(200);
    await expect(asked({ path: '/worse' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await codeOf('x.org')).toBe('NXDOMAIN');
    await running.client.cancelChaos({ executionId: reset.executionId });
    await running.client.cancelChaos({ executionId: dns.executionId });
    expect((await asked({ path: '/worse' })).status).toBe(200);
    expect(await changesSince(before, target)).toEqual([]);
  });

  test('leaves the probes of the kubelet alone', async () => {
    const request = { action: 'abort', port: 8081, parameters: { ...podName, statusCode: '503' } };
    for (const nodeAddress of [peer.ipv4, `${peer.ipv4}/24`]) {
      const options = { sparedProbes: { nodeAddresses: [nodeAddress], ports: [8081] } };
      const sparing = await running.client.execHTTPChaos({ ...request, options });
      expect((await asked()).status).toBe(200);
      // Another fault brings them to the proxy; there they are spared by the first one all the same.
      const parameters = { ...podName, statusCode: '404', path: '/bad' };
      const other = await running.client.execHTTPChaos({ ...request, parameters });
      expect((await asked({ path: '/bad' })).status).toBe(404);
      expect((await asked()).status).toBe(200);
      for (const { executionId } of [sparing, other]) await running.client.cancelChaos({ executionId });
    }
  });

  test('ends at its TTL', async () => {
    const request = { action: 'abort', port: 8081, parameters: { ...podName, statusCode: '503' } };
    const { executionId } = await running.client.execHTTPChaos({ ...request, options: { ttl: durationOf(1500) } });
    expect((await asked()).status).toBe(503);
    const found = () => running.client.getExecution({ executionId });
    await eventually(
      'the execution has ended',
      async () => (await found()).state === ExecutionState.EXECUTION_STATE_ENDED,
      { withinMs: 30_000 },
    );
    expect((await found()).endReason).toBe(EndReason.END_REASON_EXPIRED);
    expect((await asked()).status).toBe(200);
    expect(await changesSince(before, target)).toEqual([]);
  });

  test('is refused where another program redirects the port', async () => {
    const nft = (...argv: string[]): unknown => execFileSync('nsenter', [`--net=${target.path}`, 'nft', ...argv]);
    nft('add table ip cpmesh');
    nft('add chain ip cpmesh in { type nat hook prerouting priority dstnat ; }');
    nft('add rule ip cpmesh in meta l4proto tcp redirect to :15006');
    try {
      const request = { action: 'abort', port: 8081, parameters: { ...podName, statusCode: '503' } };
      await expect(running.client.execHTTPChaos(request)).rejects.toMatchObject({
        code: Status.FAILED_PRECONDITION,
        details: expect.stringContaining('mesh'),
      });
    } finally {
      nft('delete table ip cpmesh');
    }
  });
});

describe('a daemon', () => {
  test('that is replaced puts the fault there again, and keeps what was counted', async () => {
    const { stateDir } = running;
    const parameters = { ...podName, statusCode: '503' };
    const { executionId } = await running.client.execHTTPChaos({ action: 'abort', port: 8081, parameters });
    expect((await asked()).status).toBe(503);
    await running.client.getExecution({ executionId });
    const from = performance.now();
    await running.stop();
    expect((await asked()).status).toBe(200);
    running = await lab.startDaemon({ stateDir });
    expect((await asked()).status).toBe(503);
    const { evidence } = await running.client.getExecution({ executionId });
    expect(evidence?.notes.join()).toContain('no daemon ran for up to');
    expect(Number(evidence?.counters['interrupted_ms'])).toBeGreaterThan(1);
    expect(Number(evidence?.counters['interrupted_ms'])).toBeLessThan(performance.now() - from);
    expect(Number(evidence?.counters['requests_faulted'])).toBeGreaterThanOrEqual(1);
    await running.client.cancelChaos({ executionId });
    expect(await changesSince(before, target)).toEqual([]);
  });

  test('that is killed among 200 requests a second, and a stressor of it cannot die yet, loses those under way and no others', async () => {
    const doomed = await startDoomed(lab, 0);
    const parameters = { ...podName, statusCode: '503', path: '/bad' };
    const abort = await doomed.client.execHTTPChaos({ action: 'abort', port: 8081, parameters });
    const memory = { stressorType: 'memory', parameters: { ...podName, size: '64Mi' } };
    const stress = await doomed.client.execStressChaos(memory);
    const { pid } = target.pod.containers['app']!;
    const left = (): number => stressorsIn(cgroupFolder(pid, 'cpuacct')).length;

    const load = startLoad(200, (index) => asked({ path: index % 2 === 0 ? '/bad' : '/good' }));
    let killedAt: number;
    try {
      await load.until(({ statuses }) => statuses.filter((status) => status === 503).length >= 100);
      // What inherits something of the daemon keeps it until it is dead, and what is frozen cannot die.
      const thaw = await freeze(pid);
      try {
        await doomed.kill();
        killedAt = performance.now();
        await load.until(({ sentSince }) => sentSince(killedAt) >= 200);
        if (thaw !== undefined) expect(left()).toBeGreaterThan(0);
      } finally {
        thaw?.();
      }
    } finally {
      await load.stop();
    }
    const after = load.outcomes.filter(({ startedAt }) => startedAt > killedAt);
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([200]));

    await eventually('no stressor is left', () => left() === 0, { withinMs: 30_000 });
    const next = await lab.startDaemon({ stateDir: doomed.stateDir });
    for (const { executionId } of [abort, stress]) {
      expect((await next.client.getExecution({ executionId })).state).toBe(ExecutionState.EXECUTION_STATE_ACTIVE);
      await next.client.cancelChaos({ executionId });
    }
    await next.stop();
    expect(await changesSince(before, target)).toEqual([]);
  });

  test('that was killed and lost its journal leaves nothing for the next one to miss', async () => {
    const doomed = await startDoomed(lab, 0);
    const parameters = { ...podName, statusCode: '503' };
    await doomed.client.execHTTPChaos({ action: 'abort', port: 8081, parameters });
    expect((await asked()).status).toBe(503);
    await doomed.kill();
    expect((await asked()).status).toBe(200);
    await (await lab.startDaemon()).stop();
    expect(await changesSince(before, target)).toEqual([]);
  });

  test('keeps open connections through the end of a fault', async () => {
    const agent = agentIn(peer, { address: target.ipv4, port: 8081 });
    const parameters = { ...podName, statusCode: '503', path: '/bad' };
    const { executionId } = await running.client.execHTTPChaos({ action: 'abort', port: 8081, parameters });
    const during = await asked({ agent, path: '/bad' });
    await running.client.cancelChaos({ executionId });
    for (let round = 0; round < 3; round += 1) {
      expect(await asked({ agent, path: '/bad' })).toMatchObject({ status: 200, port: during.port });
    }
    agent.destroy();
  });
});
