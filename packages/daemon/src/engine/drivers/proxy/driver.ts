/** The driver of faults that a proxy inside a pod's network namespace carries out: HTTP and DNS. */
import { asChaosError, ChaosError, defined, invalidArgument } from '@chaosplane/common';
import { faultOfDriver } from '../../../faults/registry.ts';
import type { CapabilityName, SandboxDetail } from '../../../contract/host.ts';
import type { EvidenceRecord, PodNetwork, RecordOf } from '../../../journal/record.ts';
import { explainRedirect } from '../../../proxy/foreign/advice.ts';
import { notesOnOpen } from '../../../proxy/left-alone.ts';
import { PROXY_TABLE } from '../../../proxy/names.ts';
import { nothingCounted, type ProxyCounts, type ProxyRule } from '../../../model/proxy-rule.ts';
import { requireCapabilities } from '../../capabilities.ts';
import type { DriverContext } from '../../context.ts';
import type { ParsedRequest } from '../../parse.ts';
import { sparedIn } from '../../probes.ts';
import { podName } from '../../target/name.ts';
import { findPod, requireOwnNetwork, type PodQuery } from '../../target/pod.ts';
import { ProxiedPods, type ProxiedPod } from './proxied-pods.ts';
import { HalfAppliedError, type RecordChange, type Planned, type Driver, type Session } from '../driver.ts';
import { sweepProxies } from './orphans.ts';

type ProxyRecord = RecordOf<'proxy'>;

/** What proxies count. */
type EarlierCounts = Omit<ProxyCounts, 'openBefore'>;

/** What proxies need of a node. */
export const PROXY_NEEDS: readonly CapabilityName[] = ['root', 'nftables'];

/** The spec of every HTTP and DNS action says which pod is meant. */
const scopeOf = ({ spec }: ParsedRequest): PodQuery => (spec as { scope: PodQuery }).scope;

export function proxyDriver(context: DriverContext): Driver<'proxy'> {
  const { host } = context;
  const pods = new ProxiedPods(host, context.clock);
  return {
    async find(request) {
      const { podNamespace, podName: pod, containerName } = scopeOf(request);
      const query = { podNamespace, podName: pod, ...defined({ containerName }) };
      const sandbox = await findPod(host.runtime, { ...query, ...request.pod });
      const name = podName(sandbox);
      const netnsPath = requireOwnNetwork(sandbox, name);
      const target = { podNamespace, podName: pod, podUid: sandbox.podUid, sandboxId: sandbox.id, netnsPath };
      return {
        identity: sandbox.podUid,
        name,
        key: sandbox.id,
        enter: (work) => pods.enter(target, (proxied) => work(sessionIn(context, proxied, target, sandbox))),
      };
    },
    keyOf: ({ target }) => target.sandboxId,
    revisit: ({ target }, work) => pods.revisit(target, (proxied) => work(sessionIn(context, proxied, target))),
    async isHidden({ target }) {
      const sandbox = await host.runtime.sandbox(target.sandboxId).catch(() => undefined);
      return sandbox?.ready === true && sandbox.netnsPath === target.netnsPath;
    },
    endingUnseen: () => ({ endReason: 'target-gone' }),
    gone: async (records, ready) => records.filter(({ target }) => !ready.has(target.sandboxId)),
    hasOpenResources: () => pods.open().length > 0,
    async releaseGone(ready) {
      for (const { sandboxId, cookie } of pods.open()) if (!ready.has(sandboxId)) await pods.release(cookie);
    },
    sweepOrphans: (records) => sweepProxies(context, new Set(records.map(({ target }) => target.sandboxId))),
    close: () => pods.close(),
  };
}

