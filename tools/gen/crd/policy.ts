/** The kind BlastRadiusPolicy, and what Kubernetes must be told beside its zod schema. */
import { catalogue } from '@chaosplane/actions';
import { policySpecSchema } from '@chaosplane/api';
import * as z from 'zod';
import { AGE, durationRule, rule, type Definition } from './definition.ts';
import type { Addition } from './place.ts';
import { windowRules } from './windows.ts';

/** Where namespaces are named, with labels or without. */
const PLACES = ['spec.scope', 'spec.protectedResources[]'];

/** Where actions are. */
const ACTIONS = ['spec.scope.actions', 'spec.actionLimits.allowedActions'];

/** Where windows are. */
const WINDOWS = ['spec.timeWindows.allowed[]', 'spec.timeWindows.blocked[]'];

const names = catalogue.flatMap((each) => [each.name, ...each.aliases]).map((name) => `'${name}'`);

/**
 * A policy that cannot be understood allows nothing, so what the operator would not understand is refused here. The texts are
 * bounded, or the API server could not bound the cost of a rule.
 */
const additions: readonly Addition[] = [
  ...PLACES.flatMap((place) => [
    rule(
      `${place}.namespaces[]`,
      'not the name of a namespace: lower-case letters, digits and -, beginning and ending with a letter or digit',
      "self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",
    ),
    ...['labelSelector', 'namespaceSelector'].map((selector) =>
      rule(
        `${place}.${selector}.matchExpressions[]`,
        'In and NotIn need values, Exists and DoesNotExist take none',
        "self.operator in ['In', 'NotIn'] ? size(self.values) > 0 : size(self.values) == 0",
      ),
    ),
  ]),
  rule(
    'spec.protectedResources[]',
    'nodes have no namespace',
    "self.kind != 'Node' || (!has(self.namespaces) && !has(self.namespaceSelector))",
  ),
  ...ACTIONS.map((at) => rule(`${at}[]`, 'not an action: see docs/actions', `self in [${names.join(', ')}]`)),
  ...['minAvailable', 'maxUnavailable'].flatMap((limit) =>
    rule(
      `spec.targetLimits.${limit}`,
      'a whole number such as 2, or a percentage such as 30%',
      "type(self) == int ? self >= 0 : self.matches('^(100|[1-9]?[0-9])%$')",
    ),
  ),
  ...durationRule(
    'spec.actionLimits.maxDuration',
    'allowed: a duration longer than 0, such as 10m',
    "duration(self) > duration('0s')",
  ),
  ...WINDOWS.flatMap(windowRules),
];

export const policyDefinition: Definition = {
  kind: 'BlastRadiusPolicy',
  plural: 'blastradiuspolicies',
  singular: 'blastradiuspolicy',
  shortNames: ['brp'],
  categories: ['chaosplane'],
  scope: 'Cluster',
  description:
    'Which experiments may be begun, and how much they may hit: judged before the first injection and while they run.',
  schema: z.object({ spec: policySpecSchema.describe('What the policy demands.') }),
  additions,
  columns: [
    { name: 'Enforcement', type: 'string', jsonPath: '.spec.enforcement' },
    {
      name: 'Halt',
      type: 'boolean',
      jsonPath: '.spec.halt',
      description: 'The kill switch: true ends everything in the scope.',
    },
    AGE,
  ],
};
