/** kube-router on each node of a test cluster, which does nothing there but enforce NetworkPolicies. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { inNode, readNodes, type Cluster } from '@chaosplane/testcluster';
import { patient } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

/** The range of the cluster's Services, as any of them tells it. */
async function servicesOf(cluster: Cluster): Promise<string> {
  const argv = ['get', 'service', 'kubernetes', '-o', 'jsonpath={.spec.clusterIP}'];
  const [a = '', b = '', c = ''] = (await cluster.kubectl(argv)).split('.');
  return `${a}.${b}.${c}.0/20`;
}

/**
 * Resolves when every node has the enforcer's chains. It runs in the namespaces of the node, so it ends with the node. What it says is
 * in the cluster's folder, as `log/kube-router-NODE.log`.
 */
export async function startEnforcer(cluster: Cluster, program: string): Promise<void> {
  const services = await servicesOf(cluster);
  for (const node of await readNodes(cluster.folder)) {
    // Packets between pods of one node pass iptables as well: they go over a bridge.
    await cluster.exec(node.name, ['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1']);
    const flags = [
      ...['--run-firewall=true', '--run-router=false', '--run-service-proxy=false', '--run-loadbalancer=false'],
      ...['--enable-cni=false', '--health-port=0', `--hostname-override=${node.name}`],
      ...[`--kubeconfig=${cluster.kubeconfig}`, `--service-cluster-ip-range=${services}`],
    ];
    const [command = '', ...words] = await inNode(node, [program, ...flags]);
    const log = await open(join(cluster.folder, 'log', `kube-router-${node.name}.log`), 'a');
    try {
      spawn(command, words, { detached: true, stdio: ['ignore', log.fd, log.fd] }).unref();
    } finally {
      await log.close();
    }
    const hasChains = (): Promise<boolean> =>
      cluster.exec(node.name, ['iptables', '--list-rules', 'KUBE-ROUTER-FORWARD']).then(
        () => true,
        () => false,
      );
    await eventually(`kube-router has its chains on ${node.name}`, hasChains, patient);
  }
}
