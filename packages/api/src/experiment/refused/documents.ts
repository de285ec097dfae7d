/** Experiments that are refused over what is around the spec: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

export const documents: readonly Refused[] = [
  [{ kind: 'NetworkChaos' }, 'kind', '"NetworkChaos" is not known', 'ChaosExperiment'],
  [
    { apiVersion: 'chaos-mesh.org/v1alpha1' },
    'apiVersion',
    '"chaos-mesh.org/v1alpha1" is not known',
    'chaos.chaosplane.io/v1alpha1',
  ],
  [
    { apiVersion: 'chaos.chaosplane.io/v1' },
    'apiVersion',
    '"chaos.chaosplane.io/v1" is not known',
    'chaos.chaosplane.io/v1alpha1',
  ],
  [{ kind: 'chaosexperiment' }, 'kind', '"chaosexperiment" is not known', 'ChaosExperiment'],
  [{ metadata: {} }, 'metadata.name', 'it is required', 'a text'],
  [{ metadata: { name: '' } }, 'metadata.name', 'it is empty', 'at least 1 character'],
  [
    { metadata: { name: 'Slow' } },
    'metadata.name',
    '"Slow" is not a name',
    'lower-case letters, digits, - and ., beginning and ending with a letter or digit, at most 253 long',
  ],
  [
    { metadata: { name: 'slow_web' } },
    'metadata.name',
    '"slow_web" is not a name',
    'lower-case letters, digits, - and ., beginning and ending with a letter or digit, at most 253 long',
  ],
  [{ metadata: { name: 5 } }, 'metadata.name', 'it is a number', 'a text'],
  [{ metadata: { name: 'x'.repeat(254) } }, 'metadata.name', 'it is too long', 'at most 253 characters'],
  [
    { metadata: { name: 'x', namespace: 'Shop' } },
    'metadata.namespace',
    '"Shop" is not the name of a namespace',
    'lower-case letters, digits and -, beginning and ending with a letter or digit, at most 63 long',
  ],
  [{ metadata: { name: 'x', namespace: 5 } }, 'metadata.namespace', 'it is a number', 'a text'],
  [{ metadata: undefined }, 'metadata', 'it is required', 'a map'],
  [{ spec: undefined }, 'spec', 'it is required', 'a map'],
  [{ spec: null }, 'spec', 'it has no value: give it one, or leave it out', 'a map'],
  [{ spec: [] }, 'spec', 'it is a list', 'a map'],
  [
    { Spec: {} },
    'the document',
    '"Spec" is not known here; did you mean spec?',
    'apiVersion, kind, metadata, spec, status',
  ],
  [{ metadata: 'slow' }, 'metadata', 'it is a text', 'a map'],
];
