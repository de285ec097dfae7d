/** Asks the probes of one side of a steady state. */
import type { Probe } from '@chaosplane/api';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import { askHttp } from './http.ts';
import type { Prober, ProbeRunner } from './prober.ts';

/** One for each type. */
const runners = { http: askHttp } satisfies { readonly [Type in Probe['type']]: ProbeRunner<Type> };

/** All of them must pass, each within its retries. */
export async function runProbes(probes: readonly Probe[], prober: Prober): Promise<ProbeOutcome> {
  const outcomes = await Promise.all(probes.map((probe) => runProbe(probe, prober)));
  return outcomes.find(({ passed }) => !passed) ?? { passed: true, message: `${outcomes.length} probes passed` };
}

async function runProbe(probe: Probe, prober: Prober): Promise<ProbeOutcome> {
  const { clock, signal } = prober;
  for (let attempt = 0; ; attempt++) {
    const outcome = await runners[probe.type](probe, prober);
    if (outcome.passed || attempt >= probe.retries || signal.aborted) return outcome;
    await clock.sleep(probe.interval, signal).catch(() => undefined);
  }
}
