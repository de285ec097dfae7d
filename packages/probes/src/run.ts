/** Asks the probes of one side of a steady state. */
import type { Probe } from '@chaosplane/api';
import { countOf } from '@chaosplane/common';
import type { ProbeOutcome } from '@chaosplane/lifecycle';
import { askHttp } from './http.ts';
import { askKubernetes } from './kubernetes.ts';
import type { Prober, ProbeRunner } from './prober.ts';
import { askPrometheus } from './prometheus.ts';
import { causeOf } from './words.ts';

/** One for each type. */
const runners: { readonly [Type in Probe['type']]: ProbeRunner<Type> } = {
  http: askHttp,
  prometheus: askPrometheus,
  k8s: askKubernetes,
};

/**
 * All of them must pass, each within its retries; they are asked at the same time. One that fails says more than one that could not
 * be made, so it is told first.
 */
export async function runProbes(probes: readonly Probe[], prober: Prober): Promise<ProbeOutcome> {
  const begun = prober.clock.monotonic();
  const outcomes = await Promise.all(probes.map((probe) => runProbe(probe, prober)));
  const told =
    outcomes.find(({ outcome }) => outcome === 'fail') ?? outcomes.find(({ outcome }) => outcome === 'error');
  const { outcome, message } = told ?? { outcome: 'pass', message: allPassed(outcomes) };
  return { outcome, message, tookMs: since(begun, prober) };
}

function allPassed(outcomes: readonly ProbeOutcome[]): string {
  const messages = outcomes.map(({ message }) => message);
  return outcomes.length === 1
    ? messages.join()
    : `${countOf(outcomes.length, 'probe')} passed: ${messages.join('; ')}`;
}

async function runProbe(probe: Probe, prober: Prober): Promise<ProbeOutcome> {
  const { clock, signal } = prober;
  for (let attempt = 0; ; attempt++) {
    const outcome = await once(probe, prober);
    if (outcome.outcome === 'pass' || attempt >= probe.retries || signal.aborted) return outcome;
    await clock.sleep(probe.interval, signal).catch(() => undefined);
  }
}

/** Asks it once, without its retries. It throws nothing: what goes wrong is its outcome. */
export async function once(probe: Probe, prober: Prober): Promise<ProbeOutcome> {
  const begun = prober.clock.monotonic();
  // Each is looked up by the type that it takes.
  const ask = runners[probe.type] as ProbeRunner;
  const { outcome, message } = await ask(probe, prober).catch((error: unknown) => ({
    outcome: 'error' as const,
    message: `the probe could not be made: ${causeOf(error)}`,
  }));
  const told = probe.name === undefined ? message : `${probe.name}: ${message}`;
  return { outcome, message: told, tookMs: since(begun, prober) };
}

/** In milliseconds, to a hundredth. */
function since(begun: number, { clock }: Prober): number {
  return Math.round(100 * (clock.monotonic() - begun)) / 100;
}
