/** Experiments that are refused over durations, probes and the rest of the spec: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const DURATION = 'a duration such as 100ms, 0.5s or 1m30s (units h, m, s, ms, us, longest first)';
const SPEC_FIELDS =
  'target, action, peers, duration, injectionTimeout, execution, steadyState, abortConditions, rollback';

export const spec: readonly Refused[] = [
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
  [{ execution: { parallelism: 0 } }, 'spec.execution.parallelism', 'it is too little', 'at least 1'],
  [{ execution: { parallelism: 1001 } }, 'spec.execution.parallelism', 'it is too much', 'at most 1000'],
  [{ execution: { dryRun: 'true' } }, 'spec.execution.dryRun', 'it is a text', 'true or false'],
  [{ execution: { onMissed: 'Ignore' } }, 'spec.execution.onMissed', '"Ignore" is not known', 'Continue, Recover'],
  [
    { execution: { dryrun: true } },
    'spec.execution',
    '"dryrun" is not known here; did you mean dryRun?',
    'parallelism, dryRun, onMissed, onTargetGone',
  ],
  [{ execution: [] }, 'spec.execution', 'it is a list', 'a map'],
  [{ rollback: { enabled: 'no' } }, 'spec.rollback.enabled', 'it is a text', 'true or false'],
  [{ rollback: { timeout: '100h' } }, 'spec.rollback.timeout', 'it is too long', 'a duration of at most 24h'],
  [
    { steadyState: { before: [{ type: 'http', url: 'shop' }] } },
    'spec.steadyState.before.0.url',
    'it is not a URL',
    'a URL with http:// or https://',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'ftp://shop/' }] } },
    'spec.steadyState.before.0.url',
    'it is not a URL',
    'a URL with http:// or https://',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: '' }] } },
    'spec.steadyState.before.0.url',
    'it is not a URL',
    'a URL with http:// or https://',
  ],
  [
    { steadyState: { before: [{ type: 'prometheus', url: 'http://shop/' }] } },
    'spec.steadyState.before.0.type',
    'this type of probe is not available in this version',
    'http',
  ],
  [
    { steadyState: { before: [{ type: 'tcp', url: 'http://shop/' }] } },
    'spec.steadyState.before.0.type',
    '"tcp" is not known',
    'http, prometheus, k8s',
  ],
  [
    { steadyState: { before: [{ type: undefined, url: 'http://shop/' }] } },
    'spec.steadyState.before.0.type',
    'it is required',
    'http, prometheus, k8s',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', method: 'PUT' }] } },
    'spec.steadyState.before.0.method',
    '"PUT" is not known',
    'GET, HEAD, POST',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', expectStatus: 99 }] } },
    'spec.steadyState.before.0.expectStatus',
    'it is too little',
    'at least 100',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', expectStatus: '200' }] } },
    'spec.steadyState.before.0.expectStatus',
    'it is a text',
    'a number',
  ],
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
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', retries: -1 }] } },
    'spec.steadyState.before.0.retries',
    'it is too little',
    'at least 0',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', retries: 101 }] } },
    'spec.steadyState.before.0.retries',
    'it is too much',
    'at most 100',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', ca: 'x' }] } },
    'spec.steadyState.before.0.ca',
    'it is no certificate',
    'certificates in PEM: -----BEGIN CERTIFICATE----- …',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', insecure: true }] } },
    'spec.steadyState.before.0.insecure',
    'http has no certificates',
    'false, or a url with https',
  ],
  [
    {
      steadyState: {
        before: [
          {
            type: 'http',
            url: 'https://shop/',
            insecure: true,
            ca: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n',
          },
        ],
      },
    },
    'spec.steadyState.before.0.insecure',
    'with it nobody looks at ca',
    'one of the two',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', headers: { a: 'b' } }] } },
    'spec.steadyState.before.0.headers',
    'it is a map',
    'a list',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', headers: [{ name: 'A' }] }] } },
    'spec.steadyState.before.0.headers.0',
    'it has no value',
    'either value or valueFrom',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', headers: [{ name: 'A b', value: 'c' }] }] } },
    'spec.steadyState.before.0.headers.0.name',
    '"A b" is not the name of a header',
    'such as Authorization',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', headers: [{ name: 'A', value: 'b\nc' }] }] } },
    'spec.steadyState.before.0.headers.0.value',
    'no header has these characters',
    'printable ASCII, in one line',
  ],
  [
    {
      steadyState: {
        before: [
          {
            type: 'http',
            url: 'http://shop/',
            headers: [{ name: 'A', value: 'b', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
          },
        ],
      },
    },
    'spec.steadyState.before.0.headers.0',
    'it has two values',
    'either value or valueFrom',
  ],
  [
    {
      steadyState: {
        before: [
          {
            type: 'http',
            url: 'http://shop/',
            headers: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'S', key: 'k' } } }],
          },
        ],
      },
    },
    'spec.steadyState.before.0.headers.0.valueFrom.secretKeyRef.name',
    '"S" is not a name',
    'lower-case letters, digits, - and ., beginning and ending with a letter or digit, at most 253 long',
  ],
  [
    { steadyState: { before: [{ type: 'http', url: 'http://shop/', expectedStatus: 200 }] } },
    'spec.steadyState.before.0',
    '"expectedStatus" is not known here; did you mean expectStatus?',
    'name, type, url, method, expectStatus, headers, ca, insecure, timeout, interval, retries',
  ],
  [{ steadyState: { during: [] } }, 'spec.steadyState', '"during" is not known here', 'before, after, recoveryTimeout'],
  [{ steadyState: { recoveryTimeout: '2d' } }, 'spec.steadyState.recoveryTimeout', '"2d" is not a duration', DURATION],
  [
    { abortConditions: [{ type: 'http', url: 'http://a' }] },
    'spec.abortConditions',
    'abort conditions are not available in this version',
    'none; abort by hand',
  ],
  [
    { selector: { app: 'web' } },
    'spec',
    '"selector" is not known here; did you mean target.labelSelector?',
    SPEC_FIELDS,
  ],
  [{ mode: 'one' }, 'spec', '"mode" is not known here; did you mean target.mode?', SPEC_FIELDS],
  [
    { direction: 'to' },
    'spec',
    '"direction" is not known here; did you mean action.parameters.direction?',
    SPEC_FIELDS,
  ],
  [{ externalTargets: ['a'] }, 'spec', '"externalTargets" is not known here; did you mean peers?', SPEC_FIELDS],
  [{ Duration: '5s' }, 'spec', '"Duration" is not known here; did you mean duration?', SPEC_FIELDS],
  [{ spec: {} }, 'spec', '"spec" is not known here', SPEC_FIELDS],
];
