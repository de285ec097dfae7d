/** What the daemon counts for Prometheus. */
import { turnedReasons, type Turned } from '@chaosplane/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Engine } from '../engine/engine.ts';
import { refusalReasons, type CountRefusal } from './identity/refusals.ts';
import type { CallObserver } from './middleware.ts';

/** The metrics of one daemon. */
export interface Metrics {
  readonly registry: Registry;
  readonly observeCall: CallObserver;
  readonly countRefusal: CountRefusal;
  /** Counts a connection that was turned away at a port. */
  readonly countTurned: (port: string, why: Turned) => void;
  /** Begins to count the engine's executions by state, and what its sweep found. */
  watch(engine: Engine): void;
}

/** Those with a door before them. */
const PORTS = ['grpc', 'health', 'http'] as const;

export function createMetrics(): Metrics {
  const registry = new Registry();
  const calls = new Histogram({
    name: 'chaosplane_daemon_call_seconds',
    help: 'How long calls took, by RPC and status',
    labelNames: ['rpc', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const refused = new Counter({
    name: 'chaosplane_daemon_refused_total',
    help: 'Calls over TCP that were refused for who made them, by reason',
    labelNames: ['reason'],
    registers: [registry],
  });
  // From the start: an alert on an increase does not see a series that begins with 1.
  for (const reason of refusalReasons) refused.inc({ reason }, 0);
  const turned = new Counter({
    name: 'chaosplane_daemon_connections_turned_away_total',
    help: 'Connections that were not let in, or ended because they wanted too much, by port and reason',
    labelNames: ['port', 'reason'],
    registers: [registry],
  });
  for (const port of PORTS) for (const reason of turnedReasons) turned.inc({ port, reason }, 0);
  const residue = new Counter({
    name: 'chaosplane_residue_found_total',
    help: 'Marks of ChaosPlane that had no record when the daemon started, and were removed',
    registers: [registry],
  });
  let engine: Engine | undefined;
  new Gauge({
    name: 'chaosplane_daemon_executions',
    help: 'Executions that have not ended, by action and state',
    labelNames: ['action', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { action, state } of engine?.live() ?? []) this.inc({ action, state });
    },
  });
  return {
    registry,
    observeCall: (rpc, status, seconds) => calls.observe({ rpc, status }, seconds),
    countRefusal: (reason) => refused.inc({ reason }),
    countTurned: (port, reason) => turned.inc({ port, reason }),
    watch(started) {
      engine = started;
      residue.inc(started.swept.orphans.length);
    },
  };
}
