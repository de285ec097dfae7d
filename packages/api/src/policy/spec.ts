/** The BlastRadiusPolicy resource: its schema. */
import * as z from 'zod';
import { namespaceName, objectName } from '../shared/names.ts';
import { closed, positiveDuration } from '../shared/schema.ts';
import { labelSelector } from '../shared/selector.ts';
import { API_VERSION } from '../shared/version.ts';
import { actionName } from './action-name.ts';
import { podLimit } from './limit.ts';
import { timeWindow } from './window.ts';

/** What an entry of the protected resources may be about. */
export const protectedKinds = ['Pod', 'Node', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job'] as const;

const namespaces = z.array(namespaceName).min(1).max(200).optional();
const actions = z.array(actionName).min(1).max(100).optional();

/** Which targets a policy is about; readable by itself, when the rest of the policy is not. */
export const policyScope = closed({
  namespaces: namespaces.describe('Targets in these namespaces. Default: in all.'),
  namespaceSelector: labelSelector.optional().describe('Targets in namespaces that have these labels.'),
  labelSelector: labelSelector.optional().describe('Pods or nodes that have these labels.'),
  actions: actions.describe('Experiments with these actions. Default: with all.'),
});

const targetLimits = closed({
  maxTargets: z
    .int()
    .min(0)
    .optional()
    .describe('How many targets of the scope may be hit at the same time, by all experiments together.'),
  maxPercentage: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe(
      'How many percent of the pods that a workload should have, or of all nodes, may be hit at the same time.',
    ),
  minAvailable: podLimit
    .optional()
    .describe('How many pods of each workload must be left that are Ready and not hit: 2, or 50%.'),
  maxUnavailable: podLimit
    .optional()
    .describe('How many pods of each workload may be hit, not Ready or missing: 1, or 25%.'),
});

const protectedResource = closed({
  kind: z
    .enum(protectedKinds)
    .default('Pod')
    .describe('What is protected: nodes, pods, or the pods of such workloads.'),
  namespaces: namespaces.describe('In these namespaces. Default: in all.'),
  namespaceSelector: labelSelector.optional().describe('In namespaces that have these labels.'),
  labelSelector: labelSelector.optional().describe('Pods or nodes that have these labels.'),
  names: z.array(objectName).min(1).max(1000).optional().describe('With these names, which are those of the kind.'),
  includeNodes: z.boolean().default(true).describe('Whether the nodes that such pods run on are protected as well.'),
}).superRefine(({ kind, namespaces: named, namespaceSelector }, { addIssue }) => {
  if (kind !== 'Node') return;
  const params = { allowed: 'nothing here' };
  for (const [field, value] of Object.entries({ namespaces: named, namespaceSelector }))
    if (value !== undefined) addIssue({ code: 'custom', path: [field], message: 'nodes have no namespace', params });
});

/** What a policy demands, as a document says it. The resource definition of Kubernetes is made from it. */
export const policySpecSchema = closed({
  enforcement: z
    .enum(['Enforce', 'Audit'])
    .default('Enforce')
    .describe('Enforce: what breaks the policy is refused, or recovered. Audit: it is told, and goes on.'),
  halt: z
    .boolean()
    .default(false)
    .describe(
      'The kill switch: everything in the scope is recovered, and nothing is begun until it is false again. Also where the policy only audits.',
    ),
  scope: policyScope.prefault({}).describe('Which targets it is about; nothing in it: all.'),
  targetLimits: targetLimits.prefault({}).describe('How much may be hit at the same time.'),
  protectedResources: z.array(protectedResource).max(50).default([]).describe('What is never hit.'),
  actionLimits: closed({
    allowedActions: actions.describe('Only these actions. Default: all.'),
    maxDuration: positiveDuration.optional().describe('The longest duration of an experiment: 10m.'),
  })
    .prefault({})
    .describe('What may happen to the targets, and for how long.'),
  timeWindows: closed({
    allowed: z.array(timeWindow).min(1).max(50).optional().describe('Only in one of these. Default: always.'),
    blocked: z.array(timeWindow).max(50).default([]).describe('Never in one of these.'),
  })
    .prefault({})
    .describe('When experiments may be under way.'),
});

/** The document. */
export const policySchema = closed({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('BlastRadiusPolicy'),
  metadata: z.looseObject({ name: objectName }),
  spec: policySpecSchema,
});

/** What a policy demands. Durations are milliseconds. */
export type PolicySpec = z.output<typeof policySpecSchema>;

/** Which targets it is about. */
export type PolicyScope = z.output<typeof policyScope>;

/** What is never hit. */
export type ProtectedResource = PolicySpec['protectedResources'][number];
