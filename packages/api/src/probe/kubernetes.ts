/** The probe `k8s`: how many objects of one kind must be ready. */
import * as z from 'zod';
import { objectName } from '../shared/names.ts';
import { closed } from '../shared/schema.ts';
import { labelSelector } from '../shared/selector.ts';
import { wholeShare } from '../shared/share.ts';
import { probeName, timing } from './timing.ts';

/** The kinds whose readiness can be asked for. */
export const PROBED_KINDS = ['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'Node'] as const;

/** A kind whose readiness can be asked for. */
export type ProbedKind = (typeof PROBED_KINDS)[number];

const ready = closed({
  count: z.int().min(0).max(1_000_000).optional().describe('At least so many.'),
  share: wholeShare.optional().describe("At least this share of those there should be, rounded up: '90%'."),
}).superRefine(({ count, share: percent }, { addIssue }) => {
  if ((count === undefined) !== (percent === undefined)) return;
  const message = count === undefined ? 'it says nothing' : 'it says two things';
  addIssue({ code: 'custom', path: [], message, params: { allowed: 'either count or share' } });
});

/**
 * How many must be ready. Counted are pods, nodes and Jobs themselves, and of Deployments, StatefulSets and DaemonSets their pods.
 * They are those of the experiment's own namespace; nodes have none. Times in milliseconds, the share in percent.
 */
export const kubernetesProbe = closed({
  name: probeName,
  type: z.literal('k8s'),
  kind: z.enum(PROBED_KINDS).describe("k8s: what is counted, in the experiment's own namespace; nodes have none."),
  names: z.array(objectName).min(1).max(50).optional().describe('k8s: which of them, by their names.'),
  labelSelector: labelSelector.optional().describe('k8s: which of them, by their labels.'),
  ready: ready.describe('k8s: how many must be ready, at least.'),
  ...timing,
}).superRefine(({ names, labelSelector: labels }, { addIssue }) => {
  if (names !== undefined || labels !== undefined) return;
  const params = { allowed: 'names, labelSelector, or both' };
  addIssue({ code: 'custom', path: [], message: 'nothing says which objects are meant', params });
});

/** How many must be ready, with its defaults filled in. */
export type KubernetesProbe = z.output<typeof kubernetesProbe>;
