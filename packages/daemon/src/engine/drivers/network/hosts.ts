/** Peers by host name: looked up before a fault begins, and again while it is in force. */
import { asChaosError, ChaosError, parseCidr, type Cidr } from '@chaosplane/common';
import type { RecordOf } from '../../../journal/record.ts';
import type { HostPeer } from '../../../model/layer.ts';
import { logFields, type DriverContext } from '../../context.ts';

type NetworkRecord = RecordOf<'network'>;

/** However short the answer's own time is, and however long. */
const [SHORTEST_MS, LONGEST_MS] = [5000, 300_000];
/** For all names of one execution. */
const PATIENCE_MS = 15_000;

/** Names with their addresses. */
export interface ResolvedHosts {
  readonly hosts: readonly HostPeer[];
  /** When to look again, in milliseconds from now. */
  readonly againMs: number;
}

/** @throws ChaosError FAILED_PRECONDITION with what is wrong with every name. */
export async function resolveHosts(
  { host, clock }: DriverContext,
  target: Pick<NetworkRecord['target'], 'sandboxId' | 'netnsPath'>,
  names: readonly string[],
): Promise<ResolvedHosts> {
  const late = new AbortController();
  const timer = clock.after(PATIENCE_MS, () =>
    late.abort(new ChaosError('FAILED_PRECONDITION', 'the DNS took too long')),
  );
  try {
    const view = (await host.runtime.sandbox(target.sandboxId))?.dns;
    const results = await Promise.allSettled(
      names.map(async (name) => ({ name, ...(await host.lookUp(target.netnsPath, name, view, late.signal)) })),
    );
    const wrong = results.flatMap((result) =>
      result.status === 'rejected' ? [asChaosError(result.reason).message] : [],
    );
    if (wrong.length > 0) throw new ChaosError('FAILED_PRECONDITION', wrong.join('; '));
    const found = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    return {
      hosts: found.map(({ name, addresses }) => ({ name, addresses: cidrsOf(addresses) })),
      againMs: Math.min(LONGEST_MS, Math.max(SHORTEST_MS, Math.min(...found.map(({ ttlMs }) => ttlMs)))),
    };
  } finally {
    timer.cancel();
  }
}

/** In an order of their own: servers turn theirs with each answer. */
function cidrsOf(addresses: readonly string[]): Cidr[] {
  return addresses.toSorted().flatMap((address) => {
    const parsed = parseCidr(address);
    return parsed.ok ? [parsed.value] : [];
  });
}

/** Looks names up again when it is time to. */
export interface HostRefresher {
  /** Begins what is due, and returns at once. */
  refresh(live: readonly NetworkRecord[]): void;
}

/** `apply` brings other addresses to an execution that is active; `failed` is told the first failure of a row. */
export function createHostRefresher(
  context: DriverContext,
  apply: (id: string, hosts: readonly HostPeer[]) => Promise<void>,
  failed: (id: string, why: string) => Promise<void>,
): HostRefresher {
  const due = new Map<string, number>();
  const failing = new Set<string>();
  const busy = new Set<string>();
  const refreshOne = async ({ id, target, work }: NetworkRecord): Promise<void> => {
    const hosts = work.layer.scope.hosts ?? [];
    try {
      const { hosts: now, againMs } = await resolveHosts(
        context,
        target,
        hosts.map(({ name }) => name),
      );
      due.set(id, context.clock.monotonic() + againMs);
      failing.delete(id);
      await apply(id, now);
    } catch (error) {
      due.set(id, context.clock.monotonic() + SHORTEST_MS);
      if (failing.has(id)) return;
      failing.add(id);
      await failed(id, asChaosError(error).message);
    }
  };
  return {
    refresh(live) {
      const named = live.filter(({ state, work }) => state === 'active' && (work.layer.scope.hosts ?? []).length > 0);
      const ids = new Set(named.map(({ id }) => id));
      for (const id of due.keys()) if (!ids.has(id)) [due, failing].forEach((memory) => memory.delete(id));
      for (const record of named) {
        // One that was just injected, or taken over from another daemon, is looked at after the shortest time.
        const at = due.get(record.id) ?? context.clock.monotonic() + SHORTEST_MS;
        due.set(record.id, at);
        if (busy.has(record.id) || at > context.clock.monotonic()) continue;
        busy.add(record.id);
        void refreshOne(record)
          .catch((error: unknown) => {
            context.logger.error({ ...logFields(record), err: error }, 'host names of peers could not be followed');
          })
          .finally(() => busy.delete(record.id));
      }
    },
  };
}
