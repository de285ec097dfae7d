/** Who burns CPU time on a node of the cluster, and in whose cgroup: as this machine's kernel tells it. */
import { cgroupFolder, stressorsBelow } from '@chaosplane/testcluster/accounts';
import type { Installation } from '@chaosplane/testcluster/installation';

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
