/** The driver of faults that are layers of a pod's network namespace. */
import { isDeepStrictEqual } from 'node:util';
import { findAction, parseParameters, type NetworkScope } from '@chaosplane/actions';
import { isOfDriver, type RecordOf } from '../../../journal/record.ts';
import type { HostPeer } from '../../../model/layer.ts';
import { logFields, type DriverContext } from '../../context.ts';
import { Namespaces } from './namespaces.ts';
import { podName } from '../../target/name.ts';
import { findPod, requireOwnNetwork } from '../../target/pod.ts';
import { createHostRefresher } from './hosts.ts';
import { sweepPods } from './orphans.ts';
import { installedOf, scopeOf, sessionIn } from './session.ts';
import type { Driver } from '../driver.ts';

type NetworkRecord = RecordOf<'network'>;

export function networkDriver(context: DriverContext): Driver<'network'> {
  const { host, clock, executions } = context;
  /** Until all pods were searched, any of them may hold something of ChaosPlane. */
  let searched = false;
  const namespaces = new Namespaces(
    host,
    clock,
    (cookie) =>
      searched &&
      !executions.live().some(({ target }) => target.kind === 'pod-network' && target.netnsCookie === cookie),
  );
  const refresher = createHostRefresher(
    context,
    (id, hosts) => followHosts(context, namespaces, id, hosts),
    (id, why) => noteKeptHosts(context, id, why),
  );
  return {
    async find(request) {
      const sandbox = await findPod(host.runtime, { ...scopeOf(request), ...request.pod });
      const name = podName(sandbox);
      const netnsPath = requireOwnNetwork(sandbox, name);
      const { id: sandboxId, podNamespace, podName: pod, podUid } = sandbox;
      const target = { podNamespace, podName: pod, podUid, sandboxId, netnsPath };
      return {
        identity: podUid,
        name,
        key: sandboxId,
        enter: (work) => namespaces.enter(target, (namespace) => work(sessionIn(context, namespace, target, sandbox))),
      };
    },
    keyOf: ({ target }) => target.sandboxId,
    revisit: ({ target }, work) =>
      namespaces.revisit(target, (namespace) => work(sessionIn(context, namespace, target))),
    async isHidden({ target }) {
      const sandbox = await host.runtime.sandbox(target.sandboxId).catch(() => undefined);
      const hidden = sandbox?.ready === true && sandbox.netnsPath === target.netnsPath;
      if (hidden) {
        const message = 'namespace of a running pod cannot be opened: is /run/netns mounted?';
        context.logger.error({ netns: target.netnsPath }, message);
      }
      return hidden;
    },
    withPeers({ action, parameters, work }, { peers, portPeers }) {
      const spec = parseParameters(findAction(action), parameters, { target: 'required' }) as { scope: NetworkScope };
      const { portPeers: _before, ...scope } = work.layer.scope;
      const followed = {
        ...scope,
        peers: [...spec.scope.peers, ...peers],
        ...(portPeers.length === 0 ? {} : { portPeers }),
      };
      return { ...work, layer: { ...work.layer, scope: followed } } as NetworkRecord['work'];
    },
    endingUnseen: () => ({ endReason: 'target-gone' }),
    gone: async (records, ready) => records.filter(({ target }) => !ready.has(target.sandboxId)),
    refresh: (live) => {
      refresher.refresh(live);
    },
    hasOpenResources: () => namespaces.open().length > 0,
    async releaseGone(ready) {
      for (const { sandboxId, cookie } of namespaces.open())
        if (!ready.has(sandboxId)) await namespaces.release(cookie);
    },
    async sweepOrphans(records) {
      const orphans = await sweepPods(context, new Set(records.map(({ target }) => target.sandboxId)));
      searched = orphans.complete;
      return orphans;
    },
    close: () => namespaces.close(),
  };
}

/** Brings host names of a fault to the addresses that they mean now. */
async function followHosts(
  context: DriverContext,
  namespaces: Namespaces,
  id: string,
  hosts: readonly HostPeer[],
): Promise<void> {
  const { executions } = context;
  const known = executions.get(id);
  if (known === undefined || !isOfDriver(known, 'network')) return;
  await namespaces.revisit(known.target, async (namespace) => {
    const current = executions.get(id);
    // It may have ended while this waited for the namespace's turn.
    if (current?.state !== 'active' || !isOfDriver(current, 'network')) return;
    if (isDeepStrictEqual(current.work.layer.scope.hosts, hosts)) return;
    const { layer } = current.work;
    const work = {
      ...current.work,
      layer: { ...layer, scope: { ...layer.scope, hosts } },
    } as NetworkRecord['work'];
    const followed = await executions.update(id, { work });
    if (isOfDriver(followed, 'network')) await namespace.renew([installedOf(context, followed)]);
    context.logger.info(
      { ...logFields(followed), hosts: hosts.map(({ name }) => name) },
      'host names mean other addresses now',
    );
  });
}

async function noteKeptHosts({ executions, clock }: DriverContext, id: string, why: string): Promise<void> {
  const current = executions.get(id);
  if (current?.state !== 'active') return;
  const since = new Date(clock.now()).toISOString();
  await executions.update(id, { notes: [...current.notes, `since ${since} the last addresses are kept: ${why}`] });
}
