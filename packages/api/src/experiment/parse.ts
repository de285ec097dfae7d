/** How a document becomes a ChaosExperiment, with every problem named at once. Pure. */
import { findAction, knownAction, parseParameters, textsOf } from '@chaosplane/actions';
import { ChaosError, formatDuration, invalidArgument, type Problem } from '@chaosplane/common/pure';
import * as z from 'zod';
import type { Probe } from '../probe/probe.ts';
import { BASELINE_SAMPLES } from '../probe/sampled.ts';
import { problemsOf } from '../shared/problems.ts';
import { withoutCrowd } from './crowd.ts';
import { experimentSchema, type ChaosExperiment, type TargetSpec } from './spec.ts';

/** Where an experiment runs: on one machine's pods, or through the operator of a cluster. */
export type Place = 'machine' | 'cluster';

/**
 * A document, as YAML or JSON gave it, as an experiment.
 * @throws ChaosError INVALID_ARGUMENT with every problem: those of the action's parameters, and what the place cannot do.
 */
export function parseExperiment(given: unknown, place: Place): ChaosExperiment {
  const { document, problems: crowd } = withoutCrowd(given);
  const parsed = experimentSchema.safeParse(document, { reportInput: true });
  const problems = [...crowd, ...(parsed.error?.issues ?? []).flatMap(problemsOf)];
  if (crowd.length === 0) problems.push(...actionProblems(document));
  problems.push(...kindProblems(document));
  if (parsed.data !== undefined) problems.push(...betweenFields(parsed.data));
  if (parsed.data !== undefined && place === 'machine') problems.push(...onlyOnClusters(parsed.data));
  if (parsed.data === undefined || problems.length > 0) throw invalidArgument('the experiment', problems);
  return parsed.data;
}

/** What a daemon keeps at most, less the margin by which an execution outlives its experiment. */
const LONGEST_LIFE_MS = 24 * 3600_000 - 60_000;

/** Fields that are valid, and cannot be carried out together. */
function betweenFields({ spec }: ChaosExperiment): Problem[] {
  const problems: Problem[] = [];
  if (spec.duration + spec.injectionTimeout > LONGEST_LIFE_MS) {
    const left = formatDuration(LONGEST_LIFE_MS - spec.duration);
    const wrong = 'with the duration it is longer than a daemon keeps an execution';
    problems.push({ path: 'spec.injectionTimeout', wrong, allowed: `at most ${left} with this duration` });
  }
  spec.steadyState.during.forEach(({ interval, tolerance }, index) => {
    if (tolerance?.against === undefined || spec.duration >= BASELINE_SAMPLES * interval) return;
    const wrong = `in ${formatDuration(spec.duration)} there are fewer than the ${BASELINE_SAMPLES} samples that are compared`;
    const longest = formatDuration(Math.floor(spec.duration / BASELINE_SAMPLES));
    const allowed = `at most ${longest} with this duration, or a longer duration`;
    problems.push({ path: `spec.steadyState.during.${index}.interval`, wrong, allowed });
  });
  const known = knownAction(spec.action.type);
  if (!spec.rollback.enabled && known?.route.on === 'operator' && known.recover === 'undo') {
    const wrong = `nothing but its recovery ends ${known.name}, so it would be there for ever`;
    problems.push({ path: 'spec.rollback.enabled', wrong, allowed: 'true' });
  }
  const { protocol } = spec.action.parameters;
  spec.peers.forEach((peer, index) => {
    if (peer.protocol === undefined || protocol === undefined || peer.protocol === protocol) return;
    const wrong = `${peer.protocol} never is ${protocol}, which the parameter protocol asks for`;
    problems.push({ path: `spec.peers.${index}.protocol`, wrong, allowed: `${protocol}, or leave it out` });
  });
  return problems;
}

