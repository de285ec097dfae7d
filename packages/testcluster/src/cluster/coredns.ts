/** CoreDNS as Kubernetes objects: on every node, and with answers that are not kept for longer than a second. */
import { COREDNS_IMAGE } from './images.ts';
import type { AddressPlan } from './ranges.ts';

const named = { name: 'coredns', namespace: 'kube-system' };
const labels = { 'k8s-app': 'kube-dns' };

const corefile = `.:53 {
  errors
  health :8080
  ready :8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    ttl 1
  }
  cache 1
}
`;

const podSpec = {
  serviceAccountName: 'coredns',
  dnsPolicy: 'Default',
  priorityClassName: 'system-node-critical',
  tolerations: [{ operator: 'Exists' }],
  containers: [
    {
      name: 'coredns',
      image: COREDNS_IMAGE,
      imagePullPolicy: 'Never',
      args: ['-conf', '/etc/coredns/Corefile'],
      readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
      volumeMounts: [{ name: 'config', mountPath: '/etc/coredns' }],
    },
  ],
  volumes: [{ name: 'config', configMap: { name: 'coredns' } }],
};

/** Everything, as one list for `kubectl apply`. One pod a node, so that names resolve when a node is dead. */
export function corednsManifest({ dnsService }: AddressPlan): string {
  const role = { kind: 'ClusterRole', apiGroup: 'rbac.authorization.k8s.io', name: 'coredns' };
  const items = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: named },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'coredns' },
      rules: [
        { apiGroups: [''], resources: ['services', 'pods', 'namespaces', 'nodes'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'coredns' },
      roleRef: role,
      subjects: [{ kind: 'ServiceAccount', ...named }],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: named, data: { Corefile: corefile } },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: named,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: {
        clusterIP: dnsService,
        selector: labels,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        ],
      },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
