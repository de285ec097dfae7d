/** Containers of the cluster, as this machine's kernel has them: without the runtime, and without the daemon's code. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { cgroupFolder } from '@chaosplane/testcluster/accounts';
import { NAMESPACE, type Installation } from '@chaosplane/testcluster/installation';

/** The id of a container of a pod, which its cgroup has for a name. */
export async function containerId({ cluster }: Installation, pod: string, container: string): Promise<string> {
  const path = `jsonpath={.status.containerStatuses[?(@.name=="${container}")].containerID}`;
  const id = await cluster.kubectl(['get', 'pod', pod, '-n', NAMESPACE, '-o', path]);
  return basename(id);
}

/** The processes of a container, as this machine counts them. None when it has ended. */
export function processesOf(id: string): number[] {
  const inside = new RegExp(`/${basename(id)}$`, 'm');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && inside.test(cgroupsOf(name)))
    .map(Number);
}

function cgroupsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return '';
  }
}

/** The cgroup of a container of a pod, in the hierarchy of a controller. */
export async function cgroupOf(
  installation: Installation,
  pod: string,
  container: string,
  controller: string,
): Promise<string> {
  const [first] = processesOf(await containerId(installation, pod, container));
  if (first === undefined) throw new Error(`nothing runs in ${pod}/${container}`);
  return cgroupFolder(first, controller);
}
