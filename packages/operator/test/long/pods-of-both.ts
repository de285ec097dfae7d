/** The pods of operator and daemons on a cluster, and calls of a daemon with the files of the operator's pod. */
import { SYSTEM, type Installation } from '@chaosplane/testcluster/installation';
import { healthOf, processOf, systemPods } from '@chaosplane/testcluster/system-pods';
import { startRotationCaller, type CallerOptions, type RotationCaller } from '../rotation-caller.ts';

/** The name in the certificate of the daemon of n1. */
export const DAEMON = `n1.chaosplane-daemon.${SYSTEM}.svc.cluster.local`;

/** Their names, that nothing happened to them, where the daemon of n1 is, and the files of the operator as this machine sees them. */
export async function podsOfBoth(shop: Installation) {
  const [daemons, operators] = [await systemPods(shop, 'daemon'), await systemPods(shop, 'operator')];
  const daemon = daemons.find(({ spec }) => spec.nodeName === 'n1');
  const [operator] = operators;
  if (daemon === undefined || operator === undefined) throw new Error('a pod of ChaosPlane is missing');
  const root = `/proc/${await processOf(shop, operator.metadata.name)}/root/etc/chaosplane`;
  return {
    all: [...daemons, ...operators].map((pod) => pod.metadata.name),
    health: [...daemons, ...operators].map(healthOf),
    address: `${daemon.status.podIP}:50051`,
    tls: `${root}/tls`,
    token: `${root}/token/token`,
  };
}

/** Calls the daemon of n1 from the network of the pod `caller`, with what the kubelet brings to the operator, and when it does. */
export async function startOperatorsCaller(
  shop: Installation,
  options: Pick<CallerOptions, 'onNew'> = {},
): Promise<RotationCaller> {
  const { address, tls, token } = await podsOfBoth(shop);
  return startRotationCaller({ netns: await shop.netnsOf('caller'), address, name: DAEMON, tls, token, ...options });
}
