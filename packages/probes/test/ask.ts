/** Asks one probe, as a document gives it: what the tests of each type share. */
import { parseExperiment, type Probe } from '@chaosplane/api';
import { systemClock } from '@chaosplane/common';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import type { Prober } from '../src/prober.ts';
import { runProbes } from '../src/run.ts';

/** The probes, with their defaults. */
export function parseProbes(...probes: readonly object[]): readonly Probe[] {
  const { spec } = parseExperiment(
    {
      apiVersion: 'chaos.chaosplane.io/v1alpha1',
      kind: 'ChaosExperiment',
      metadata: { name: 'x' },
      spec: {
        target: { names: ['a'] },
        action: { type: 'network-partition' },
        duration: '1s',
        steadyState: { before: probes },
      },
    },
    'cluster',
  );
  return spec.steadyState.before;
}

/** Asks it once, with its retries; servers of this machine may be asked. */
export function ask(probe: object, prober: Partial<Prober> = {}): Promise<ProbeOutcome> {
  const { signal } = new AbortController();
  return runProbes(parseProbes(probe), { clock: systemClock, signal, allowLocal: true, ...prober });
}