/** What needs an operator. */
function onlyOnClusters({ spec }: ChaosExperiment): Problem[] {
  const problems: Problem[] = [];
  const known = knownAction(spec.action.type);
  if (spec.target.kind === 'Node' && asksForLabels(spec.target)) {
    const wrong = 'nodes have labels in a cluster only';
    problems.push({ path: 'spec.target.labelSelector', wrong, allowed: 'names: the name of this machine' });
  }
  if (known?.route.on === 'operator') {
    const wrong = `${known.name} is carried out by the operator of a cluster`;
    problems.push({ path: 'spec.action.type', wrong, allowed: 'with a cluster: chaosplane run --cluster' });
  }
  const { before, during, after } = spec.steadyState;
  for (const [path, probes] of [
    ['spec.steadyState.before', before],
    ['spec.steadyState.during', during],
    ['spec.steadyState.after', after],
    ['spec.abortConditions', spec.abortConditions],
  ] as const)
    probes.forEach((probe, index) => problems.push(...probeOnlyOnClusters(probe, `${path}.${index}`)));
  spec.peers.forEach(({ podSelector }, index) => {
    if (podSelector === undefined) return;
    const wrong = 'pods are found by their labels in a cluster only';
    problems.push({ path: `spec.peers.${index}.podSelector`, wrong, allowed: 'cidr' });
  });
  return problems;
}

/** There is no API server on one machine. */
function probeOnlyOnClusters(probe: Probe, path: string): Problem[] {
  if (probe.type === 'k8s') {
    const wrong = 'there are objects of Kubernetes in a cluster only';
    return [
      { path: `${path}.type`, wrong, allowed: 'http or prometheus; or with a cluster: chaosplane run --cluster' },
    ];
  }
  return probe.headers.flatMap(({ valueFrom }, index) =>
    valueFrom === undefined
      ? []
      : [
          {
            path: `${path}.headers.${index}.valueFrom`,
            wrong: 'there are Secrets in a cluster only',
            allowed: 'value',
          },
        ],
  );
}

/** One with nothing in it means every node, and this machine is one. */
function asksForLabels({ labelSelector: wanted }: TargetSpec): boolean {
  return Object.keys(wanted?.matchLabels ?? {}).length + (wanted?.matchExpressions ?? []).length > 0;
}

/**
 * What is hit must be what the action is for. Who may hit nodes is asked by the kind of the target, so nothing but this keeps
 * those who may hit pods alone from the nodes.
 */
function kindProblems(document: unknown): Problem[] {
  const parsed = kindAndType.safeParse(document);
  if (!parsed.success) return [];
  const { target: chosen, action, peers } = parsed.data.spec;
  const known = knownAction(action.type);
  const hit = known?.targetKind ?? chosen.kind;
  const problems: Problem[] = [];
  if (hit !== chosen.kind)
    problems.push({
      path: 'spec.target.kind',
      wrong: `${action.type} hits a ${hit}, not a ${chosen.kind}`,
      allowed: hit,
    });
  if (chosen.dynamic === true && known?.recover === 'one-shot') {
    const wrong = `${action.type} happens once to each target, and would go on as long as new ones come`;
    problems.push({ path: 'spec.target.dynamic', wrong, allowed: 'false' });
  }
  const takesPeers = Object.hasOwn(known?.schemas ?? { peers: true }, 'peers');
  if (peers.length > 0 && !takesPeers)
    problems.push({ path: 'spec.peers', wrong: `${action.type} has no peers`, allowed: 'nothing here' });
  return problems;
}

const kindAndType = z.object({
  spec: z.object({
    target: z.object({ kind: z.enum(['Pod', 'Node']).default('Pod'), dynamic: z.unknown().optional() }),
    action: z.object({ type: z.string() }),
    peers: z.array(z.unknown()).default([]),
  }),
});

/** The action's own problems, as far as the document can be read, so that they are named beside all others. */
function actionProblems(document: unknown): Problem[] {
  const parsed = typeAndParameters.safeParse(document);
  if (!parsed.success) return [];
  const { type, parameters } = parsed.data.spec.action;
  return collect('spec.action.', () => {
    const action = findAction(type);
    const { texts, problems } = textsOf(action, parameters);
    const said = new Set(problems.map(({ path }) => path));
    const more = problemsIn(() => parseParameters(action, texts, { target: 'absent' }));
    problems.push(...more.filter(({ path }) => !said.has(path)));
    if (problems.length > 0) throw invalidArgument(type, problems);
  });
}

const typeAndParameters = z.object({
  spec: z.object({
    action: z.object({ type: z.string(), parameters: z.record(z.string(), z.unknown()).default({}) }),
  }),
});

function problemsIn(parse: () => unknown): readonly Problem[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return error.problems;
  }
}

function collect(prefix: string, parse: () => unknown): Problem[] {
  return problemsIn(parse).map((problem) => ({
    ...problem,
    path: problem.path === 'action' ? `${prefix}type` : `${prefix}${problem.path}`,
  }));
}