function sessionIn(
  context: DriverContext,
  pod: ProxiedPod,
  target: PodNetwork,
  sandbox?: SandboxDetail,
): Session<'proxy'> {
  const { lease, clock } = context;
  const put = (record: ProxyRecord, before: EarlierCounts): void => {
    const { rule } = record.work;
    // Counted before anything is redirected; a rule that is in force already keeps its count.
    const openBefore = pod.rules.get(record.id)?.openBefore ?? pod.netns.openConnections(rule).count;
    pod.rules.set(record.id, { rule, deadline: lease.deadlineOf(record), before, openBefore });
  };
  const evidence = (record: ProxyRecord): EvidenceRecord => {
    const { before = nothingCounted, openBefore = 0 } = pod.rules.get(record.id) ?? {};
    const counts = added(before, pod.netns.proxyCounts(record.work.rule.id) ?? nothingCounted);
    const measured = faultOfDriver('proxy', record.action).evidence(record.work.rule, { ...counts, openBefore });
    return { ...measured, counters: { ...measured.counters }, engine: 'proxy', gatheredAt: clock.now() };
  };
  return {
    plan: (request, id) => planIn(context, pod, target, sandbox, request, id),
    preview: ({ work: { rule } }) => [{ tool: 'proxy', argv: [], input: `${JSON.stringify(rule)}\n` }],
    async apply(record) {
      put(record, nothingCounted);
      try {
        await pod.serve();
        return { evidence: evidence(record) };
      } catch (error) {
        pod.rules.delete(record.id);
        await pod.serve().catch((second: unknown) => {
          const message = `${asChaosError(error).message}; and undoing it failed: ${asChaosError(second).message}`;
          throw new HalfAppliedError('INTERNAL', message, { cause: second });
        });
        throw explained(error);
      }
    },
    async remove(record) {
      pod.rules.delete(record.id);
      await pod.serve();
    },
    async renew(records) {
      for (const record of records) put(record, pod.rules.get(record.id)?.before ?? nothingCounted);
      await pod.serve();
      return new Map();
    },
    async restore(kept, dropped) {
      for (const { id } of dropped) pod.rules.delete(id);
      // What the proxy of an earlier daemon counted is in the evidence; this one counts from the beginning.
      for (const record of kept) put(record, pod.rules.get(record.id)?.before ?? countsIn(record));
      await pod.serve();
      return new Map(kept.map((record): [string, RecordChange] => [record.id, { evidence: evidence(record) }]));
    },
    measure: async (record) => (pod.rules.has(record.id) ? evidence(record) : undefined),
  };
}

async function planIn(
  { host }: DriverContext,
  pod: ProxiedPod,
  target: PodNetwork,
  sandbox: SandboxDetail | undefined,
  request: ParsedRequest,
  id: string,
): Promise<Planned<'proxy'>> {
  const { action, probes, peers } = request;
  if (peers.peers.length + peers.portPeers.length > 0) {
    const problem = { path: 'options.peers', wrong: `${action.name} has no peers`, allowed: 'nothing' };
    throw invalidArgument(`the request for ${action.name}`, [problem]);
  }
  requireCapabilities(await host.capabilities(), PROXY_NEEDS, action.name);
  const rule = faultOfDriver('proxy', action.name).rule(request.spec, {
    id: `l${id.slice(id.lastIndexOf('-') + 1)}`,
    ...sparedIn(host, probes, sandbox),
    ...(sandbox?.dns === undefined ? {} : { dns: sandbox.dns }),
  });
  requireNoForeignRedirect(pod, target, rule);
  const { containerName } = scopeOf(request);
  return {
    target: {
      kind: 'pod-network',
      ...target,
      ...defined({ containerName }),
      netnsCookie: pod.netns.cookie,
    },
    // The journal's types know no readonly arrays.
    work: { shape: 'proxy', engine: 'proxy', rule } as ProxyRecord['work'],
    notes: notesOnOpen(rule, pod.netns.openConnections(rule)),
  };
}

/** Two that redirect the same connections would each see those of the other, or none. */
function requireNoForeignRedirect(pod: ProxiedPod, target: PodNetwork, rule: ProxyRule): void {
  const found = pod.netns.foreignRedirect(rule);
  if (found !== undefined) throw new ChaosError('FAILED_PRECONDITION', explainRedirect(podName(target), rule, found));
}

/** Words of the kernel, and what to do about them. */
function explained(error: unknown): ChaosError {
  if (error instanceof ChaosError) return error;
  const message = `${asChaosError(error).message}, while making the table ${PROXY_TABLE}`;
  const wayOut = 'the kernel needs nftables with nat and redirect (modules nft_nat, nft_redir), Linux 5.12 or newer';
  return new ChaosError('FAILED_PRECONDITION', `${message}: ${wayOut}`, { cause: error });
}

function added(a: EarlierCounts, b: EarlierCounts): EarlierCounts {
  const sum = (key: keyof EarlierCounts): number => a[key] + b[key];
  return {
    seen: sum('seen'),
    matched: sum('matched'),
    faulted: sum('faulted'),
    passed: sum('passed'),
    beyond: sum('beyond'),
  };
}

/** What the last evidence of a record says that was counted, by the ends of its counters' names. */
function countsIn({ evidence }: ProxyRecord): EarlierCounts {
  const counters = Object.entries(evidence?.counters ?? {});
  const named = (pattern: RegExp): number => counters.find(([name]) => pattern.test(name))?.[1] ?? 0;
  return {
    seen: named(/_seen$/),
    matched: named(/_matched$/),
    faulted: named(/_faulted$/),
    passed: named(/_passed$|_other_resolvers$/),
    beyond: named(/_beyond_limit$/),
  };
}
