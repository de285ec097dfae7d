/** Probes: what is asked for the steady state of an experiment, by the operator and by `chaosplane run`. */
export type { Prober, ProbeRunner } from './prober.ts';
export { runProbes } from './run.ts';
export { readSecret, type SecretKey } from './secret.ts';
