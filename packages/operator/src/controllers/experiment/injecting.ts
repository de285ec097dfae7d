/** Injections go on between the visits to an experiment: a node that does not answer holds up neither the others, nor the status, nor an abort. */
import { targetName, withTargets, type ExperimentStatus, type TargetStatus } from '@chaosplane/api';
import type { Clock, Logger } from '@chaosplane/common';
import { changeOf, type Asking, type Executor, type Injected } from '@chaosplane/lifecycle';
import type { VisitMemory } from './memory.ts';
import type { Visited } from './visit.ts';

/** How long to wait before a target that could not be hit yet is asked for again. Milliseconds. */
const RETRY_MS = 1000;

const KEY = 'inject ';

/** What injections are begun and collected with. */
export interface InjectingParts {
  readonly visited: Visited;
  readonly executor: Executor;
  readonly memory: VisitMemory;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Begins injections. */
export function beginInjections(
  targets: readonly TargetStatus[],
  ttlMs: number,
  { executor, memory }: Pick<InjectingParts, 'executor' | 'memory'>,
): void {
  for (const target of targets)
    memory.calls.start(`${KEY}${target.uid}`, {
      isUnresponsive: () => executor.isUnresponsive(target),
      run: (signal) => executor.inject(target, ttlMs, signal),
    });
}

/** Waits until some of the injections that are under way have been answered; false when none was. */
export async function awaitInjections({ calls }: Pick<VisitMemory, 'calls'>, patienceMs: number): Promise<boolean> {
  const before = calls.underWay(KEY);
  await calls.wait(
    before.flatMap((key) => calls.get(key) ?? []),
    'some',
    patienceMs,
  );
  return calls.underWay(KEY).length < before.length;
}

/** The status with those that are over, whether they were asked for by this visit or by an earlier one. */
export function collectInjections(status: ExperimentStatus, parts: Omit<InjectingParts, 'executor'>): ExperimentStatus {
  const { memory, clock, visited } = parts;
  const isOver = status.effectiveAt !== undefined && visited.spec?.target.dynamic !== true;
  if (status.phase !== 'Running' || isOver) {
    memory.calls.stop(KEY);
    return status;
  }
  const waiting = new Map(
    status.targets.filter(({ state }) => state === 'Selected').map((target) => [target.uid, target]),
  );
  const changes = new Map<string, Partial<TargetStatus>>();
  for (const [uid, answer] of memory.calls.take<Injected>(KEY)) {
    const target = waiting.get(uid);
    if (target === undefined) continue;
    // What is no answer of a daemon is no answer of the operator either.
    if ('error' in answer) throw answer.error;
    log(target, answer.value, parts);
    const change = changeOf(answer.value, clock.now());
    if (change !== undefined) changes.set(uid, change);
    else {
      memory.tried.set(uid, (memory.tried.get(uid) ?? 0) + 1);
      memory.later.set(uid, { notBefore: clock.monotonic() + RETRY_MS, why: whyOf(answer.value) });
    }
  }
  return changes.size > 0 ? withTargets(status, changes) : status;
}

function log(
  target: TargetStatus,
  result: Injected,
  { logger, visited }: Pick<InjectingParts, 'logger' | 'visited'>,
): void {
  const where = { experiment: visited.id, node: target.node, target: targetName(target) };
  switch (result.kind) {
    case 'injected':
      logger.info({ ...where, executionId: result.executionId }, 'target injected');
      return;
    case 'missed':
      logger.warn({ ...where, reason: result.why }, 'target missed');
      return;
    case 'retry':
      logger.info({ ...where, reason: result.why }, 'target not injected yet');
  }
}

const whyOf = (result: Injected): string => ('why' in result ? result.why : '');

/** What must not be asked for now. A silent node is asked for one target at a time, and counts for no other node's turn. */
export function askingOf(
  status: ExperimentStatus,
  { memory, executor, clock }: Pick<InjectingParts, 'memory' | 'executor' | 'clock'>,
): Asking {
  const selected = status.targets.filter(({ state }) => state === 'Selected');
  const underWay = new Set(memory.calls.underWay(KEY).map((key) => key.slice(KEY.length)));
  const silent = new Set(selected.filter((target) => executor.isUnresponsive(target)).map(({ node = '' }) => node));
  const taken = new Set(selected.filter(({ uid }) => underWay.has(uid)).map(({ node = '' }) => node));
  const held = new Set<string>();
  const why = new Map<string, string>();
  for (const { uid, node = '' } of selected) {
    const later = memory.later.get(uid);
    const early = later !== undefined && later.notBefore > clock.monotonic();
    if (underWay.has(uid) || early || (silent.has(node) && taken.has(node))) held.add(uid);
    else if (silent.has(node)) taken.add(node);
    if (silent.has(node)) why.set(uid, `the daemon of ${node} does not answer`);
    else if (later !== undefined) why.set(uid, later.why);
  }
  const counted = selected.filter(({ uid, node = '' }) => underWay.has(uid) && !silent.has(node));
  return { held, underWay: counted.length, why };
}
