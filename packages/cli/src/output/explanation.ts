/** What an experiment would do, for people: its status after a dry run, and what its nodes can do. */
import { findAction, TARGET_KEYS, toldParameters } from '@chaosplane/actions';
import {
  targetName,
  type ChaosExperiment,
  type ExperimentStatus,
  type Place,
  type TargetStatus,
} from '@chaosplane/api';
import { indented } from '@chaosplane/client';
import { countOf, formatDuration, type Clock } from '@chaosplane/common';
import type { NodeReport } from './node-report.ts';

/** What is explained. */
export interface Explained {
  readonly experiment: ChaosExperiment;
  readonly status: ExperimentStatus;
  readonly place: Place;
  /** Those that run targets; absent where they are not known, with the reason in `nodesUnknown`. */
  readonly nodes?: readonly NodeReport[];
  readonly nodesUnknown?: string;
}

/** Prints it, as a line of JSON for programs; gives the status back. */
export function tellExplained(
  explained: Explained,
  { output }: { readonly output: 'text' | 'json' },
  { out, clock }: { readonly out: NodeJS.WritableStream; readonly clock: Clock },
): ExperimentStatus {
  const { experiment, status, place: _place, ...rest } = explained;
  const at = new Date(clock.now()).toISOString();
  const result = { type: 'result', at, experiment: experiment.metadata.name, status, ...rest };
  out.write(`${output === 'json' ? JSON.stringify(result) : explanation(explained)}\n`);
  return status;
}

/** A heading for each question: what happens, to which targets, why not to others, what forbids it, what the nodes can do, what is asserted. */
export function explanation(explained: Explained): string {
  const sections = [
    ...whatHappens(explained),
    ...whoIsHit(explained),
    ...policies(explained),
    ...nodes(explained),
    ...hypothesis(explained),
  ];
  return sections.join('\n');
}

const INDENT = '  ';

function whatHappens({ experiment: { metadata, spec } }: Explained): string[] {
  const action = findAction(spec.action.type);
  const given = Object.entries(spec.action.parameters).map(([key, value]) => `${key} ${value}`);
  const presets = toldParameters(action).filter(
    ({ name, default: preset }) =>
      preset !== undefined && !TARGET_KEYS.includes(name) && !Object.hasOwn(spec.action.parameters, name),
  );
  const defaults = presets.map(({ name, default: preset = '' }) => `${name} ${preset}`);
  const end = spec.rollback.enabled ? 'then undone' : 'then left to its deadline on the node';
  const lasts = action.recover === 'undo' ? `for ${formatDuration(spec.duration)}, ${end}` : 'once';
  return [
    `${metadata.name}: ${action.name} ${lasts}; a dry run, nothing is changed`,
    `${INDENT}${action.summary}`,
    ...(given.length === 0 ? [] : [`${INDENT}given: ${given.join(', ')}`]),
    ...(defaults.length === 0 ? [] : [`${INDENT}by default: ${defaults.join(', ')}`]),
  ];
}

/** The first line of the condition is how many were chosen or why none was, the others are why the rest was not. */
function whoIsHit({ status, experiment: { spec } }: Explained): string[] {
  const { reason, message = outcomeOf(status) } = selected(status) ?? {};
  const [first = '', ...others] = message.split('\n');
  const chosen = countOf(status.targets.length, spec.target.kind.toLowerCase());
  const head = reason === 'TargetsChosen' ? first : status.targets.length > 0 ? chosen : `none: ${first}`;
  const seed = spec.target.seed === undefined && others.some((line) => line.includes('not drawn'));
  return [
    `targets: ${head}`,
    ...status.targets.flatMap(targetLines),
    ...indentedLines(others),
    ...(seed ? [`${INDENT}without a seed in the file, a real run may draw others`] : []),
  ];
}

function targetLines({ message, state, node, ...named }: TargetStatus): string[] {
  const where = node === undefined || named.namespace === '' ? '' : ` on ${node}`;
  return [
    `${INDENT}${state === 'Missed' ? '✗' : '●'} ${targetName(named)}${where}`,
    ...(message === undefined ? [] : [indented(message, `${INDENT}${INDENT}`)]),
  ];
}

function policies({ status, place }: Explained): string[] {
  if (place === 'machine') return ['policies: none, they are of clusters'];
  const { reason, message = '' } = selected(status) ?? {};
  const denied = reason === 'PolicyDenied' ? [message.split('\n')[0] ?? ''] : [];
  const within = status.conditions.find(({ type, reason: why }) => type === 'WithinPolicy' && why === 'PolicyAudit');
  const audited = within?.message.split('\n') ?? [];
  if (denied.length + audited.length === 0)
    return [`policies: ${reason === 'TargetsChosen' ? 'none forbids it' : 'not judged, because nothing would be hit'}`];
  return [
    'policies:',
    ...denied.map((line) => `${INDENT}✗ refused: ${line}`),
    ...audited.map((line) => `${INDENT}! only told (Audit): ${line}`),
  ];
}

function nodes({ nodes: known, nodesUnknown, experiment: { spec } }: Explained): string[] {
  if (known === undefined) return nodesUnknown === undefined ? [] : [`nodes: not known: ${nodesUnknown}`];
  if (known.length === 0) return [];
  const action = findAction(spec.action.type);
  const lines = known.map(({ node, capabilities }) => {
    if (capabilities === undefined) return `✗ ${node}: no daemon has told what it can do`;
    const lack = capabilities.cannot.find((each) => each.action === action.name);
    const about = `daemon ${capabilities.version}, kernel ${capabilities.kernel}`;
    return lack === undefined || action.route.on === 'operator'
      ? `✓ ${node}: ${about}`
      : `✗ ${node}: ${lack.why} (${about})`;
  });
  return ['nodes:', ...lines.map((line) => `${INDENT}${line}`)];
}

function hypothesis({ experiment: { spec } }: Explained): string[] {
  const { before, during, after } = spec.steadyState;
  const told = [
    before.length > 0 ? `${countOf(before.length, 'probe')} before` : '',
    during.length > 0 ? `${countOf(during.length, 'probe')} during` : '',
    after.length > 0 ? `${countOf(after.length, 'probe')} after` : '',
  ].filter(Boolean);
  const aborts = spec.abortConditions.length;
  const tested = during.length + after.length > 0;
  return [
    `hypothesis: ${[...told, ...(tested ? [] : [UNTESTED])].join(', ')}`,
    ...(aborts === 0 ? [] : [`abort conditions: ${aborts}`]),
  ];
}

/** What is asked before is a condition of the run; it says nothing of what the fault does. */
const UNTESTED = 'nothing that is tested, so the verdict is Inconclusive, or NotHeld where no effect is seen';

const selected = (status: ExperimentStatus) => status.conditions.find(({ type }) => type === 'Selected');

const outcomeOf = ({ outcome }: ExperimentStatus): string => outcome?.message ?? '';

const indentedLines = (lines: readonly string[]): string[] => lines.map((line) => `${INDENT}${line}`);
