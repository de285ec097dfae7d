/** What a network fault plans, applies, measures and undoes in the network namespace of one pod. */
import { asChaosError, countOf, defined } from '@chaosplane/common';
import type { NetworkScope } from '@chaosplane/actions';
import { faultOfDriver } from '../../../faults/registry.ts';
import type { NetworkInterface, SandboxDetail } from '../../../contract/host.ts';
import type { EvidenceRecord, PodNetwork, RecordOf } from '../../../journal/record.ts';
import { NOTHING_COUNTED, type LayerCounts } from '../../../netns/counters.ts';
import { carriers } from '../../../netns/interfaces.ts';
import { HalfInstalledError, type InstalledLayer, type Namespace } from '../../../netns/namespace.ts';
import { inTree } from '../../../netns/placed-layer.ts';
import { place } from '../../../netns/placement.ts';
import type { DriverContext } from '../../context.ts';
import type { ParsedRequest } from '../../parse.ts';
import { sparedIn } from '../../probes.ts';
import type { PlanStep } from '../../../model/plan-step.ts';
import { resolveHosts } from './hosts.ts';
import { HalfAppliedError, type RecordChange, type Planned, type Session } from '../driver.ts';

type NetworkRecord = RecordOf<'network'>;

/** The spec of every network action has a scope. */
export const scopeOf = ({ spec }: ParsedRequest): NetworkScope => (spec as { scope: NetworkScope }).scope;

/** The session in the network namespace of one pod. */
export function sessionIn(
  context: DriverContext,
  namespace: Namespace,
  pod: PodNetwork,
  sandbox?: SandboxDetail,
): Session<'network'> {
  const installed = (record: NetworkRecord): InstalledLayer => installedOf(context, record);
  /** The interfaces as the plan saw them, in this very turn. */
  let listed: readonly NetworkInterface[] | undefined;
  const measure = async (record: NetworkRecord, since?: number): Promise<EvidenceRecord | undefined> => {
    const counts = await namespace.counts(record.work.layer.id, since);
    return counts === undefined ? undefined : evidenceOf(context, record, counts);
  };
  return {
    plan(request, id) {
      listed = namespace.interfaces();
      return planIn(context, namespace, { pod, sandbox, request, id, listed });
    },
    preview: ({ work: { shape: _shape, ...layer } }, ttlMs) => previewIn(namespace, layer, ttlMs),
    async apply(record) {
      try {
        await namespace.install(installed(record), listed);
      } catch (error) {
        if (!(error instanceof HalfInstalledError)) throw error;
        throw new HalfAppliedError(error.code, error.message, { cause: error });
      }
      return { evidence: evidenceOf(context, record, NOTHING_COUNTED) };
    },
    remove: (record) => namespace.remove(record.work.layer.id),
    aftermath: (record) => waitingIn(context, namespace, record),
    async renew(records) {
      await namespace.renew(records.map(installed));
      return new Map();
    },
    async restore(kept, dropped) {
      const since = context.clock.monotonic();
      const { lost, found } = await restoreIn(namespace, kept, dropped, installed);
      for (const record of kept.filter((each) => !lost.includes(each))) {
        const evidence = await measure(record, since).catch(() => undefined);
        if (evidence !== undefined) found.set(record.id, { evidence });
      }
      return found;
    },
    measure,
  };
}

/**
 * Puts `kept` in force again. A fault with a queueing tree may be impossible now (another program's root qdisc is there): the faults
 * beside it go on all the same.
 */
async function restoreIn(
  namespace: Namespace,
  kept: readonly NetworkRecord[],
  dropped: readonly NetworkRecord[],
  installed: (record: NetworkRecord) => InstalledLayer,
): Promise<{ readonly lost: readonly NetworkRecord[]; readonly found: Map<string, RecordChange> }> {
  try {
    await namespace.restore(kept.map(installed), dropped.map(installed));
    return { lost: [], found: new Map() };
  } catch (error) {
    const lost = kept.filter(({ work }) => work.engine !== 'nft');
    if (lost.length === 0) throw error;
    const able = kept.filter((record) => !lost.includes(record));
    await namespace.restore(able.map(installed), [...lost, ...dropped].map(installed));
    const ended: RecordChange = { endReason: 'swept', notes: [asChaosError(error).message] };
    return { lost, found: new Map(lost.map(({ id }) => [id, ended])) };
  }
}

/**
 * What still waits after packets were dropped: data flows again when TCP tries again, which may be a minute later, and without
 * a word about it that looks as if the fault had not ended.
 */
