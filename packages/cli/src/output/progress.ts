/** Tells how a run goes: a block that is drawn again and again on a terminal, plain lines elsewhere, JSON lines for programs. */
import { styleText } from 'node:util';
import { formatDuration, type Clock } from '@chaosplane/common';
import { targetName, type ChaosExperiment, type ExperimentStatus, type TargetStatus } from '@chaosplane/api';
import { createLogUpdate } from 'log-update';
import { baselineProgress, sampleLines } from './samples.ts';

/** Where a run is told. */
export interface Progress {
  /** After every observation. */
  status(status: ExperimentStatus): void;
  /** Something that is said once. */
  say(line: string): void;
  /** At the end. */
  result(status: ExperimentStatus): void;
}

/** What a progress is made of. */
export interface ProgressOptions {
  readonly experiment: ChaosExperiment;
  readonly clock: Clock;
  readonly out: NodeJS.WriteStream;
  readonly format: 'text' | 'json';
}

/** The way that fits the output. */
export function createProgress(options: ProgressOptions): Progress {
  if (options.format === 'json') return jsonLines(options);
  return options.out.isTTY ? liveBlock(options) : plainLines(options);
}

function jsonLines({ experiment, clock, out }: ProgressOptions): Progress {
  const write = (type: string, content: object): void => {
    const at = new Date(clock.now()).toISOString();
    out.write(`${JSON.stringify({ type, at, experiment: experiment.metadata.name, ...content })}\n`);
  };
  const changed = onChange();
  return {
    status: (status) => changed(JSON.stringify(status), () => write('status', { status })),
    say: (message) => write('message', { message }),
    result: (status) => write('result', { status }),
  };
}

function plainLines({ experiment, clock, out }: ProgressOptions): Progress {
  const say = (line: string): void => void out.write(`${new Date(clock.now()).toISOString()} ${line}\n`);
  const changed = onChange();
  return {
    status: (status) => {
      changed(`${status.phase} ${summary(status)}`, () =>
        say(`${experiment.metadata.name}: ${status.phase}${summary(status)}`),
      );
    },
    say,
    result: (status) => void out.write(`${report(status)}\n`),
  };
}

function liveBlock({ experiment, clock, out }: ProgressOptions): Progress {
  const log = createLogUpdate(out, { showCursor: true });
  return {
    status: (status) => log(block(experiment, status, clock.now())),
    say(line) {
      log.clear();
      out.write(`${line}\n`);
    },
    result(status) {
      log(report(status));
      log.done();
    },
  };
}

/** Calls back only when the text is another than last time. */
function onChange(): (text: string, changed: () => void) => void {
  let last = '';
  return (text, changed) => {
    if (text === last) return;
    last = text;
    changed();
  };
}

function summary(status: ExperimentStatus): string {
  const { targets } = status;
  if (targets.length === 0) return '';
  const counts = Map.groupBy(targets, ({ state }) => state);
  return `, ${[...counts].map(([state, members]) => `${members.length} ${state.toLowerCase()}`).join(', ')}${baselineProgress(status)}`;
}

function block(experiment: ChaosExperiment, status: ExperimentStatus, now: number): string {
  const { duration, action } = experiment.spec;
  const elapsed =
    status.effectiveAt === undefined ? 0 : Math.min(duration, (status.recoveringAt ?? now) - status.effectiveAt);
  const width = 30;
  const filled = Math.round((width * elapsed) / duration);
  const bar = `${'━'.repeat(filled)}${styleText('dim', '━'.repeat(width - filled))}`;
  return [
    `${styleText('bold', experiment.metadata.name)}  ${action.type}  ${status.phase}`,
    `${bar} ${formatDuration(Math.round(elapsed / 1000) * 1000)} of ${formatDuration(duration)}`,
    ...status.targets.map(targetLine),
    ...sampleLines(status),
  ].join('\n');
}

function targetLine(target: TargetStatus): string {
  const mark = { Selected: '○', Injected: '●', Missed: '✗', Recovered: '✓' }[target.state];
  const told = target.message ?? target.evidence?.summary ?? '';
  const early = target.endedEarly === undefined ? '' : ` (ended early: ${target.endedEarly})`;
  return `  ${mark} ${targetName(target)}  ${target.state.toLowerCase()}${early}  ${told}`.trimEnd();
}

function inForce({ inForceMs }: TargetStatus): string {
  return inForceMs === undefined ? '' : `, in force ${formatDuration(inForceMs)}`;
}

/** The last word on a run. */
export function report(status: ExperimentStatus): string {
  const lines = status.targets.flatMap((target) => [
    targetLine(target),
    ...(target.evidence === undefined
      ? []
      : [`      ${target.evidence.verdict}, engine ${target.evidence.engine}${inForce(target)}`]),
    ...(target.evidence?.notes ?? []).map((note) => `      note: ${note}`),
  ]);
  const conditions = status.conditions.map(({ type, status: value, message }) => `  ${type}=${value}: ${message}`);
  const ended = status.verdict === undefined ? status.phase : `${status.phase}, ${status.verdict}`;
  const outcome = `${ended}${status.outcome === undefined ? '' : `: ${status.outcome.message}`}`;
  const samples = sampleLines(status);
  return [
    ...[outcome, ...conditions],
    ...(samples.length === 0 ? [] : ['samples:', ...samples]),
    ...(lines.length === 0 ? [] : ['targets:', ...lines]),
  ].join('\n');
}
