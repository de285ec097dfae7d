/** What the programs of a node are told: the contents of their configuration files. Pure. */
import type { NodeMarks } from '../folder.ts';
import { PAUSE_IMAGE } from '../images.ts';
import { podRoute } from '../network.ts';
import { MOST_NODES, type AddressPlan } from '../ranges.ts';

/** Everything a node's files depend on. */
export interface NodeSettings {
  readonly node: NodeMarks;
  /** The name of the cluster's network namespace and cgroup. */
  readonly mark: string;
  readonly plan: AddressPlan;
  /** The cluster's folder. */
  readonly folder: string;
  readonly programs: string;
  readonly cniPlugins: string;
  readonly cgroupRoots: readonly string[];
}

/** File name → content, all in the node's folder. */
export function nodeFiles(settings: NodeSettings): Readonly<Record<string, string>> {
  const json = (value: unknown): string => JSON.stringify(value, undefined, 2);
  return {
    'node.env': environment(settings),
    routes: routes(settings),
    'containerd.toml': containerd(settings),
    'cni.conflist': json(network(settings)),
    'kubelet.yaml': json(kubelet(settings)),
    'kube-proxy.yaml': json(kubeProxy(settings)),
    'resolv.conf': 'nameserver 127.0.0.1\n',
  };
}

function environment({ node, mark, folder, programs, cgroupRoots, plan }: NodeSettings): string {
  const values = {
    NAME: node.name,
    FOLDER: node.folder,
    MARK: mark,
    NETNS: `${mark}-${node.name}`,
    LINK: `node${node.index}`,
    CGROUP: `${mark}/node${node.index}`,
    CGROUP_ROOTS: cgroupRoots.join(' '),
    CLUSTER: folder,
    PROGRAMS: programs,
    ADDRESS: plan.node(node.index),
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'`);
  return `${lines.join('\n')}\n`;
}

/** For `ip -batch`. All nodes that there may ever be, so that nothing changes here when one is added. */
function routes({ node, plan }: NodeSettings): string {
  const others = Array.from({ length: MOST_NODES }, (_, at) => at + 1).filter((index) => index !== node.index);
  const lines = [
    'link set lo up',
    `addr add ${plan.node(node.index)}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${plan.controlPlane}`,
    ...others.map((index) => podRoute(plan, index)),
  ];
  return `${lines.join('\n')}\n`;
}

function containerd({ cniPlugins }: NodeSettings): string {
  return `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${cniPlugins}"
  conf_dir = "/etc/cni/net.d"
`;
}

function network({ node, plan }: NodeSettings): unknown {
  const ipam = {
    type: 'host-local',
    // Forgotten at a reboot, like the pods' namespaces.
    dataDir: '/run/cni-ipam',
    ranges: [[{ subnet: plan.pods(node.index) }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, hairpinMode: true, ipMasq: false, ipam };
  const portmap = { type: 'portmap', capabilities: { portMappings: true } };
  return { cniVersion: '0.4.0', name: 'pods', plugins: [bridge, portmap] };
}

function kubelet({ node, plan, folder }: NodeSettings): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      x509: { clientCAFile: `${folder}/pki/ca.crt` },
      anonymous: { enabled: false },
      webhook: { enabled: true },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: `${folder}/pki/node${node.index}.crt`,
    tlsPrivateKeyFile: `${folder}/pki/node${node.index}.key`,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    clusterDNS: [plan.dnsService],
    clusterDomain: 'cluster.local',
    resolvConf: `${node.folder}/resolv.conf`,
    staticPodPath: '/etc/kubernetes/manifests',
    // The node may not set everything that a kubelet sets on a machine of its own.
    featureGates: { KubeletInUserNamespace: true },
    enforceNodeAllocatable: [],
    evictionHard: { 'memory.available': '100Mi' },
    // No registry could give an image back.
    imageGCHighThresholdPercent: 100,
    nodeStatusUpdateFrequency: '1s',
    nodeLeaseDurationSeconds: 4,
    // Probes and mounts follow changed Secrets and ConfigMaps soon.
    syncFrequency: '10s',
  };
}

function kubeProxy({ node, plan, folder }: NodeSettings): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig: `${folder}/kube-proxy.kubeconfig` },
    hostnameOverride: node.name,
    // The limits are the machine's, not the node's.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    clusterCIDR: plan.allPods,
  };
}
