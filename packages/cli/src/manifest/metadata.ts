/** The metadata of an object in a file, as strictly as the API server takes it from kubectl. Pure. */
import { nearest } from '@chaosplane/actions';
import { quoted, type Problem } from '@chaosplane/common';

/** ObjectMeta of Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ */
const KNOWN = [
  'name',
  'generateName',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'managedFields',
  'ownerReferences',
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'resourceVersion',
  'selfLink',
  'uid',
];

/** What is wrong with the metadata; `namespace`: the one that the user asked for with a flag. */
export function metadataProblems(object: Readonly<Record<string, unknown>>, namespace: string | undefined): Problem[] {
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return [];
  const given = metadata as Readonly<Record<string, unknown>>;
  const problems: Problem[] = Object.keys(given)
    .filter((key) => !KNOWN.includes(key))
    .map((key) => {
      const near = nearest(key, KNOWN);
      const wrong = `${quoted(key)} is not known here${near === undefined ? '' : `; did you mean ${near}?`}`;
      return { path: 'metadata', wrong, allowed: 'name, namespace, labels, annotations' };
    });
  for (const key of ['labels', 'annotations']) problems.push(...textProblems(`metadata.${key}`, given[key]));
  if (given['generateName'] !== undefined)
    problems.push({ path: 'metadata.generateName', wrong: 'a run needs a name that is known', allowed: 'name' });
  if (namespace !== undefined && given['namespace'] !== undefined && given['namespace'] !== namespace) {
    const wrong = `the file says ${quoted(JSON.stringify(given['namespace']).replace(/^"(.*)"$/, '$1'))}, and --namespace ${quoted(namespace)}`;
    problems.push({ path: 'metadata.namespace', wrong, allowed: 'the same, or one of the two' });
  }
  return problems;
}

function textProblems(path: string, value: unknown): Problem[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [{ path, wrong: 'it is no map', allowed: 'texts by their names' }];
  return Object.entries(value)
    .filter(([, text]) => typeof text !== 'string')
    .map(([key, other]) => {
      const wrong = other === null ? 'it has no value' : `${JSON.stringify(other)} is no text`;
      return { path: `${path}.${key}`, wrong, allowed: 'a text: put it in quotes' };
    });
}
