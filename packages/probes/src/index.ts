/** Probes: what is asked for the steady state of an experiment, by the operator and by `chaosplane run`. */
export type { Measured, Prober, ProbeRunner, WantedObjects } from './prober.ts';
export { readObjects } from './objects.ts';
export { runProbes } from './run.ts';
export { isSampled, startSampling, type Sampling } from './sampling.ts';
export { readSecret, type SecretKey } from './secret.ts';
