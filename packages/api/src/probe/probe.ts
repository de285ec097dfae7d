/** The probes of a steady state or an abort condition: one file for each type. */
import * as z from 'zod';
import { httpProbe } from './http.ts';
import { kubernetesProbe } from './kubernetes.ts';
import { prometheusProbe } from './prometheus.ts';

/** One measurement of the hypothesis. */
export const probeSchema = z.discriminatedUnion('type', [httpProbe, prometheusProbe, kubernetesProbe]);

/** One measurement of the hypothesis, with its defaults filled in. */
export type Probe = z.output<typeof probeSchema>;
