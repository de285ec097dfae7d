/** Who burns CPU time on a node of the cluster, and in whose cgroup: as this machine's kernel tells it. */
import { basename, dirname, join } from 'node:path';
import { cgroupFolder, cpuMs, stressorsBelow } from '@chaosplane/testcluster/accounts';
import { patient, NAMESPACE, type Installation } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

/** The folders of the cgroups in which a node has stressors now; each once. */
export async function burningOn({ cluster }: Installation, node: string): Promise<string[]> {
  const [, , init = ''] = (await cluster.rootOf(node)).split('/');
  const folders = stressorsBelow(Number(init)).flatMap(({ pid }) => {
    try {
      return [cgroupFolder(pid, 'cpuacct')];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
  return [...new Set(folders)];
}

/** Resolves once so many milliseconds more of CPU time were used in the cgroup, with how many they were. */
export async function burnt(folder: string, atLeastMs: number): Promise<number> {
  const before = cpuMs(folder);
  return eventually(
    `${atLeastMs} ms are burnt in ${folder}`,
    async () => {
      const used = cpuMs(folder) - before;
      return used >= atLeastMs ? used : undefined;
    },
    patient,
  );
}

/** The id of a container of a pod, which its cgroup has for a name. */
export async function containerId({ cluster }: Installation, pod: string, container: string): Promise<string> {
  const path = `jsonpath={.status.containerStatuses[?(@.name=="${container}")].containerID}`;
  const id = await cluster.kubectl(['get', 'pod', pod, '-n', NAMESPACE, '-o', path]);
  return basename(id);
}

/** The cgroup of another container of the same pod. */
export const beside = (folder: string, id: string): string => join(dirname(folder), id);
