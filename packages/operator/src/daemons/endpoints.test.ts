/** The slices of the daemons: one endpoint a node, under a name that DNS takes. */
import { describe, expect, test } from '@jest/globals';
import type { Pod } from '@chaosplane/kube';
import { slicesFor } from './endpoints.ts';

const of = { service: 'chaosplane-daemon', namespace: 'chaosplane', serviceUid: 'u', port: 50_051 };

const daemon = (node: string, ip: string, change: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'chaosplane',
    name: `d-${ip}`,
    uid: `uid-${ip}`,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...change,
  },
  spec: { nodeName: node },
  status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
});

const endpointsOf = (...pods: Pod[]) =>
  slicesFor(pods, of).flatMap(({ endpoints }) =>
    (endpoints ?? []).map(({ hostname, addresses }) => [hostname, addresses[0]]),
  );

describe('the endpoints of the daemons', () => {
  test('have the node as their hostname, with dashes for dots', () => {
    expect(endpointsOf(daemon('n1', '10.0.0.1'), daemon('n2.example.com', '10.0.0.2'))).toEqual([
      ['n1', '10.0.0.1'],
      ['n2-example-com', '10.0.0.2'],
    ]);
  });

  test('are there for a daemon that is not ready, but not for one without an address', () => {
    const waiting: Pod = { ...daemon('n2', ''), status: { phase: 'Pending' } };
    expect(endpointsOf(daemon('n1', '10.0.0.1'), waiting)).toEqual([['n1', '10.0.0.1']]);
  });

  test('of a node with an old and a new daemon are those of the new one', () => {
    const old = daemon('n1', '10.0.0.1', { deletionTimestamp: '2026-01-02T00:00:00Z' });
    const young = daemon('n1', '10.0.0.9', { creationTimestamp: '2026-01-02T00:00:00Z' });
    expect(endpointsOf(young, old)).toEqual([['n1', '10.0.0.9']]);
    expect(endpointsOf(old, young)).toEqual([['n1', '10.0.0.9']]);
  });

  test('are cut into slices of a thousand, and IPv6 ones have their own', () => {
    const pods = Array.from({ length: 1500 }, (_, index) => {
      const pod = daemon(`n${index}`, `10.1.${index >> 8}.${index & 255}`);
      const ips = [{ ip: pod.status?.podIP ?? '' }, { ip: `fd00::${index.toString(16)}` }];
      return { ...pod, status: { ...pod.status, podIPs: ips } };
    });
    const slices = slicesFor(pods, of);
    expect(slices.map(({ metadata, endpoints }) => [metadata.name, endpoints?.length])).toEqual([
      ['chaosplane-daemon-ipv4-0', 1000],
      ['chaosplane-daemon-ipv4-1', 500],
      ['chaosplane-daemon-ipv6-0', 1000],
      ['chaosplane-daemon-ipv6-1', 500],
    ]);
  });

  test('are the same slices for the same daemons, in any order', () => {
    const pods = [daemon('n1', '10.0.0.1'), daemon('n2', '10.0.0.2'), daemon('n3', '10.0.0.3')];
    expect(slicesFor(pods.toReversed(), of)).toEqual(slicesFor(pods, of));
  });
});
