/** Makes the probes of a steady state: HTTP requests from this machine. */
import type { Clock } from '@chaosplane/common';
import type { Probe, ProbeOutcome } from '@chaosplane/experiment';

/** All of them must pass, each within its retries. */
export async function runProbes(probes: readonly Probe[], clock: Clock, signal: AbortSignal): Promise<ProbeOutcome> {
  const outcomes = await Promise.all(probes.map((probe) => runProbe(probe, clock, signal)));
  return outcomes.find(({ passed }) => !passed) ?? { passed: true, message: `${outcomes.length} probes passed` };
}

async function runProbe(probe: Probe, clock: Clock, signal: AbortSignal): Promise<ProbeOutcome> {
  for (let attempt = 0; ; attempt++) {
    const outcome = await ask(probe, signal);
    if (outcome.passed || attempt >= probe.retries || signal.aborted) return outcome;
    await clock.sleep(probe.interval, signal).catch(() => undefined);
  }
}

async function ask({ url, method, expectStatus, timeout }: Probe, signal: AbortSignal): Promise<ProbeOutcome> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    const response = await fetch(url, { method, signal: limit, redirect: 'manual' });
    await response.body?.cancel();
    const passed = response.status === expectStatus;
    return { passed, message: `${method} ${url} answered ${response.status}${passed ? '' : `, not ${expectStatus}`}` };
  } catch (error) {
    return {
      passed: false,
      message: `${method} ${url} failed: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
