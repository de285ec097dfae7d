/** What `kubectl apply` left out of a spec: it drops each null before it sends an object, and keeps it in its annotation. Pure. */
import type { ExperimentObject } from '@chaosplane/api';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The spec, with null where the file had one in the place of what narrows who is hit, and nothing stands there now: what the
 * resource definition keeps of those who send it themselves (`NULLS_KEPT` of tools/gen/crd). It is refused then, in the usual words.
 */
export function specAsApplied({ metadata, spec }: Written): unknown {
  return experimentAsApplied(spec, appliedTo(metadata));
}

/** The same of a schedule: of the experiment or the workflow in it, and of the probes that it waits for. */
export function scheduleAsApplied({ metadata, spec }: Written): unknown {
  const { experiment, workflow, startWhen } = mapOf(appliedTo(metadata));
  const waited = withNulls(spec, { startWhen: { probes: probes(mapOf(startWhen)['probes']) } });
  if (!isMap(waited)) return waited;
  const runs = {
    experiment: (is: unknown) => experimentAsApplied(is, experiment),
    workflow: (is: unknown) => workflowSpecAsApplied(is, workflow),
  };
  const there = Object.entries(runs).filter(([kind]) => Object.hasOwn(waited, kind));
  return { ...waited, ...Object.fromEntries(there.map(([kind, asApplied]) => [kind, asApplied(waited[kind])])) };
}

/** The same of a workflow: of the experiments and the probes of its templates. */
export function workflowAsApplied({ metadata, spec }: Written): unknown {
  return workflowSpecAsApplied(spec, appliedTo(metadata));
}

function workflowSpecAsApplied(spec: unknown, applied: unknown): unknown {
  const { templates } = mapOf(spec);
  const were = mapOf(applied)['templates'];
  if (!isMap(spec) || !Array.isArray(templates) || !Array.isArray(were)) return spec;
  return { ...spec, templates: templates.map((is: unknown, index) => templateAsApplied(is, mapOf(were[index]))) };
}

function templateAsApplied(template: unknown, { experiment, probe }: Fields): unknown {
  const probed = withNulls(template, { probe: some(probe, PROBED) });
  if (!isMap(probed) || !Object.hasOwn(probed, 'experiment')) return probed;
  return { ...probed, experiment: experimentAsApplied(probed['experiment'], experiment) };
}

/** An object, as far as it is read here. */
type Written = Pick<ExperimentObject, 'metadata' | 'spec'>;

function appliedTo({ annotations }: Written['metadata']): unknown {
  return mapOf(parsed(annotations?.[ANNOTATION]))['spec'];
}

/** What narrows the objects of a probe. */
const PROBED = ['labelSelector', 'names'];

const probes = (list: unknown): ReturnType<typeof each> => each(list, PROBED);

function experimentAsApplied(spec: unknown, applied: unknown): unknown {
  const { target, action, peers, steadyState, abortConditions } = mapOf(applied);
  const { before, during, after } = mapOf(steadyState);
  return withNulls(spec, {
    target: some(target, ['labelSelector', 'names']),
    action: some(action, ['parameters']),
    peers: each(peers, ['podSelector', 'ports']),
    steadyState: { before: probes(before), during: probes(during), after: probes(after) },
    abortConditions: probes(abortConditions),
  });
}

const each = (list: unknown, keys: readonly string[]): readonly Fields[] | undefined =>
  Array.isArray(list) ? list.map((item) => some(item, keys)) : undefined;

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const mapOf = (value: unknown): Fields => (isMap(value) ? value : {});

const some = (value: unknown, keys: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(mapOf(value)).filter(([key]) => keys.includes(key)));

function withNulls(value: unknown, applied: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(applied))
    return value.map((item: unknown, index) => withNulls(item, applied[index]));
  if (!isMap(value) || !isMap(applied)) return value;
  const missing = Object.entries(applied).filter(([key, was]) => was === null && !Object.hasOwn(value, key));
  const there = Object.entries(value).map(([key, is]) => [key, withNulls(is, applied[key])] as const);
  return Object.fromEntries([...there, ...missing]);
}
