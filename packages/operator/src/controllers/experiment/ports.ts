/** The operator's ports: what decisions are carried out with during one visit. */
import { reasonOf } from '@chaosplane/client';
import type { Executor, Next, PlanRoom, Ports } from '@chaosplane/lifecycle';
import { PATIENCE_MS } from '../../daemons/unresponsive.ts';
import { awaitInjections, beginInjections } from './injecting.ts';
import type { VisitMemory } from './memory.ts';
import { probed, stopProbing, type ProbingParts } from './probing.ts';
import { report, type ReportParts } from './report.ts';
import type { Visit, Visited } from './visit.ts';

/** How long to wait before something that did not succeed is tried again. */
const RETRY_MS = 1000;

/** A visit that has heard nothing for so long is left, at most once in a while. */
const QUIET_MS = 100;

/** How often what was measured is written down. */
const EVIDENCE_MS = 5000;

/** The status and the shards of an object have room for a megabyte and a half. */
const PLAN_ROOM: PlanRoom = { all: 200_000, each: 20_000 };

/** What the ports are made of. */
export interface PortsParts extends ReportParts, Omit<ProbingParts, 'probes'> {
  readonly visited: Visited;
  readonly executor: Executor;
  readonly memory: VisitMemory;
}

/** The ports of one visit. */
export function portsOf(visit: Visit, parts: PortsParts): Ports {
  const { visited, executor, memory, clock, logger, events } = parts;
  return {
    executor,
    memory,
    clock,
    retryMs: RETRY_MS,
    evidenceMs: EVIDENCE_MS,
    reasonOf,
    planRoom: PLAN_ROOM,
    injections: {
      async begin(targets, ttlMs) {
        beginInjections(targets, ttlMs, parts);
        await awaitInjections(memory, QUIET_MS);
        return undefined;
      },
      wait: (until) => waitForInjections(until, parts),
    },
    probes: {
      ask: (side) => probed(side, { ...parts, probes: visited.spec?.steadyState[side] ?? [] }),
      stop: () => stopProbing(memory),
    },
    store: {
      get status() {
        return visit.status;
      },
      set status(status) {
        visit.status = status;
      },
      save: () => report(visit, true, parts),
    },
    onCancelled: (executions) => logger.info({ experiment: visited.id, executions }, 'recovery asked for'),
    onPeersLost(why) {
      const message = `the peers stay as they were: ${why}`;
      events.record(visit.stored.object, { type: 'Warning', reason: 'PeersNotFollowed', action: 'Follow', message });
    },
  };
}

/** Goes on as soon as something is known; leaves when nothing comes, so that what is known is written down. */
async function waitForInjections(
  until: number,
  { clock, memory }: Pick<PortsParts, 'clock' | 'memory'>,
): Promise<Next> {
  const left = clock.monotonic() - memory.leftAt;
  if (await awaitInjections(memory, Math.max(QUIET_MS, Math.min(PATIENCE_MS, PATIENCE_MS - left)))) return undefined;
  memory.leftAt = clock.monotonic();
  return { requeueAfterMs: Math.max(0, Math.min(RETRY_MS, until - clock.now())) };
}
