/** Experiments that are refused over the parameters of delays and of actions by chance: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const PARAMETERS =
  'latency, jitter, correlation, podName, podNamespace, containerName, direction, peers, ports, protocol, interface, spareProbes';
const DURATION = 'a duration such as 100ms, 0.5s or 1m30s (units h, m, s, ms, us, longest first)';
const WAIT = 'more than 0, at most 10m, in whole microseconds';
const ONE_DURATION = 'one text: a duration above 0, up to 10m, such as 200ms';
const PERCENT = 'a percentage from 0 to 100, such as 25 or 25%';

export const delays: readonly Refused[] = [
  [
    { action: { type: 'network-delay' } },
    'spec.action.parameters.latency',
    'it is required',
    'a duration above 0, up to 10m, such as 200ms',
  ],
  [
    { action: { type: 'network-delay', parameters: { delay: '1s' } } },
    'spec.action.parameters',
    '"delay" is not a parameter; did you mean latency?',
    PARAMETERS,
  ],
  [
    { action: { type: 'network-delay', parameters: { time: '1s' } } },
    'spec.action.parameters',
    '"time" is not a parameter; did you mean latency?',
    PARAMETERS,
  ],
  [
    { action: { type: 'network-delay', parameters: { NETWORK_LATENCY: '2000' } } },
    'spec.action.parameters',
    '"NETWORK_LATENCY" is not a parameter; did you mean latency?',
    PARAMETERS,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: 100 } } },
    'spec.action.parameters.latency',
    '"100" has no unit',
    DURATION,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '0s' } } },
    'spec.action.parameters.latency',
    '"0s" would do nothing',
    WAIT,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '0.5us' } } },
    'spec.action.parameters.latency',
    '"0.5us" is finer than a microsecond',
    WAIT,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1.0001ms' } } },
    'spec.action.parameters.latency',
    '"1.0001ms" is finer than a microsecond',
    WAIT,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '11m' } } },
    'spec.action.parameters.latency',
    '"11m" is too long',
    WAIT,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '-1s' } } },
    'spec.action.parameters.latency',
    '"-1s" is negative',
    DURATION,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: ['1s'] } } },
    'spec.action.parameters.latency',
    'it is a list',
    ONE_DURATION,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: { seconds: 1 } } } },
    'spec.action.parameters.latency',
    'it is a map',
    ONE_DURATION,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: null } } },
    'spec.action.parameters.latency',
    'it has no value',
    ONE_DURATION,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: true } } },
    'spec.action.parameters.latency',
    '"true" is not a duration',
    DURATION,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', jitter: '2s' } } },
    'spec.action.parameters.jitter',
    '2s is longer than the latency',
    'at most 1s',
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', jitter: '0.1us' } } },
    'spec.action.parameters.jitter',
    '"0.1us" is finer than a microsecond',
    WAIT,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', correlation: '25' } } },
    'spec.action.parameters.correlation',
    'there is no jitter to correlate',
    '0 without jitter',
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', jitter: '1ms', correlation: '101' } } },
    'spec.action.parameters.correlation',
    '"101" is more than 100%',
    PERCENT,
  ],
  [{ action: { type: 'network-delay', parameters: '1s' } }, 'spec.action.parameters', 'it is a text', 'a map'],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', device: 'eth0' } } },
    'spec.action.parameters',
    '"device" is not a parameter; did you mean interface?',
    PARAMETERS,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', duration: '5s' } } },
    'spec.action.parameters',
    '"duration" is not a parameter; did you mean spec.duration?',
    PARAMETERS,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', namespace: 'shop' } } },
    'spec.action.parameters',
    '"namespace" is not a parameter; did you mean spec.target.namespace?',
    PARAMETERS,
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', podName: 'a' } } },
    'spec.action.parameters.podName',
    'the target chooses the pod',
    'nothing here',
  ],
  [
    { action: { type: 'network-delay', parameters: { latency: '1s', containerName: 'App' } } },
    'spec.action.parameters.containerName',
    '"App" is not a name',
    'lower-case letters, digits and -, beginning and ending with a letter or digit, at most 63 long',
  ],
  [
    { action: { type: 'network-loss', parameters: {} } },
    'spec.action.parameters.percent',
    'it is required',
    'a percentage above 0, up to 100, such as 25 or 25%',
  ],
  [
    { action: { type: 'network-loss', parameters: { loss: '5' } } },
    'spec.action.parameters',
    '"loss" is not a parameter; did you mean percent?',
    'percent, correlation, podName, podNamespace, containerName, direction, peers, ports, protocol, interface, spareProbes',
  ],
  [
    { action: { type: 'network-loss', parameters: { percent: 0.0001 } } },
    'spec.action.parameters.percent',
    '"0.0001" is finer than 0.001%',
    PERCENT,
  ],
  [
    { action: { type: 'network-loss', parameters: { percent: 1e-7 } } },
    'spec.action.parameters.percent',
    '"1e-7" is not a percentage',
    PERCENT,
  ],
  [
    { action: { type: 'network-loss', parameters: { percent: '0' } } },
    'spec.action.parameters.percent',
    '"0" would do nothing',
    'a percentage above 0, up to 100, such as 25 or 25%',
  ],
  [
    { action: { type: 'network-loss', parameters: { percent: 101 } } },
    'spec.action.parameters.percent',
    '"101" is more than 100%',
    PERCENT,
  ],
  [
    { action: { type: 'network-loss', parameters: { percent: 'a lot' } } },
    'spec.action.parameters.percent',
    '"a lot" is not a percentage',
    PERCENT,
  ],
  [
    { action: { type: 'network-loss', parameters: { percent: '0.001', correlation: 50 } } },
    'spec.action.parameters.percent',
    '0.001% is too fine for packets in bursts, of which 4096 are drawn at a time',
    '0.025 to 99.975, or 100, or no correlation',
  ],
  [
    { action: { type: 'network-loss', parameters: { percent: 99.99, correlation: 50 } } },
    'spec.action.parameters.percent',
    '99.99% is too fine for packets in bursts, of which 4096 are drawn at a time',
    '0.025 to 99.975, or 100, or no correlation',
  ],
  [
    { action: { type: 'network-corrupt', parameters: { percent: '-1' } } },
    'spec.action.parameters.percent',
    '"-1" is negative',
    PERCENT,
  ],
  [
    { action: { type: 'network-duplicate', parameters: { percent: '' } } },
    'spec.action.parameters.percent',
    'it is empty',
    PERCENT,
  ],
];
