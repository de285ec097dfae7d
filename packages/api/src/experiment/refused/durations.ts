/** Experiments that are refused over durations and time limits: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const DURATION = 'a duration such as 100ms, 0.5s or 1m30s (units h, m, s, ms, us, longest first)';
const SPEC_FIELDS =
  'target, action, peers, duration, injectionTimeout, execution, steadyState, abortConditions, rollback, ttlSecondsAfterFinished';

export const durations: readonly Refused[] = [
  [{ duration: undefined }, 'spec.duration', 'it is required', 'a text'],
  [{ duration: 5 }, 'spec.duration', '"5" has no unit', DURATION],
  [{ duration: '5' }, 'spec.duration', '"5" has no unit', DURATION],
  [{ duration: '0s' }, 'spec.duration', 'it is no time at all', 'a duration longer than 0'],
  [{ duration: '24h' }, 'spec.duration', 'it is out of range', 'at most 23h'],
  [{ duration: '1d' }, 'spec.duration', '"1d" is not a duration', DURATION],
  [
    { duration: '0.5ms' },
    'spec.duration',
    'it is finer than a millisecond',
    'a duration in whole milliseconds, such as 1.5s or 20ms',
  ],
  [{ duration: '-5s' }, 'spec.duration', '"-5s" is negative', DURATION],
  [{ duration: '' }, 'spec.duration', 'it is empty', DURATION],
  [{ duration: ['5s'] }, 'spec.duration', 'it is a list', 'a text'],
  [{ duration: null }, 'spec.duration', 'it has no value: give it one, or leave it out', 'a text'],
  [{ durations: '5s' }, 'spec', '"durations" is not known here; did you mean duration?', SPEC_FIELDS],
  [{ duration: '1s1m' }, 'spec.duration', '"1s1m" has its units out of order', DURATION],
  [{ injectionTimeout: '0s' }, 'spec.injectionTimeout', 'it is no time at all', 'a duration longer than 0'],
  [{ injectionTimeout: '25h' }, 'spec.injectionTimeout', 'it is too long', 'a duration of at most 24h'],
  [
    { duration: '23h', injectionTimeout: '1h' },
    'spec.injectionTimeout',
    'with the duration it is longer than a daemon keeps an execution',
    'at most 59m with this duration',
  ],
  [{ injectionTimeout: 60 }, 'spec.injectionTimeout', '"60" has no unit', DURATION],
  [{ rollback: { timeout: '100h' } }, 'spec.rollback.timeout', 'it is too long', 'a duration of at most 24h'],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', timeout: '0s' }] } },
    'spec.steadyState.before.0.timeout',
    'it is no time at all',
    'a duration longer than 0',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', timeout: '0.5ms' }] } },
    'spec.steadyState.before.0.timeout',
    'it is finer than a millisecond',
    'a duration in whole milliseconds, such as 1.5s or 20ms',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', timeout: '1000h' }] } },
    'spec.steadyState.before.0.timeout',
    'it is too long',
    'a duration of at most 24h',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', interval: '25h' }] } },
    'spec.steadyState.before.0.interval',
    'it is too long',
    'a duration of at most 24h',
  ],
  [
    { steadyState: { meanwhile: [] } },
    'spec.steadyState',
    '"meanwhile" is not known here',
    'before, during, after, recoveryTimeout',
  ],
  [{ steadyState: { recoveryTimeout: '2d' } }, 'spec.steadyState.recoveryTimeout', '"2d" is not a duration', DURATION],
  [{ Duration: '5s' }, 'spec', '"Duration" is not known here; did you mean duration?', SPEC_FIELDS],
];