function waitingIn({ logger }: DriverContext, { netns }: Namespace, record: NetworkRecord): RecordChange {
  const { kind } = record.work.layer.effect;
  if (kind !== 'partition' && kind !== 'loss') return {};
  // Of what was never dropped, nothing waits.
  if ((record.evidence?.counters['packets_dropped'] ?? 0) === 0) return {};
  try {
    const { count, longestMs } = netns.waitingConnections();
    if (count === 0) return {};
    const wait =
      count === 1 ? '1 connection of the pod still waits' : `${countOf(count, 'connection')} of the pod still wait`;
    const last = count === 1 ? 'until' : 'the last until';
    const seconds = Math.ceil(longestMs / 1000);
    const note = `${wait} to send again, ${last} ${seconds} s from the end of the fault (TCP retransmission timer)`;
    const { evidence } = record;
    const counters = { ...evidence?.counters, connections_waiting: count, connections_wait_ms: longestMs };
    return { notes: [note], ...(evidence === undefined ? {} : { evidence: { ...evidence, counters } }) };
  } catch (error) {
    logger.debug({ executionId: record.id, err: error }, 'connections that wait could not be counted');
    return {};
  }
}

/** The record's layer as its namespace holds it. */
export function installedOf({ lease }: DriverContext, record: NetworkRecord): InstalledLayer {
  const { shape: _shape, txQueueLength, ...placed } = record.work;
  const [device] = placed.layer.scope.interfaces;
  // Records of builds that knew one interface have one length.
  const before =
    txQueueLength === undefined || device === undefined ? {} : { txQueueLengths: { [device]: txQueueLength } };
  return { ...before, ...placed, deadline: lease.deadlineOf(record) };
}

/** What is planned, and for which pod. */
interface PlanContext {
  readonly pod: PodNetwork;
  /** What the runtime says of the pod; absent where a pod is visited again. */
  readonly sandbox: SandboxDetail | undefined;
  readonly request: ParsedRequest;
  readonly id: string;
  /** Every interface of the pod. */
  readonly listed: readonly NetworkInterface[];
}

async function planIn(
  context: DriverContext,
  namespace: Namespace,
  { pod, sandbox, request, id, listed }: PlanContext,
): Promise<Planned<'network'>> {
  const { host, config } = context;
  const { peers, probes } = request;
  const names = scopeOf(request).hosts;
  const hosts = names.length === 0 ? {} : { hosts: (await resolveHosts(context, pod, names)).hosts };
  const described = faultOfDriver('network', request.action.name).layer(request.spec, {
    id: `l${id.slice(id.lastIndexOf('-') + 1)}`,
    peers: peers.peers,
    ...(peers.portPeers.length === 0 ? {} : { portPeers: peers.portPeers }),
    ...hosts,
    ...sparedIn(host, probes, sandbox),
  });
  const links = carriers(listed, described.scope.interfaces);
  const interfaces = links.map(({ name }) => name);
  const layer = { ...described, scope: { ...described.scope, interfaces } };
  const ethernet = links.every((link) => link.ethernet);
  const { notes, ...placement } = place(layer, await host.capabilities(), config.placement, { ethernet });
  const { engine } = placement;
  const mark = namespace.nextMark(layer, engine);
  const queueLengths = inTree(engine) ? { txQueueLengths: namespace.queueLengths(links) } : {};
  const { containerName } = scopeOf(request);
  return {
    target: {
      kind: 'pod-network',
      ...pod,
      ...defined({ containerName }),
      netnsCookie: namespace.netns.cookie,
    },
    // The journal's types know no readonly arrays.
    work: { shape: 'network', layer, ...placement, mark, ...queueLengths } as NetworkRecord['work'],
    notes: [...notes, ...(interfaces.length > 1 ? [`on the interfaces ${interfaces.join(', ')}`] : [])],
  };
}

function previewIn(namespace: Namespace, layer: Omit<InstalledLayer, 'deadline'>, ttlMs: number): PlanStep[] {
  const { links, tc, nft, queue, taps } = namespace.preview(layer, ttlMs);
  const step = (tool: PlanStep['tool'], argv: string[], commands: readonly string[]): PlanStep[] =>
    commands.length === 0 ? [] : [{ tool, argv, input: `${commands.join('\n')}\n` }];
  return [
    ...step('link', [], links),
    ...step('tc', ['tc', '-batch', '-'], tc),
    ...step('queue', [], queue),
    ...step('tap', [], taps),
    ...step('nft', [], nft),
  ];
}

function evidenceOf({ clock }: DriverContext, { action, work }: NetworkRecord, counts: LayerCounts): EvidenceRecord {
  const measured = faultOfDriver('network', action).evidence(work.layer, counts);
  return { ...measured, counters: { ...measured.counters }, engine: work.engine, gatheredAt: clock.now() };
}
