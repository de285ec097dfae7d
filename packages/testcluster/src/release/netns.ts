/** Where this machine finds the network namespace of a pod of a test cluster. */
import { join } from 'node:path';
import { connectRuntime } from '@chaosplane/daemon';
import type { Cluster } from '../cluster/cluster.ts';

/** The path of the namespace, as long as the pod runs. Throws when it does not. */
export async function podNetns(cluster: Cluster, namespace: string, pod: string): Promise<string> {
  const get = ['get', 'pod', pod, '-n', namespace, '-o', 'jsonpath={.spec.nodeName}'];
  const root = await cluster.rootOf(await cluster.kubectl(get));
  const runtime = connectRuntime(join(root, 'run/containerd/containerd.sock'));
  try {
    const found = (await runtime.sandboxes()).find(
      (sandbox) => sandbox.ready && sandbox.podName === pod && sandbox.podNamespace === namespace,
    );
    const path = found === undefined ? undefined : (await runtime.sandbox(found.id))?.netnsPath;
    if (path === undefined) throw new Error(`the pod ${namespace}/${pod} has no network namespace`);
    return join(root, path.replace(/^\/var\/run\//, '/run/'));
  } finally {
    runtime.close();
  }
}
