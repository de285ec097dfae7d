/** The shape of faults that are layers of a pod's network namespace. */
import { isDeepStrictEqual } from 'node:util';
import { findAction, parseParameters, type NetworkScope } from '@chaosplane/actions';
import type { Fault, NetworkFault } from '../../faults/fault.ts';
import { faultOf } from '../../faults/registry.ts';
import { isOfShape, type EvidenceRecord, type RecordOf } from '../../journal/record.ts';
import { NOTHING_COUNTED, type LayerCounts } from '../../netns/counts.ts';
import { HalfInstalledError, type InstalledLayer, type Namespace } from '../../netns/namespace.ts';
import { inTree } from '../../netns/placed.ts';
import { place } from '../../netns/placement.ts';
import type { ShapeContext } from '../context.ts';
import { Namespaces } from '../namespaces.ts';
import type { ParsedRequest } from '../parse.ts';
import type { PlanStep } from '../request.ts';
import { findPod, podName, requireOwnNetwork } from '../target.ts';
import { createHostFollower, resolveHosts } from './network-hosts.ts';
import { sweepPods } from './network-orphans.ts';
import { HalfAppliedError, type Change, type Planned, type Shape, type Site } from './shape.ts';

type NetworkRecord = RecordOf<'network'>;

/** What is the same for all executions of one pod. */
type PodTarget = Omit<NetworkRecord['target'], 'kind' | 'containerName' | 'netnsCookie'>;

/** The spec of every network action has a scope. */
const scopeOf = ({ spec }: ParsedRequest): NetworkScope => (spec as { scope: NetworkScope }).scope;

