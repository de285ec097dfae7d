import { expect, test } from '@jest/globals';
import { execaSync } from 'execa';
import { addressPlan } from '../ranges.ts';
import { nodeFiles } from './config.ts';

const settings = {
  node: { index: 2, name: 'node.with.dots', folder: "/tmp/it's here/nodes/2" },
  mark: 'cpk70',
  plan: addressPlan(70),
  folder: "/tmp/it's here",
  programs: '/cache/kubernetes',
  cniPlugins: '/usr/lib/cni',
  cgroupRoots: ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/memory'],
};
const files = nodeFiles(settings);

test('the scripts of a node read every setting as it was meant, with any characters in it', () => {
  const script = `${files['node.env'] ?? ''}printf '%s|' "$NAME" "$FOLDER" "$NETNS" "$LINK" "$CGROUP" "$CGROUP_ROOTS" "$ADDRESS"`;
  expect(execaSync('sh', ['-euc', script]).stdout.split('|')).toEqual([
    'node.with.dots',
    "/tmp/it's here/nodes/2",
    'cpk70-node.with.dots',
    'node2',
    'cpk70/node2',
    '/sys/fs/cgroup/cpu /sys/fs/cgroup/memory',
    '10.70.0.12',
    '',
  ]);
});

test("a node knows the way to the pods of every other node, and its own pods' range is behind its own bridge", () => {
  expect(files['routes']).toContain('route add 10.70.129.0/24 via 10.70.0.11\n');
  expect(files['routes']).not.toContain('10.70.130.0/24');
  expect(files['cni.conflist']).toContain('"10.70.130.0/24"');
});

test('what comes from nodes and from this machine is masqueraded on its way to a Service, what comes from pods is not', () => {
  expect(JSON.parse(files['kube-proxy.yaml'] ?? '')).toMatchObject({ mode: 'nftables', clusterCIDR: '10.70.128.0/17' });
});

test('pods ask the DNS of their own cluster', () => {
  expect(JSON.parse(files['kubelet.yaml'] ?? '')).toMatchObject({ clusterDNS: ['10.70.64.10'] });
});
