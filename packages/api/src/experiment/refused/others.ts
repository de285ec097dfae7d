/** Experiments that are refused over the parameters of all other actions: what is said, and what is allowed. Data of a test. */
import { catalogue } from '@chaosplane/actions';
import type { Refused } from './refused.ts';

/** Those of the catalogue, to which a new action is added. */
const ACTIONS = catalogue.map(({ name }) => name).join(', ');
const SIZE = 'bytes such as 256M or 64Mi, or a percentage of the limit such as 50%';

export const others: readonly Refused[] = [
  [
    { action: { type: 'pod-cpu-stress', parameters: { workers: 0 } } },
    'spec.action.parameters.workers',
    '"0" is out of range',
    'a whole number from 1 to 256',
  ],
  [
    { action: { type: 'pod-cpu-stress', parameters: { workers: 1.5 } } },
    'spec.action.parameters.workers',
    '"1.5" is not a whole number',
    'a whole number from 1 to 256',
  ],
  [
    { action: { type: 'pod-cpu-stress', parameters: { load: 50.5 } } },
    'spec.action.parameters.load',
    '"50.5" is not a whole percentage',
    'a percentage above 0, up to 100, such as 50 or 50%',
  ],
  [
    { action: { type: 'pod-cpu-stress', parameters: { load: 0 } } },
    'spec.action.parameters.load',
    '"0" would do nothing',
    'a percentage above 0, up to 100, such as 50 or 50%',
  ],
  [
    { action: { type: 'pod-cpu-stress', parameters: { CPU_CORES: 1 } } },
    'spec.action.parameters',
    '"CPU_CORES" is not a parameter; did you mean workers?',
    'workers, load, podName, podNamespace, containerName',
  ],
  [
    { action: { type: 'pod-cpu-stress', parameters: { workers: [1] } } },
    'spec.action.parameters.workers',
    'it is a list',
    'one text: a whole number from 1 to 256',
  ],
  [
    { action: { type: 'pod-memory-stress', parameters: { size: '0' } } },
    'spec.action.parameters.size',
    '"0" would do nothing',
    SIZE,
  ],
  [
    { action: { type: 'pod-memory-stress', parameters: { size: '1T' } } },
    'spec.action.parameters.size',
    '"1T" is not an amount of bytes',
    SIZE,
  ],
  [
    { action: { type: 'pod-memory-stress', parameters: { size: '0.4' } } },
    'spec.action.parameters.size',
    '"0.4" is less than a byte',
    SIZE,
  ],
  [
    { action: { type: 'pod-memory-stress', parameters: { size: '150%' } } },
    'spec.action.parameters.size',
    '"150%" is more than 100%',
    'a percentage from 0 to 100, such as 25 or 25%',
  ],
  [
    { action: { type: 'pod-memory-stress', parameters: { size: '0.0001%' } } },
    'spec.action.parameters.size',
    '"0.0001%" is finer than 0.001%',
    'a percentage from 0 to 100, such as 25 or 25%',
  ],
  [
    { action: { type: 'pod-memory-stress', parameters: { oomScoreAdj: 2000 } } },
    'spec.action.parameters.oomScoreAdj',
    '"2000" is out of range',
    'a whole number from -1000 to 1000',
  ],
  [
    { action: { type: 'pod-memory-stress', parameters: { MEMORY_CONSUMPTION: 500 } } },
    'spec.action.parameters',
    '"MEMORY_CONSUMPTION" is not a parameter; did you mean size?',
    'workers, size, oomScoreAdj, force, podName, podNamespace, containerName',
  ],
  [
    { action: { type: 'pod-io-stress', parameters: { path: 'data' } } },
    'spec.action.parameters.path',
    '"data" is not a path',
    'an absolute path of letters, digits, ., _, - and /',
  ],
  [
    { action: { type: 'pod-io-stress', parameters: { path: ['/data'] } } },
    'spec.action.parameters.path',
    'it is a list',
    'one text: an absolute path of letters, digits, ., _, - and /',
  ],
  [
    { action: { type: 'container-kill', parameters: { signal: 'STOP' } } },
    'spec.action.parameters.signal',
    '"STOP" is not a signal that may be sent',
    'KILL, TERM, INT, QUIT, HUP, USR1, USR2, with or without SIG',
  ],
  [
    { action: { type: 'container-kill', parameters: { signal: 9 } } },
    'spec.action.parameters.signal',
    '"9" is not a signal that may be sent',
    'KILL, TERM, INT, QUIT, HUP, USR1, USR2, with or without SIG',
  ],
  [
    { action: { type: 'container-kill', parameters: { containerNames: 'app' } } },
    'spec.action.parameters',
    '"containerNames" is not a parameter; did you mean containerName?',
    'signal, podName, podNamespace, containerName',
  ],
  [
    { action: { type: 'pod-kill', parameters: { gracePeriod: 5 } } },
    'spec.action.parameters',
    '"gracePeriod" is not a parameter; did you mean gracePeriodSeconds?',
    'gracePeriodSeconds',
  ],
  [
    { action: { type: 'pod-kill', parameters: { gracePeriodSeconds: '5s' } } },
    'spec.action.parameters.gracePeriodSeconds',
    '"5s" is not a number of seconds',
    'whole seconds from 0 to 3600',
  ],
  [
    { action: { type: 'pod-kill', parameters: { gracePeriodSeconds: 4000 } } },
    'spec.action.parameters.gracePeriodSeconds',
    '"4000" is more than an hour',
    'whole seconds from 0 to 3600',
  ],
  [
    { action: { type: 'pod-kill', parameters: { FORCE: true } } },
    'spec.action.parameters',
    '"FORCE" is not a parameter',
    'gracePeriodSeconds',
  ],
  [
    { target: { kind: 'Node', names: ['n1'] }, action: { type: 'stress-cpu', parameters: { containerName: 'app' } } },
    'spec.action.parameters',
    '"containerName" is not a parameter',
    'workers, load',
  ],
  [
    { target: { kind: 'Node', names: ['n1'] }, action: { type: 'stress-memory', parameters: { size: 'x' } } },
    'spec.action.parameters.size',
    '"x" is not an amount of bytes',
    SIZE,
  ],
  [
    { target: { kind: 'Node', names: ['n1'] }, action: { type: 'node-restart', parameters: { gracePeriod: '6m' } } },
    'spec.action.parameters.gracePeriod',
    '"6m" is too long',
    'a duration from 0s to 5m',
  ],
  [
    { target: { kind: 'Node', names: ['n1'] }, action: { type: 'node-restart', parameters: { gracePeriod: 5 } } },
    'spec.action.parameters.gracePeriod',
    '"5" has no unit',
    'a duration such as 100ms, 0.5s or 1m30s (units h, m, s, ms, us, longest first)',
  ],
  [
    { target: { kind: 'Node', names: ['n1'] }, action: { type: 'node-reboot' } },
    'spec.action.type',
    '"node-reboot" is not an action; did you mean node-restart?',
    ACTIONS,
  ],
  [
    { action: { type: 'hello-world', parameters: { containerId: 'a' } } },
    'spec.action.parameters.containerId',
    'the target chooses the pod',
    'nothing here',
  ],
];
