/** An operator: it waits until it leads, works, and waits again when it has lost the lead. */
import { systemClock } from '@chaosplane/common';
import { createManager, electLeader, type Component, type Leadership, type Manager } from '@chaosplane/kube';
import { everyReplica, leaderOnly } from './components.ts';
import type { LeaderView } from './controllers/policy/outlook.ts';
import type { OperatorConfig } from './config.ts';
import { createOperatorMetrics } from './metrics.ts';
import type { OperatorParts } from './parts.ts';
import { createReadiness } from './readiness.ts';

/**
 * Stands for election and works while it leads, term after term, until the signal comes: one that loses the lead, because another
 * has taken it or because the API server was away, lets go of everything and waits for it again.
 * Faults that are in force stay: the next leader takes them over, or the daemons end them when the lease lapses.
 */
export async function runOperator(config: OperatorConfig, given: OperatorParts, signal: AbortSignal): Promise<void> {
  const metrics = given.metrics ?? createOperatorMetrics();
  const leader: LeaderView = {};
  const parts = { clock: systemClock, readiness: createReadiness(), ...given, metrics };
  const always = managerOf(everyReplica(config, parts, leader), parts);
  metrics.leads(config.leaseName, false);
  try {
    await always.start(signal);
    await standForElection(config, parts, { leader, signal });
  } finally {
    await always.stop();
  }
}

/** How long it stands for election, and where it shows what it knows while it leads. */
interface Stand {
  readonly leader: LeaderView;
  readonly signal: AbortSignal;
}

/** Term after term. */
async function standForElection(
  config: OperatorConfig,
  parts: Required<OperatorParts>,
  { leader, signal }: Stand,
): Promise<void> {
  const { namespace, leaseName, identity, leaderLease } = config;
  while (!signal.aborted) {
    parts.logger.info({ identity }, 'waiting for the lead');
    const leadership = await electLeader(
      {
        namespace,
        name: leaseName,
        identity,
        leaseDurationMs: leaderLease,
        // An API server may take a third of the lease for each answer.
        renewDeadlineMs: (leaderLease * 4) / 5,
        retryMs: (leaderLease * 2) / 15,
      },
      parts,
      signal,
    ).catch((error: unknown) => {
      // One that waits for the lead has nothing to let go of.
      if (signal.aborted) return undefined;
      throw error;
    });
    if (leadership !== undefined) await serve(config, parts, leadership, { leader, signal });
  }
}

/** One term. */
async function serve(
  config: OperatorConfig,
  parts: Required<OperatorParts>,
  leadership: Leadership,
  { leader, signal }: Stand,
): Promise<void> {
  const manager = managerOf(leaderOnly(config, parts, leadership, leader), parts);
  const term = AbortSignal.any([signal, leadership.lost]);
  parts.logger.info({ identity: config.identity, epoch: leadership.epoch }, 'leading');
  parts.metrics.leads(config.leaseName, true);
  try {
    await manager.start(term);
    await aborted(term);
  } catch (error) {
    if (!term.aborted) throw error;
  } finally {
    await manager.stop();
    await leadership.release();
    parts.metrics.leads(config.leaseName, false);
    parts.metrics.watch({ list: () => [] });
  }
}

function managerOf(
  components: readonly Component[],
  tools: Pick<Required<OperatorParts>, 'logger' | 'clock'>,
): Manager {
  const manager = createManager(tools);
  for (const component of components) manager.add(component);
  return manager;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