export function networkShape(context: ShapeContext): Shape<'network'> {
  const { host, clock, executions } = context;
  /** Until all pods were searched, any of them may hold something of ours. */
  let searched = false;
  const namespaces = new Namespaces(
    host,
    clock,
    (cookie) =>
      searched &&
      !executions.live().some(({ target }) => target.kind === 'pod-network' && target.netnsCookie === cookie),
  );
  const follower = createHostFollower(
    context,
    async (id, hosts) => {
      const known = executions.get(id);
      if (known === undefined || !isOfShape(known, 'network')) return;
      await namespaces.revisit(known.target, async (namespace) => {
        const current = executions.get(id);
        // It may have ended while this waited for the namespace's turn.
        if (current?.state !== 'active' || !isOfShape(current, 'network')) return;
        if (isDeepStrictEqual(current.work.layer.scope.hosts, hosts)) return;
        const { layer } = current.work;
        const work = {
          ...current.work,
          layer: { ...layer, scope: { ...layer.scope, hosts } },
        } as NetworkRecord['work'];
        const followed = await executions.update(id, { work });
        if (isOfShape(followed, 'network')) await namespace.renew([installedOf(context, followed)]);
        context.logger.info(
          { executionId: id, hosts: hosts.map(({ name }) => name) },
          'host names mean other addresses now',
        );
      });
    },
    async (id, why) => {
      const current = executions.get(id);
      if (current?.state !== 'active') return;
      const since = new Date(clock.now()).toISOString();
      await executions.update(id, { notes: [...current.notes, `since ${since} the last addresses are kept: ${why}`] });
    },
  );
  return {
    async find(request) {
      const sandbox = await findPod(host.runtime, { ...scopeOf(request), ...request.pod });
      const name = podName(sandbox);
      const netnsPath = requireOwnNetwork(sandbox, name);
      const { id: sandboxId, podNamespace, podName: pod, podUid } = sandbox;
      const target = { podNamespace, podName: pod, podUid, sandboxId, netnsPath };
      return {
        subject: podUid,
        name,
        site: sandboxId,
        enter: (work) => namespaces.enter(target, (namespace) => work(siteIn(context, namespace, target))),
      };
    },
    siteOf: ({ target }) => target.sandboxId,
    revisit: ({ target }, work) => namespaces.revisit(target, (namespace) => work(siteIn(context, namespace, target))),
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
    follow: (live) => {
      follower.follow(live);
    },
    holds: () => namespaces.open().length > 0,
    async letGo(ready) {
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

function siteIn(context: ShapeContext, namespace: Namespace, pod: PodTarget): Site<'network'> {
  const installed = (record: NetworkRecord): InstalledLayer => installedOf(context, record);
  const measure = async (record: NetworkRecord): Promise<EvidenceRecord | undefined> => {
    const counts = await namespace.counts(record.work.layer.id);
    return counts === undefined ? undefined : evidenceOf(context, record, counts);
  };
  return {
    plan: (request, id) => planIn(context, namespace, pod, request, id),
    preview: ({ work: { shape: _shape, ...layer } }, ttlMs) => previewIn(namespace, layer, ttlMs),
    async apply(record) {
      try {
        await namespace.install(installed(record));
      } catch (error) {
        if (!(error instanceof HalfInstalledError)) throw error;
        throw new HalfAppliedError(error.code, error.message, { cause: error });
      }
      return { evidence: evidenceOf(context, record, NOTHING_COUNTED) };
    },
    remove: (record) => namespace.remove(record.work.layer.id),
    async renew(records) {
      await namespace.renew(records.map(installed));
      return new Map();
    },
    async restore(kept, dropped) {
      await namespace.restore(kept.map(installed), dropped.map(installed));
      const found = new Map<string, Change>();
      for (const record of kept) {
        const evidence = await measure(record).catch(() => undefined);
        if (evidence !== undefined) found.set(record.id, { evidence });
      }
      return found;
    },
    measure,
  };
}

function installedOf({ lease }: ShapeContext, record: NetworkRecord): InstalledLayer {
  const { shape: _shape, ...placed } = record.work;
  return { ...placed, deadline: lease.deadlineOf(record) };
}

async function planIn(
  context: ShapeContext,
  namespace: Namespace,
  pod: PodTarget,
  request: ParsedRequest,
  id: string,
): Promise<Planned<'network'>> {
  const { host, config } = context;
  const { peers, probes } = request;
  const names = scopeOf(request).hosts;
  const hosts = names.length === 0 ? {} : { hosts: (await resolveHosts(context, pod, names)).hosts };
  const layer = networkFaultOf(request.action.name).layer(request.spec as never, {
    id: `l${id.slice(id.lastIndexOf('-') + 1)}`,
    peers: peers.peers,
    ...(peers.portPeers.length === 0 ? {} : { portPeers: peers.portPeers }),
    ...hosts,
    ...(probes === undefined ? {} : { probes }),
  });
  namespace.requireInterface(layer.scope.interface);
  const { engine, hooks, notes } = place(layer, await host.capabilities(), config.placement);
  const mark = namespace.nextMark(layer, engine);
  const txQueueLength = inTree(engine) ? { txQueueLength: namespace.queueLength(layer.scope.interface) } : {};
  const { containerName } = scopeOf(request);
  return {
    target: {
      kind: 'pod-network',
      ...pod,
      ...(containerName === undefined ? {} : { containerName }),
      netnsCookie: namespace.netns.cookie,
    },
    // The journal's types know no readonly arrays.
    work: { shape: 'network', layer, engine, hooks, mark, ...txQueueLength } as NetworkRecord['work'],
    notes,
  };
}

function previewIn(namespace: Namespace, layer: Omit<InstalledLayer, 'deadline'>, ttlMs: number): PlanStep[] {
  const { links, tc, nft, queue } = namespace.preview(layer, ttlMs);
  const step = (tool: PlanStep['tool'], argv: string[], commands: readonly string[]): PlanStep[] =>
    commands.length === 0 ? [] : [{ tool, argv, input: `${commands.join('\n')}\n` }];
  return [
    ...step('link', [], links),
    ...step('tc', ['tc', '-batch', '-'], tc),
    ...step('queue', [], queue),
    ...step('nft', [], nft),
  ];
}

function evidenceOf({ clock }: ShapeContext, { action, work }: NetworkRecord, counts: LayerCounts): EvidenceRecord {
  const measured = networkFaultOf(action).evidence(work.layer, counts);
  return { ...measured, counters: { ...measured.counters }, engine: work.engine, gatheredAt: clock.now() };
}

/** The fault behind an action whose requests and records are of this shape. */
function networkFaultOf(action: string): NetworkFault<never> {
  const fault: Fault<never> = faultOf(action);
  if (fault.shape === 'network') return fault;
  throw new Error(`${action} is not of a network`);
}
