/** Every node has a DNS label, and no two nodes share one. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { daemonDomain, daemonTarget, nodeLabels } from './address.ts';

const labelsOf = (...nodes: string[]): string[] => [...nodeLabels(nodes).values()];

describe('the label of a node', () => {
  test('is its name, when that has no dots', () => expect(labelsOf('n1', 'n2')).toEqual(['n1', 'n2']));

  test('has dashes for dots', () => expect(labelsOf('ip-10-0-0-1.ec2.internal')).toEqual(['ip-10-0-0-1-ec2-internal']));

  test('has a hash when it would be the name of another node, which keeps its own', () => {
    const [dotted, plain] = labelsOf('a.b', 'a-b');
    expect(plain).toBe('a-b');
    expect(dotted).toMatch(/^a-b-[0-9a-f]{8}$/);
  });

  test('has a hash when it would be too long', () => {
    expect(labelsOf(`${'x'.repeat(40)}.${'y'.repeat(40)}`)[0]).toMatch(/^.{54}-[0-9a-f]{8}$/);
  });

  test('is a DNS label, another one for each node, for any names of nodes', () => {
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?){0,4}$/);
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 20 }), (nodes) => {
        const labels = labelsOf(...nodes);
        expect(new Set(labels).size).toBe(nodes.length);
        for (const label of labels) expect(label).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }),
    );
  });
});

test('a daemon is found under its Service', () => {
  expect(daemonDomain({ service: 'chaosplane-daemon', namespace: 'chaosplane', clusterDomain: 'cluster.local' })).toBe(
    'chaosplane-daemon.chaosplane.svc.cluster.local',
  );
});

test.each([
  ['10.0.0.7', 'ipv4:10.0.0.7:50051'],
  ['fd00::7', 'ipv6:[fd00::7]:50051'],
  [undefined, 'dns:n1.chaosplane-daemon:50051'],
])('a daemon whose pod has the address %s is reached at %s', (podIp, target) => {
  expect(daemonTarget('n1.chaosplane-daemon', 50_051, podIp)).toBe(target);
});
