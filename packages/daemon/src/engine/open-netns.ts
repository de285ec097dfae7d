/** Opens the network namespace of a pod, and never another one: all that works in namespaces relies on that. */
import { ChaosError } from '@chaosplane/common';
import type { Host, Netns } from '../contract/host.ts';

/** The very namespace that is meant; undefined when that no longer exists. */
export async function openSame(
  host: Host,
  { netnsPath, netnsCookie }: { readonly netnsPath: string; readonly netnsCookie: string },
): Promise<Netns | undefined> {
  let netns: Netns;
  try {
    netns = host.openNetns(netnsPath);
  } catch (error) {
    if (error instanceof ChaosError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  if (netns.cookie === netnsCookie) return netns;
  await netns.close();
  return undefined;
}

/** @throws ChaosError FAILED_PRECONDITION for the network of the node itself, which is closed then. */
export async function requireOfPod({ ownNetnsCookies }: Host, netns: Netns): Promise<void> {
  if (!ownNetnsCookies.includes(netns.cookie)) return;
  await netns.close();
  const what = `${netns.path} is the network of the node itself, not of a pod`;
  throw new ChaosError('FAILED_PRECONDITION', `${what}: it is never touched; is the pod in the host network?`);
}
