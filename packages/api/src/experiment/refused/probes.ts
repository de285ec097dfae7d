/** Experiments that are refused over probes of the types prometheus and k8s: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const before = (probe: object): object => ({ steadyState: { before: [probe] } });
const prometheus = (changes: object): object =>
  before({ type: 'prometheus', url: 'http://p/', query: 'up', expect: { operator: '==', value: 1 }, ...changes });
const k8s = (changes: object): object =>
  before({ type: 'k8s', kind: 'Pod', labelSelector: {}, ready: { count: 1 }, ...changes });

const PROBE = 'spec.steadyState.before.0';
const SERVER = 'the server alone, with its prefix if it has one, such as http://prometheus.monitoring:9090';

export const probes: readonly Refused[] = [
  [prometheus({ url: 'http://p/?x=1' }), `${PROBE}.url`, 'it has a query of its own', SERVER],
  [prometheus({ url: 'http://p/#x' }), `${PROBE}.url`, 'it has a query of its own', SERVER],
  [prometheus({ url: 'http://p/api/v1/query' }), `${PROBE}.url`, 'the path /api/v1/query is added to it', SERVER],
  [prometheus({ url: 'p:9090' }), `${PROBE}.url`, 'it is not a URL', 'a URL with http:// or https://'],
  [prometheus({ query: '' }), `${PROBE}.query`, 'it is empty', 'at least 1 character'],
  [prometheus({ query: undefined }), `${PROBE}.query`, 'it is required', 'a text'],
  [prometheus({ expect: undefined }), `${PROBE}.expect`, 'it is required', 'a map'],
  [
    prometheus({ expect: { operator: '=', value: 1 } }),
    `${PROBE}.expect.operator`,
    '"=" is not known',
    '<, <=, ==, !=, >=, >',
  ],
  [prometheus({ expect: { operator: '<', value: '1' } }), `${PROBE}.expect.value`, 'it is a text', 'a number'],
  [prometheus({ series: 'some' }), `${PROBE}.series`, '"some" is not known', 'one, all, any'],
  [prometheus({ insecure: true }), `${PROBE}.insecure`, 'http has no certificates', 'false, or a url with https'],
  [prometheus({ timeout: '0s' }), `${PROBE}.timeout`, 'it is no time at all', 'a duration longer than 0'],
  [prometheus({ timeout: '25h' }), `${PROBE}.timeout`, 'it is too long', 'a duration of at most 24h'],
  [prometheus({ interval: '600h' }), `${PROBE}.interval`, 'it is too long', 'a duration of at most 24h'],
  [
    prometheus({ expectStatus: 200 }),
    PROBE,
    '"expectStatus" is not known here',
    'name, type, url, query, expect, series, headers, ca, insecure, timeout, interval, retries',
  ],
  [
    k8s({ kind: 'ReplicaSet' }),
    `${PROBE}.kind`,
    '"ReplicaSet" is not known',
    'Pod, Deployment, StatefulSet, DaemonSet, Job, Node',
  ],
  [k8s({ labelSelector: undefined }), PROBE, 'nothing says which objects are meant', 'names, labelSelector, or both'],
  [k8s({ names: [] }), `${PROBE}.names`, 'it is empty', 'at least 1 item, or leave it out'],
  [k8s({ ready: undefined }), `${PROBE}.ready`, 'it is required', 'a map'],
  [k8s({ ready: {} }), `${PROBE}.ready`, 'it says nothing', 'either count or share'],
  [k8s({ ready: { count: 1, share: '1%' } }), `${PROBE}.ready`, 'it says two things', 'either count or share'],
  [k8s({ ready: { count: -1 } }), `${PROBE}.ready.count`, 'it is too little', 'at least 0'],
  [k8s({ ready: { share: '0%' } }), `${PROBE}.ready.share`, '"0%" is no share', "whole percent, such as '90%'"],
  [k8s({ ready: { share: '99.5' } }), `${PROBE}.ready.share`, '"99.5" is no share', "whole percent, such as '90%'"],
  [k8s({ ready: { share: 90 } }), `${PROBE}.ready.share`, 'it is a number', 'a text'],
  [
    k8s({ namespace: 'other' }),
    PROBE,
    '"namespace" is not known here',
    'name, type, kind, names, labelSelector, ready, timeout, interval, retries',
  ],
];
