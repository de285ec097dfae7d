/** The kill switch of a cluster: a policy that lets nothing happen. */
import {
  blastRadiusPolicies,
  chaosExperiments,
  isFinal,
  type ExperimentObject,
  type PolicyObject,
} from '@chaosplane/api';
import type { Clock } from '@chaosplane/common';
import type { Abortable, KubeClient, KubeObject } from '@chaosplane/kube';

/** The policy that `haltCluster` writes. */
export const HALT_POLICY = 'chaosplane-halt';

/** An experiment of which something may be in force. */
export interface Unfinished {
  readonly namespace: string;
  readonly name: string;
  readonly phase: string;
}

/** How the kill switch is turned on. */
export interface HaltOptions extends Abortable {
  readonly fieldManager: string;
  /** Of the policy. Default HALT_POLICY, which `liftHalt` deletes. */
  readonly name?: string;
  /** Without a namespace: the policy goes when this object does. */
  readonly owner?: KubeObject;
}

/** Lets the operator recover every experiment at once, and refuse new ones, until it is lifted. May be repeated. */
export async function haltCluster(
  client: Pick<KubeClient, 'apply'>,
  { name = HALT_POLICY, owner, ...options }: HaltOptions,
): Promise<void> {
  const { apiVersion, kind } = blastRadiusPolicies;
  const ownerReferences = owner === undefined ? {} : { ownerReferences: [referenceTo(owner)] };
  const policy = { apiVersion, kind, metadata: { name, ...ownerReferences }, spec: { halt: true } } as PolicyObject;
  await client.apply(blastRadiusPolicies, policy, { ...options, force: true });
}

function referenceTo({ apiVersion, kind, metadata: { name, uid = '' } }: KubeObject) {
  return { apiVersion, kind, name, uid };
}

/** Lets experiments begin again. What other policies halt stays so. */
export async function liftHalt(client: KubeClient): Promise<'lifted' | 'was not on'> {
  return (await client.delete(blastRadiusPolicies, { name: HALT_POLICY })) === 'deleted' ? 'lifted' : 'was not on';
}

/** What is in force, or may be: experiments that have not ended, and those that left their end to the TTL. */
export async function unfinished(client: KubeClient): Promise<readonly Unfinished[]> {
  const { items } = await client.list(chaosExperiments);
  return items.filter(mayBeInForce).map(({ metadata: { namespace = '', name }, status }) => {
    return { namespace, name, phase: status?.phase ?? 'Pending' };
  });
}

/** One that has not begun is refused by the operator. */
function mayBeInForce({ status }: ExperimentObject): boolean {
  const phase = status?.phase ?? 'Pending';
  return !isFinal({ phase }) || (status?.counts?.injected ?? 0) > 0;
}

const LOOK_AGAIN_MS = 500;

/**
 * Resolves when nothing is in force any more.
 * @param onLeft Is told what is left, each time when that has changed.
 * @throws The signal's reason when that aborts first; the kill switch stays on.
 */
export async function untilHalted(
  client: KubeClient,
  { clock, signal, onLeft }: { clock: Clock; signal: AbortSignal; onLeft: (left: readonly Unfinished[]) => void },
): Promise<void> {
  let told = '';
  for (;;) {
    const left = await unfinished(client);
    if (left.length === 0) return;
    const now = JSON.stringify(left);
    if (now !== told) onLeft(left);
    told = now;
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}
