/** Peers are addresses, pods, and the Services that lead to those pods and to no others. */
import { describe, expect, test } from '@jest/globals';
import { parseExperiment, type ExperimentSpec } from '@chaosplane/api';
import type { EndpointSlice, Pod, Service } from '@chaosplane/kube';
import { followedPeers, resolvePeers, type PeerSources } from './peers.ts';

const pod = (name: string, ip: string, labels: Record<string, string>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'shop', name, labels },
  spec: { nodeName: 'n1' },
  status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
});

const service = (name: string, ip: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { clusterIP: ip, clusterIPs: [ip], ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }] },
});

const slice = (name: string, addresses: readonly string[]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name: `${name}-x`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address] })),
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
});

const sources: PeerSources = {
  pods: [
    pod('a', '10.0.0.1', { app: 'web', tier: 'one' }),
    pod('b', '10.0.0.2', { app: 'web', tier: 'two' }),
    pod('c', '10.0.0.3', { app: 'db' }),
    {
      ...pod('elsewhere', '10.0.0.4', { app: 'web' }),
      metadata: { namespace: 'other', name: 'x', labels: { app: 'web' } },
    },
  ],
  services: [service('web', '10.96.0.1'), service('db', '10.96.0.2'), service('headless', 'None')],
  endpointSlices: [slice('web', ['10.0.0.1', '10.0.0.2']), slice('db', ['10.0.0.3']), slice('headless', ['10.0.0.1'])],
};

const resolve = (...peers: object[]) =>
  resolvePeers(
    parseExperiment(
      {
        apiVersion: 'chaos.chaosplane.io/v1alpha1',
        kind: 'ChaosExperiment',
        metadata: { name: 'x', namespace: 'shop' },
        spec: { target: { names: ['t'] }, action: { type: 'network-partition' }, peers, duration: '1s' },
      },
      'cluster',
    ).spec,
    sources,
  );

const selector = (matchLabels: Record<string, string>, more: object = {}): object => ({
  podSelector: { labelSelector: { matchLabels } },
  ...more,
});

describe('the peers of an experiment', () => {
  test('are none, when it names none', () => expect(resolve()).toEqual([]));

  test('are addresses as they are given, with their ports', () => {
    expect(resolve({ cidr: '192.0.2.0/24', ports: [53], protocol: 'udp' })).toEqual([
      { cidr: '192.0.2.0/24', ports: [53], protocol: 'udp' },
    ]);
  });

  test('are the pods of the target’s namespace with these labels, and the Service in front of them', () => {
    expect(resolve(selector({ app: 'web' }))).toEqual([
      { cidr: '10.0.0.1' },
      { cidr: '10.0.0.2' },
      { cidr: '10.96.0.1', ports: [80], protocol: 'tcp' },
    ]);
  });

  test('limited to a port of the pods, are the Service’s port that leads there', () => {
    expect(resolve(selector({ app: 'db' }, { ports: [8080], protocol: 'tcp' }))).toContainEqual({
      cidr: '10.96.0.2',
      ports: [80],
      protocol: 'tcp',
    });
    expect(resolve(selector({ app: 'db' }, { ports: [9000] }))).toEqual([{ cidr: '10.0.0.3', ports: [9000] }]);
  });

  test('are refused where a Service leads to chosen pods and to others, with the way out', () => {
    expect(() => resolve(selector({ tier: 'one' }))).toThrow(
      /Service shop\/web leads to peers and to others \(1 of the 2 addresses behind it are peers\).*choose all of its pods/,
    );
  });

  test('are refused when no pod has these labels: no peers at all would be all traffic', () => {
    expect(() => resolve(selector({ app: 'none' }))).toThrow(
      'spec.peers.0.podSelector: no running pod of the namespace shop fits',
    );
    expect(() => resolve(selector({ app: 'db' }), selector({ app: 'none' }))).toThrow('spec.peers.1.podSelector');
    const elsewhere = { podSelector: { namespace: 'shopp', labelSelector: {} } };
    expect(() => resolve(elsewhere)).toThrow('the namespace shopp');
  });

  test('that were followed and are all gone are no traffic, and not all traffic', () => {
    const of = (labels: Record<string, string>) => ({
      target: { namespace: 'shop' } as ExperimentSpec['target'],
      peers: [
        { podSelector: { labelSelector: { matchLabels: labels, matchExpressions: [] } } },
      ] as ExperimentSpec['peers'],
    });
    expect(followedPeers(of({ app: 'none' }), sources)).toEqual([{ cidr: '0.0.0.0/32' }]);
    expect(followedPeers(of({ app: 'db' }), sources)).toContainEqual({ cidr: '10.0.0.3' });
  });
});
