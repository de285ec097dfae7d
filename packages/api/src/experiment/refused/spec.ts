/** Experiments that are refused over durations, probes and the rest of the spec: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const SPEC_FIELDS =
  'target, action, peers, duration, injectionTimeout, execution, steadyState, abortConditions, rollback, ttlSecondsAfterFinished';

export const spec: readonly Refused[] = [
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
  [{ ttlSecondsAfterFinished: -1 }, 'spec.ttlSecondsAfterFinished', 'it is too little', 'at least 0'],
  [{ ttlSecondsAfterFinished: 31_536_001 }, 'spec.ttlSecondsAfterFinished', 'it is too much', 'at most 31536000'],
  [{ ttlSecondsAfterFinished: '1h' }, 'spec.ttlSecondsAfterFinished', 'it is a text', 'a number'],
  [{ rollback: { enabled: 'no' } }, 'spec.rollback.enabled', 'it is a text', 'true or false'],
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
    'with it ca is not used',
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
  [{ spec: {} }, 'spec', '"spec" is not known here', SPEC_FIELDS],
];
