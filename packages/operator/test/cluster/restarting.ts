/** Whether a node of the cluster may be restarted by its daemon: only one that is a PID namespace of its own. */
import { readlinkSync } from 'node:fs';
import { SYSTEM, type Installation } from '@chaosplane/testcluster/installation';

/** @throws Error when a restart asked for there would restart the machine that the tests run on. */
export async function requireNamespace({ cluster }: Installation, node: string): Promise<void> {
  const selector = ['-l', 'app.kubernetes.io/component=daemon', `--field-selector=spec.nodeName=${node}`];
  const daemon = await cluster.kubectl(['get', 'pod', '-n', SYSTEM, ...selector, '-o', 'name']);
  const program = "console.log(require('node:fs').readlinkSync('/proc/self/ns/pid'))";
  const ofDaemon = await cluster.kubectl(['exec', '-n', SYSTEM, daemon, '--', 'node', '-e', program]);
  const ofNode = await cluster.exec(node, ['readlink', '/proc/self/ns/pid']);
  if (/^pid:\[\d+\]$/.test(ofDaemon) && ofDaemon === ofNode && ofDaemon !== readlinkSync('/proc/self/ns/pid')) return;
  throw new Error(`the daemon of ${node} is in ${ofDaemon}, the node in ${ofNode}: it must not be restarted`);
}
