/** Experiments that are refused over the name of the action: what is said, and what is allowed. Data of a test. */
import { catalogue } from '@chaosplane/actions';
import type { Refused } from './refused.ts';

const ACTIONS = catalogue.map(({ name }) => name).join(', ');

export const actions: readonly Refused[] = [
  [
    { action: { type: 'network-dely' } },
    'spec.action.type',
    '"network-dely" is not an action; did you mean network-delay?',
    ACTIONS,
  ],
  [
    { action: { type: 'pod-network-latency' } },
    'spec.action.type',
    '"pod-network-latency" is not an action; did you mean network-delay?',
    ACTIONS,
  ],
  [
    { action: { type: 'NetworkChaos' } },
    'spec.action.type',
    '"NetworkChaos" is not an action; did you mean network-delay?',
    ACTIONS,
  ],
  [
    { action: { type: 'pod-cpu-hog' } },
    'spec.action.type',
    '"pod-cpu-hog" is not an action; did you mean pod-cpu-stress?',
    ACTIONS,
  ],
  [
    { action: { type: 'pod-delete' } },
    'spec.action.type',
    '"pod-delete" is not an action; did you mean pod-kill?',
    ACTIONS,
  ],
  [
    { action: { type: 'node-cpu-hog' } },
    'spec.action.type',
    '"node-cpu-hog" is not an action; did you mean stress-cpu?',
    ACTIONS,
  ],
  [
    { action: { type: 'pod-http-status-code' } },
    'spec.action.type',
    '"pod-http-status-code" is not an action; did you mean pod-http-abort?',
    ACTIONS,
  ],
  [{ action: { type: 'netem' } }, 'spec.action.type', '"netem" is not an action; did you mean network-delay?', ACTIONS],
  [{ action: { type: '' } }, 'spec.action.type', 'it is empty', 'at least 1 character'],
  [{ action: { type: 5 } }, 'spec.action.type', 'it is a number', 'a text'],
  [{ action: {} }, 'spec.action.type', 'it is required', 'a text'],
  [{ action: 'network-delay' }, 'spec.action', 'it is a text', 'a map'],
  [{ action: null }, 'spec.action', 'it has no value: give it one, or leave it out', 'a map'],
];
