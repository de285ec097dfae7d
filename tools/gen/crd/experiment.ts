/** What must hold of the spec of an experiment, wherever it stands: ones that can be judged without its status. */
import { catalogue, MOST_PARAMETERS, type Action } from '@chaosplane/actions';
import { durationRule, rule } from './definition.ts';
import { describeParameters } from './parameters.ts';
import type { Addition } from './place.ts';

/** Names and aliases of the actions for that kind of target; of others only the operator knows. */
function isActionOf(kind: Action['targetKind']): string {
  const names = catalogue
    .filter(({ targetKind }) => targetKind === kind)
    .flatMap((each) => [each.name, ...each.aliases]);
  return `(self.action.type in [${names.map((name) => `'${name}'`).join(', ')}])`;
}

/** Names and aliases of the actions that happen once. */
const isOneShot = `(self.action.type in [${catalogue
  .filter(({ recover }) => recover === 'one-shot')
  .flatMap(({ name, aliases }) => [name, ...aliases])
  .map((name) => `'${name}'`)
  .join(', ')}])`;

/** Where probes are, below the spec. */
const PROBES = ['steadyState.before[]', 'steadyState.during[]', 'steadyState.after[]', 'abortConditions[]'] as const;

/** Where objects are chosen by their labels. */
const SELECTORS = [
  'target.labelSelector',
  'peers[].podSelector.labelSelector',
  ...PROBES.map((probe) => `${probe}.labelSelector`),
];

/** What each type of probe needs: of a field that not all have, the schema cannot say that it is required. */
export const probeRules = (probe: string): readonly Addition[] => [
  rule(probe, 'probes of the types http and prometheus need a url', "self.type == 'k8s' || has(self.url)"),
  rule(
    probe,
    'a probe of the type prometheus needs query and expect',
    "self.type != 'prometheus' || (has(self.query) && has(self.expect))",
  ),
  rule(
    probe,
    'a probe of the type k8s needs kind, ready, and names or labelSelector',
    "self.type != 'k8s' || (has(self.kind) && has(self.ready) && (has(self.names) || has(self.labelSelector)))",
  ),
  rule(`${probe}.ready`, 'either count or share', 'has(self.count) != has(self.share)'),
];

/** What a label selector needs. */
export const selectorRule = (selector: string): Addition =>
  rule(
    `${selector}.matchExpressions[]`,
    'In and NotIn need values, Exists and DoesNotExist take none',
    "self.operator in ['In', 'NotIn'] ? size(self.values) > 0 : size(self.values) == 0",
  );

/**
 * Where an API server would drop a null without a word, and so widen what is hit: `matchLabels: { app: }` would mean every pod.
 * Kept, the operator refuses it with the words of `chaosplane run`. A null in a list is refused by the API server itself.
 */
const NULLS_KEPT = [
  ...SELECTORS.flatMap(nullsOfSelector),
  'target.names',
  ...PROBES.map((probe) => `${probe}.names`),
  'peers[].ports',
  'action.parameters{}',
];

/** Where a label selector keeps a null. */
export function nullsOfSelector(selector: string): readonly string[] {
  return [`${selector}.matchLabels`, `${selector}.matchLabels{}`, `${selector}.matchExpressions`];
}

/** A null is kept there. */
export const nullable = (at: string): Addition => ({ at, add: { nullable: true } });

/** What Kubernetes must be told of the spec of an experiment that stands at a path, beside its zod schema. */
export function experimentRules(spec: string): readonly Addition[] {
  const at = (path: string): string => `${spec}.${path}`;
  return [
    { at: at('action.parameters'), add: { description: describeParameters(), maxProperties: MOST_PARAMETERS } },
    ...NULLS_KEPT.map((path) => nullable(at(path))),
    rule(
      at('target'),
      'nothing says which targets are meant: give names, labelSelector, or both',
      'has(self.names) || has(self.labelSelector)',
    ),
    rule(
      at('target'),
      'the modes fixed, fixed-percent and random-max-percent need a value',
      "self.mode in ['one', 'all'] || has(self.value)",
    ),
    rule(
      at('target'),
      'the value is more than 100 percent',
      "!self.mode.endsWith('percent') || !has(self.value) || self.value <= 100",
    ),
    rule(at('target'), 'nodes have no namespace', "self.kind != 'Node' || !has(self.namespace)"),
    rule(spec, 'this action hits nodes: say target.kind Node', `self.target.kind == 'Node' || !${isActionOf('Node')}`),
    rule(spec, 'this action hits pods: say target.kind Pod', `self.target.kind != 'Node' || !${isActionOf('Pod')}`),
    rule(spec, 'actions that hit nodes have no peers', "self.target.kind != 'Node' || size(self.peers) == 0"),
    rule(at('target'), 'the modes one and all take no value', "!(self.mode in ['one', 'all']) || !has(self.value)"),
    ...PROBES.flatMap((probe) => probeRules(at(probe))),
    ...SELECTORS.map((selector) => selectorRule(at(selector))),
    rule(
      spec,
      'this action happens once to each target: its targets are not dynamic',
      `!self.target.dynamic || !${isOneShot}`,
    ),
    rule(at('peers[]'), 'a peer is either a cidr or a podSelector', 'has(self.cidr) != has(self.podSelector)'),
    ...durationRule(
      at('duration'),
      'allowed: a duration longer than 0 and at most 23h, such as 30s or 1m30s',
      "duration(self) > duration('0s')",
      "duration(self) <= duration('23h')",
    ),
    ...durationRule(
      at('injectionTimeout'),
      'allowed: a duration longer than 0, such as 60s',
      "duration(self) > duration('0s')",
    ),
    ...durationRule(at('steadyState.recoveryTimeout'), 'allowed: a duration such as 60s'),
    ...durationRule(at('rollback.timeout'), 'allowed: a duration such as 60s'),
  ];
}
