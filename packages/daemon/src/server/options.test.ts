/** Every field of ExecutionOptions, from the wire to what it does; a field that is added has to be added here. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { durationOf, ExecutionOptions, type AnyExecRequest, type DeepPartial } from '@chaosplane/proto';
import { FakeNode, type FakePod, startTestEngine } from '@chaosplane/testkit';
import type { Engine } from '../engine/engine.ts';
import type { InjectionResult } from '../engine/inject.ts';
import type { ExecutionRecord } from '../journal/record.ts';
import { execRequestOf } from './wire.ts';

type Options = DeepPartial<ExecutionOptions>;
type Request = Omit<AnyExecRequest, 'options'>;

/** A daemon's node with one pod. */
interface Stage {
  readonly node: FakeNode;
  readonly pod: FakePod;
  readonly engine: Engine;
  /** Partitions the pod; or does what `request` asks for. */
  exec(options: Options, rpc?: Parameters<typeof execRequestOf>[0], request?: Request): Promise<InjectionResult>;
}

const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

async function open(): Promise<Stage> {
  const node = new FakeNode();
  const pod = node.addPod('web', { containers: ['app', 'sidecar'] });
  const engine = await startTestEngine({ host: node.host() });
  engines.push(engine);
  const partition = { experimentId: 'e', action: 'partition', parameters: { podName: 'web' } };
  const exec: Stage['exec'] = (options, rpc = 'execNetworkChaos', request = partition) => {
    // As it comes from the wire, with a default in every field that was not sent.
    const sent = ExecutionOptions.decode(ExecutionOptions.encode(ExecutionOptions.fromPartial(options)).finish());
    return engine.exec(execRequestOf(rpc, { ...request, options: sent }));
  };
  return { node, pod, engine, exec };
}

function recordOf(injection: InjectionResult): ExecutionRecord {
  if (injection.kind === 'planned') throw new Error('it was only planned');
  return injection.record;
}

const http = { action: 'abort', port: 8080, parameters: { podName: 'web', statusCode: '503' } };

/** What each field does. */
const effects: Readonly<Record<keyof ExecutionOptions, (stage: Stage) => Promise<void>>> = {
  async idempotencyKey({ exec, engine }) {
    const first = recordOf(await exec({ idempotencyKey: 'once' }));
    await engine.cancel(first.id);
    expect(recordOf(await exec({ idempotencyKey: 'once' })).id).toBe(first.id);
    expect(recordOf(await exec({})).id).not.toBe(first.id);
  },
  async ttl({ exec }) {
    const { createdAt, expiresAt } = recordOf(await exec({ ttl: durationOf(1500) }));
    expect(expiresAt - createdAt).toBe(1500);
  },
  async podUid({ exec, pod }) {
    await expect(exec({ podUid: 'of-another' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await exec({ podUid: pod.sandbox.podUid })).kind).toBe('injected');
  },
  async containerId({ exec, pod }) {
    const killing = { stressorType: 'container-kill', parameters: { podName: 'web' } };
    const kill = (id: string) => exec({ containerId: `containerd://${id}` }, 'execStressChaos', killing);
    await expect(kill('of-another')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const [, sidecar] = pod.containers;
    const { target } = recordOf(await kill(sidecar?.id ?? ''));
    expect(target).toMatchObject({ containers: [{ name: 'sidecar' }] });
  },
  async operatorEpoch({ exec }) {
    const { operatorEpoch } = recordOf(await exec({ operatorEpoch: 7n }));
    expect(operatorEpoch).toBe(7);
    await expect(exec({ operatorEpoch: 6n })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  },
  async dryRun({ exec, node }) {
    const before = node.print();
    expect(await exec({ dryRun: true })).toMatchObject({ kind: 'planned', steps: [{ tool: 'nft' }] });
    expect(node.print()).toBe(before);
  },
  async peers({ exec, node }) {
    await exec({ peers: [{ cidr: '192.0.2.0/24', ports: [443], protocol: 'tcp' }, { cidr: '2001:db8::1' }] });
    expect(node.print()).toMatch(/peers4_1 \{\s+\{.*\} 192\.0\.2\.0\/24\n/);
    expect(node.print()).toMatch(/ip daddr @\w+_peers4_1 tcp dport \{ 443 \} goto/);
    expect(node.print()).toMatch(/peers6 \{\s+\{.*\} 2001:db8::1\n/);
  },
  async sparedProbes({ exec, node, pod }) {
    const sparedProbes = { nodeAddresses: ['192.0.2.9', '2001:db8::9'], ports: [8080] };
    const [source = ''] = node.host().sourcesTowards(pod.sandbox.ips);
    await exec({ sparedProbes });
    expect(node.print()).toContain(`ip saddr { 192.0.2.9, ${source} } tcp dport { 8080 } return`);
    expect(node.print()).toContain('ip6 daddr { 2001:db8::9 } tcp sport { 8080 } return');
    await exec({ sparedProbes }, 'execHTTPChaos', http);
    expect(node.print()).toContain(`"address":"${source}"`);
  },
  async experimentId({ exec, pod, engine }) {
    const hello = { containerId: pod.containers[0]?.id ?? '' };
    const { id } = recordOf(await exec({ experimentId: 'of-the-options' }, 'execHelloWorldChaos', hello));
    expect((await engine.get(id)).record.experimentId).toBe('of-the-options');
  },
  async bootId({ exec, node }) {
    await expect(exec({ bootId: 'boot-0' })).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    expect((await exec({ bootId: node.bootId })).kind).toBe('injected');
  },
};

describe('an option of a request', () => {
  test.each(Object.keys(ExecutionOptions.create()))('does what it says: %s', async (field) => {
    await effects[field as keyof ExecutionOptions](await open());
  });

  test('that asks to spare probes is not heard where spareProbes is false, and changes nothing without ports', async () => {
    const { exec, node, engine } = await open();
    const plain = async (options: Options, parameters = {}): Promise<string> => {
      const request = { experimentId: 'e', action: 'partition', parameters: { podName: 'web', ...parameters } };
      const { id } = recordOf(await exec(options, 'execNetworkChaos', request));
      const printed = node.print().replaceAll(`l${id.slice(id.lastIndexOf('-') + 1)}`, 'ID');
      await engine.cancel(id);
      return printed;
    };
    const bare = await plain({});
    const sparedProbes = { nodeAddresses: ['192.0.2.9'], ports: [8080] };
    expect(await plain({ sparedProbes }, { spareProbes: 'false' })).toBe(bare);
    expect(await plain({ sparedProbes: { ...sparedProbes, ports: [] } })).toBe(bare);
    expect(await plain({ sparedProbes })).not.toBe(bare);
  });
});
