/** A number of pods, or a percentage of those that a workload should have: as Kubernetes has it in a PodDisruptionBudget. */
import { quoted } from '@chaosplane/common/pure';
import * as z from 'zod';

const allowed = 'a whole number such as 2, or a percentage such as 30%';

/** The schema: a whole number, or a text that ends with `%`. */
export const podLimit = z.union([z.int(), z.string()]).transform((value, context): PodLimit => {
  if (typeof value === 'number' && value >= 0) return { count: value };
  const [, percent] = /^(100|[1-9]?[0-9])%$/.exec(String(value)) ?? [];
  if (percent !== undefined) return { percent: Number(percent) };
  const wrong = `${typeof value === 'number' ? value : quoted(value)} is no number of pods`;
  context.addIssue({ code: 'custom', message: wrong, params: { allowed } });
  return z.NEVER;
});

/** How many pods: so many, or so many percent of those that should be there. */
export type PodLimit = { readonly count: number } | { readonly percent: number };
