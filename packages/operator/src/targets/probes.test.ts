/** Which traffic of a pod is the kubelet's: every kind of probe and hook, and what only looks like one. */
import { describe, expect, test } from '@jest/globals';
import type { Container, Node, Pod } from '@chaosplane/kube';
import { kubeletTraffic } from './probes.ts';

type Spec = Omit<Container, 'name'> & { readonly name?: string };
type Sidecar = Spec & { readonly restartPolicy?: string };

const dual = { podIP: '10.1.1.7', podIPs: [{ ip: '10.1.1.7' }, { ip: 'fd00:1::7' }] };

function pod(containers: readonly Spec[], initContainers: readonly Sidecar[] = [], status: Pod['status'] = {}): Pod {
  const named = <T extends Spec>(list: readonly T[], prefix: string) =>
    list.map((one, at) => ({ name: `${prefix}${at}`, ...one }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', uid: 'u' },
    spec: { containers: named(containers, 'c'), initContainers: named(initContainers, 'i') },
    status: { ...dual, hostIP: '192.168.0.5', hostIPs: [{ ip: '192.168.0.5' }, { ip: 'fd00:9::5' }], ...status },
  };
}

const node = (...addresses: readonly [type: string, address: string][]): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  status: { addresses: addresses.map(([type, address]) => ({ type, address })) },
});

const portsOf = (...parts: Parameters<typeof pod>): number[] =>
  kubeletTraffic(pod(...parts), undefined, 'u')?.ports ?? [];

const ports = [
  { name: 'web', containerPort: 8080 },
  { name: 'admin', containerPort: 9090 },
];

describe('the ports that the kubelet asks', () => {
  test.each<[what: string, container: Spec, expected: readonly number[]]>([
    ['a liveness probe over HTTP', { livenessProbe: { httpGet: { port: 8080 } } }, [8080]],
    ['a readiness probe over HTTPS', { readinessProbe: { httpGet: { port: 8443, scheme: 'HTTPS' } } }, [8443]],
    ['a startup probe over TCP', { startupProbe: { tcpSocket: { port: 5432 } } }, [5432]],
    ['a liveness probe over gRPC', { livenessProbe: { grpc: { port: 50_051 } } }, [50_051]],
    ['a probe by a command', { livenessProbe: { exec: { command: ['true'] } } }, []],
    ['no probe', { ports }, []],
    ['a port by its name', { ports, livenessProbe: { httpGet: { port: 'admin' } } }, [9090]],
    ['a port by its name, over TCP', { ports, livenessProbe: { tcpSocket: { port: 'web' } } }, [8080]],
    ['a number that was written as a text', { readinessProbe: { httpGet: { port: '8081' } } }, [8081]],
    ['a name that no port of the container has', { ports, livenessProbe: { httpGet: { port: 'gone' } } }, []],
    ['a port that there cannot be', { livenessProbe: { tcpSocket: { port: 70_000 } } }, []],
    ['a probe of another host', { livenessProbe: { httpGet: { port: 80, host: '192.0.2.1' } } }, []],
    ['a probe of another host over TCP', { livenessProbe: { tcpSocket: { port: 80, host: 'db.shop' } } }, []],
    ["a probe of the node's own loopback address", { livenessProbe: { httpGet: { port: 80, host: '127.0.0.1' } } }, []],
    ['a probe whose host is empty', { livenessProbe: { httpGet: { port: 80, host: '' } } }, [80]],
    ["a probe whose host is the pod's address", { livenessProbe: { httpGet: { port: 80, host: '10.1.1.7' } } }, [80]],
    [
      "a host that is the pod's other address",
      { livenessProbe: { tcpSocket: { port: 80, host: 'FD00:1:0::7' } } },
      [80],
    ],
    ['a hook after the start', { lifecycle: { postStart: { httpGet: { port: 8082 } } } }, [8082]],
    ['a hook before the end', { ports, lifecycle: { preStop: { httpGet: { port: 'web' } } } }, [8080]],
    ['a hook of another host', { lifecycle: { preStop: { httpGet: { port: 80, host: '192.0.2.1' } } } }, []],
    ['a hook by a command', { lifecycle: { preStop: { exec: { command: ['true'] } } } }, []],
  ])('for %s', (_what, container, expected) => {
    expect(portsOf([container])).toEqual(expected);
  });

  test('of a sidecar that goes on beside the others count, and of an init container that ends do not', () => {
    const probe = (port: number): Spec => ({ startupProbe: { httpGet: { port } } });
    expect(portsOf([{}], [{ ...probe(7001), restartPolicy: 'Always' }, probe(7002)])).toEqual([7001]);
  });

  test('by name are those of the container that has the probe', () => {
    const other = { ports: [{ name: 'web', containerPort: 81 }] };
    expect(portsOf([{ ports, livenessProbe: { httpGet: { port: 'web' } } }, other])).toEqual([8080]);
    expect(portsOf([other, { livenessProbe: { httpGet: { port: 'web' } } }])).toEqual([]);
  });

  test('are each told once, in order', () => {
    const one = { livenessProbe: { httpGet: { port: 9000 } }, readinessProbe: { tcpSocket: { port: 9000 } } };
    expect(portsOf([one, { startupProbe: { grpc: { port: 80 } } }])).toEqual([80, 9000]);
  });
});

describe('the addresses of the node', () => {
  const probed = (status?: Pod['status']): Pod => pod([{ livenessProbe: { tcpSocket: { port: 80 } } }], [], status);
  const told = (of: Pod, from?: Node): readonly string[] | undefined => kubeletTraffic(of, from, 'u')?.nodeAddresses;

  test('are those of both IP versions that pod and node tell, without names', () => {
    const full = node(
      ['InternalIP', '192.168.0.5'],
      ['InternalIP', 'FD00:9::0005'],
      ['InternalIP', '10.2.0.5'],
      ['ExternalIP', '203.0.113.5'],
      ['Hostname', 'n1'],
    );
    expect(told(probed(), full)).toEqual(['10.2.0.5', '192.168.0.5', '203.0.113.5', 'fd00:9::5']);
  });

  test('are those of the pod where the node is not known', () => {
    expect(told(probed())).toEqual(['192.168.0.5', 'fd00:9::5']);
    expect(told(probed({ hostIPs: [], hostIP: '192.168.0.6' }))).toEqual(['192.168.0.6']);
  });
});

test('of another pod of the same name nothing is told', () => {
  const probed = pod([{ livenessProbe: { tcpSocket: { port: 80 } } }]);
  expect(kubeletTraffic(probed, undefined, 'another')).toBeUndefined();
  expect(kubeletTraffic(undefined, undefined, 'u')).toBeUndefined();
});
