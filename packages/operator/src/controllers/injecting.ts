/** Injections go on between the visits to an experiment: a node that does not answer holds up neither the others, nor the status, nor an abort. */
import { defined } from '@chaosplane/common';
import { targetName, withTargets, type TargetStatus } from '@chaosplane/api';
import type { Asking } from '@chaosplane/lifecycle';
import type { Injected } from '../executors/executor.ts';
import type { Run } from './run.ts';

/** How long to wait before a target that could not be hit yet is asked for again. Milliseconds. */
const RETRY_MS = 1000;

const KEY = 'inject ';

/** Begins injections. */
export function beginInjections({ executor, memory }: Run, targets: readonly TargetStatus[], ttlMs: number): void {
  for (const target of targets)
    memory.calls.start(`${KEY}${target.uid}`, {
      isSilent: () => executor.isSilent(target),
      run: (signal) => executor.inject(target, ttlMs, signal),
    });
}

/** Waits until some of the injections that are under way have been answered; false when none was. */
export async function awaitInjections({ memory: { calls } }: Run, patienceMs: number): Promise<boolean> {
  const before = calls.underWay(KEY);
  await calls.wait(
    before.flatMap((key) => calls.get(key) ?? []),
    'some',
    patienceMs,
  );
  return calls.underWay(KEY).length < before.length;
}

/** Those that are over, whether they were asked for by this visit or by an earlier one. */
export function collectInjections(run: Run): void {
  const { memory, status } = run;
  if (status.phase !== 'Running' || status.effectiveAt !== undefined) {
    memory.calls.stop(KEY);
    return;
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
    const change = changeOf(run, target, answer.value);
    if (change !== undefined) changes.set(uid, change);
    else {
      memory.tried.set(uid, (memory.tried.get(uid) ?? 0) + 1);
      memory.later.set(uid, { notBefore: run.clock.monotonic() + RETRY_MS, why: whyOf(answer.value) });
    }
  }
  if (changes.size > 0) run.status = withTargets(status, changes);
}

/** What changes of the target; undefined when it has to be tried again. */
function changeOf(run: Run, target: TargetStatus, result: Injected): Partial<TargetStatus> | undefined {
  const { clock, logger, experimentId } = run;
  const where = { experiment: experimentId, node: target.node, target: targetName(target) };
  switch (result.kind) {
    case 'injected': {
      const { executionId, expiresAt } = result;
      logger.info({ ...where, executionId }, 'target injected');
      return {
        state: 'Injected',
        executionId,
        injectedAt: clock.now(),
        ...defined({ expiresAt }),
      };
    }
    case 'missed':
      logger.warn({ ...where, reason: result.why }, 'target missed');
      return { state: 'Missed', message: result.why };
    case 'retry':
      logger.info({ ...where, reason: result.why }, 'target not injected yet');
      return undefined;
  }
}

const whyOf = (result: Injected): string => ('why' in result ? result.why : '');

/** What must not be asked for now. A silent node is asked for one target at a time, and counts for nobody's turn. */
export function askingOf({ memory, status, executor, clock }: Run): Asking {
  const selected = status.targets.filter(({ state }) => state === 'Selected');
  const underWay = new Set(memory.calls.underWay(KEY).map((key) => key.slice(KEY.length)));
  const silent = new Set(selected.filter((target) => executor.isSilent(target)).map(({ node = '' }) => node));
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
