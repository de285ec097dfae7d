/** The components of an operator, in the order in which they start. */
import type { Component, Leadership } from '@chaosplane/kube';
import type { OperatorConfig } from './config.ts';
import { setupExperiments } from './controllers/experiment/setup.ts';
import type { LeaderView } from './controllers/policy/outlook.ts';
import { setupPolicies } from './controllers/policy/setup.ts';
import { setupSchedules } from './controllers/schedule/setup.ts';
import { setupWorkflows } from './controllers/workflow/setup.ts';
import { setupCapabilities, setupClean, setupEndpoints, setupLeases } from './daemons/setup.ts';
import { setupNodes } from './nodes/setup.ts';
import type { OperatorParts } from './parts.ts';
import { cacheComponent, newTermParts } from './term.ts';
import { setupWebhook } from './webhook/setup.ts';

/** What every replica runs, whether it leads or not. */
export function everyReplica(
  config: OperatorConfig,
  parts: Required<OperatorParts>,
  leader: LeaderView,
): readonly Component[] {
  return setupWebhook(config, parts, leader);
}

/** What only the leader runs, for one term. */
export function leaderOnly(
  config: OperatorConfig,
  parts: Required<OperatorParts>,
  { epoch }: Leadership,
  leader: LeaderView,
): readonly Component[] {
  const term = newTermParts(config, parts, epoch);
  const { caches, events, targetEvents } = term;
  const { pods, nodes, services, slices, daemonPods } = caches;
  const { components, policies } = setupPolicies(term);
  return [
    ...[pods, nodes, services, slices, daemonPods].map(cacheComponent),
    ...components,
    ...setupEndpoints(term),
    ...setupLeases(term),
    { name: 'events', start: async () => undefined, stop: () => events.stop() },
    { name: 'events of targets', start: async () => undefined, stop: () => targetEvents.stop() },
    ...setupExperiments(term, policies),
    // After the cache of experiments, by which they know what they made.
    ...setupWorkflows(term, leader),
    ...setupSchedules(term),
    // The same: it is asked for each execution.
    ...setupClean(term),
    ...setupNodes(term),
    outlookComponent(leader, (key) => ({ pods: pods.list, nodes: nodes.list, policy: policies.inputFor(key) })),
    ...setupCapabilities(term),
  ];
}

/** Shows the copies of the leader, once they are there and for as long as it leads. */
function outlookComponent(leader: LeaderView, outlook: Required<LeaderView>['outlook']): Component {
  return {
    name: 'outlook',
    start: async () => {
      leader.outlook = outlook;
    },
    stop: async () => {
      delete leader.outlook;
    },
  };
}
