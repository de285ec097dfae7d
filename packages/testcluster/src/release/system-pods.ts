/** The pods of ChaosPlane itself on a test cluster, and their processes. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { SYSTEM, type Installation } from './installation.ts';
import { podNetns } from './netns.ts';

/** A pod of the operator or of a daemon. */
export interface SystemPod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly podIP: string;
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
    readonly containerStatuses: readonly { readonly restartCount: number }[];
  };
}

/** The pods of ChaosPlane, by their part of it. */
export async function systemPods(shop: Installation, component: 'daemon' | 'operator'): Promise<readonly SystemPod[]> {
  const selector = `app.kubernetes.io/component=${component}`;
  const printed = await shop.cluster.kubectl(['get', 'pods', '-n', SYSTEM, '-l', selector, '-o', 'json']);
  return (JSON.parse(printed) as { items: SystemPod[] }).items;
}

/** That a pod was ready without a break, and how often it was restarted: equal texts mean that nothing happened to it. */
export function healthOf({ metadata, status }: SystemPod): string {
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  const restarts = status.containerStatuses.map(({ restartCount }) => restartCount);
  return `${metadata.name} ready ${ready?.status ?? '?'} since ${ready?.lastTransitionTime ?? '?'} restarts ${restarts.join()}`;
}

/** The process of ChaosPlane in a pod, as this machine numbers it. */
export async function processOf(shop: Installation, pod: string): Promise<number> {
  const { ino } = await stat(await podNetns(shop.cluster, SYSTEM, pod));
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const own = await stat(`/proc/${name}/ns/net`).catch(() => undefined);
    const argv = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (own?.ino === ino && argv.startsWith('node')) return Number(name);
  }
  throw new Error(`no process of the pod ${pod} is seen on this machine`);
}
