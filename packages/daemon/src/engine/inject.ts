/** Carries a request out: parse, find the pod, decide, journal, apply. */
import { findAction, type Action } from '@chaosplane/actions';
import { asChaosError, ChaosError, defined } from '@chaosplane/common';
import { faultOf } from '../faults/registry.ts';
import type { ExecutionRecord, DriverName } from '../journal/record.ts';
import { logFields, type EngineContext } from './context.ts';
import { keyedId, requestHash } from './identity.ts';
import { parseRequest, type ParsedRequest } from './parse.ts';
import type { PlanStep } from '../model/plan-step.ts';
import type { ExecRequest } from './request.ts';
import { targetIdentity } from './target/name.ts';
import {
  HalfAppliedError,
  driverNamed,
  driverOf,
  type RecordChange,
  type Planned,
  type Session,
} from './drivers/driver.ts';
import type { Undoer } from './undo.ts';

/** What became of a request. */
export type InjectionResult =
  | { readonly kind: 'injected'; readonly record: ExecutionRecord }
  /** An equal request was carried out before; this one joined it. */
  | { readonly kind: 'joined'; readonly record: ExecutionRecord }
  | { readonly kind: 'planned'; readonly message: string; readonly steps: readonly PlanStep[] };

/**
 * Carries a request out and returns once it is in force.
 * @throws ChaosError INVALID_ARGUMENT with all problems, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, PERMISSION_DENIED;
 * nothing is left on the node then.
 */
export async function inject(
  context: EngineContext,
  undoer: Undoer,
  request: ExecRequest,
  signal?: AbortSignal,
): Promise<InjectionResult> {
  const parsed = parseRequest(context.config, request);
  context.lease.require(request.options.operatorEpoch);
  const over = findEnded(context, request);
  if (over !== undefined) return { kind: 'joined', record: over };
  requireBoot(context, request);
  const driver = driverNamed(context.drivers, faultOf(parsed.action.name).driver);
  const found = await driver.find(parsed);
  const hash = requestHash(request, found.identity);
  // A caller who went away meanwhile is served no more; once it is journaled, it is not stopped half-way.
  signal?.throwIfAborted();
  return found.enter(async (session) => {
    const earlier = findEarlier(context, request, hash, found.key);
    if (earlier !== undefined) return { kind: 'joined', record: earlier };
    const id = executionId(context, parsed.action, request, hash);
    const plan = await session.plan(parsed, id);
    if (request.options.dryRun) {
      const what = `dry run: ${parsed.action.name} of ${found.name} by ${plan.work.engine}; nothing was changed`;
      return { kind: 'planned', message: what, steps: session.preview(plan, parsed.ttlMs, parsed) };
    }
    // Waiting for the target's turn may have taken long.
    signal?.throwIfAborted();
    await context.lease.begin(request.options.operatorEpoch);
    const record = newRecord(context, { request, parsed, plan, id, hash });
    return { kind: 'injected', record: await apply(context, undoer, session, record) };
  });
}

/**
 * What was asked for under this key before, when it has ended. Its target is not looked for: it may be gone by now, a container
 * that was killed for one.
 */
function findEnded({ executions }: EngineContext, request: ExecRequest): ExecutionRecord | undefined {
  const { idempotencyKey, podUid } = request.options;
  const earlier = idempotencyKey === undefined ? undefined : executions.byKey(idempotencyKey);
  if (earlier?.state !== 'ended' || earlier.endReason === 'apply-failed') return undefined;
  const identity = targetIdentity(earlier.target);
  const same = requestHash(request, identity) === earlier.requestHash;
  return same && (podUid === undefined || podUid === identity) ? earlier : undefined;
}

/** What is not remembered may have been done before the boot all the same. */
function requireBoot({ host }: EngineContext, { options: { bootId } }: ExecRequest): void {
  if (bootId === undefined || bootId === host.bootId) return;
  const message = `${host.nodeName} has booted since it was chosen (boot ${bootId} then, ${host.bootId} now)`;
  const wayOut = 'it is not done, because it may have been done before; ask again if it was not';
  throw new ChaosError('FAILED_PRECONDITION', `${message}, and nothing of this request is remembered here: ${wayOut}`);
}

function findEarlier(
  { executions, drivers }: EngineContext,
  { options }: ExecRequest,
  hash: string,
  key: string,
): ExecutionRecord | undefined {
  if (options.idempotencyKey === undefined) {
    return executions
      .live()
      .filter((record) => record.requestHash === hash && record.state === 'active')
      .find((record) => driverOf(drivers, record).keyOf(record) === key);
  }
  const earlier = executions.byKey(options.idempotencyKey);
  if (earlier === undefined) return undefined;
  if (earlier.requestHash !== hash) {
    const message = `the idempotency key ${options.idempotencyKey} belongs to ${earlier.id}, which is another request`;
    throw new ChaosError('ALREADY_EXISTS', `${message}: use a new key`);
  }
  // What never was in force may be tried again under its key.
  if (earlier.state === 'ended') return earlier.endReason === 'apply-failed' ? undefined : earlier;
  if (earlier.state === 'active') return earlier;
  throw new ChaosError('ABORTED', `${earlier.id} is ${earlier.state} at this moment: try again`);
}

function executionId({ clock }: EngineContext, action: Action, { options }: ExecRequest, hash: string): string {
  const { idempotencyKey } = options;
  return idempotencyKey === undefined
    ? `${action.name}-${clock.randomHex(8)}`
    : keyedId(action.name, idempotencyKey, hash);
}

interface NewRecord {
  readonly request: ExecRequest;
  readonly parsed: ParsedRequest;
  readonly plan: Planned<DriverName>;
  readonly id: string;
  readonly hash: string;
}

function newRecord({ clock, host }: EngineContext, { request, parsed, plan, id, hash }: NewRecord): ExecutionRecord {
  const { idempotencyKey } = request.options;
  const now = clock.now();
  const record = {
    version: 1,
    id,
    experimentId: request.experimentId,
    rpc: request.rpc,
    action: parsed.action.name,
    parameters: { ...request.parameters },
    requestHash: hash,
    ...defined({ idempotencyKey }),
    target: plan.target,
    bootId: host.bootId,
    state: 'applying',
    createdAt: now,
    expiresAt: now + parsed.ttlMs,
    operatorEpoch: request.options.operatorEpoch,
    work: plan.work,
    notes: [...plan.notes],
  } as const;
  // Target and work are of one driver: they come from one plan.
  return record as ExecutionRecord;
}

async function apply(
  context: EngineContext,
  undoer: Undoer,
  session: Session<DriverName>,
  record: ExecutionRecord,
): Promise<ExecutionRecord> {
  const { executions, clock, logger } = context;
  const { synced } = await executions.add(record);
  let applied: RecordChange;
  try {
    applied = await session.apply(record);
  } catch (error) {
    await applyFailed(context, undoer, record, error);
    throw error;
  }
  const now = clock.now();
  // What happens once is over when it has happened.
  const once = findAction(record.action).recover === 'one-shot';
  const reached = once
    ? ({ state: 'ended', endReason: 'done', endedAt: now } as const)
    : ({ state: 'active' } as const);
  try {
    await synced;
    const after = await executions.update(record.id, { activeAt: now, ...reached, ...applied });
    logger.info({ ...logFields(after), engine: after.work.engine }, `execution ${after.endReason ?? after.state}`);
    return after;
  } catch (error) {
    await session.remove(record).catch(() => undefined);
    undoer.retry(record.id, once ? 'done' : 'apply-failed');
    throw error;
  }
}

async function applyFailed(
  { executions, clock }: EngineContext,
  undoer: Undoer,
  record: ExecutionRecord,
  error: unknown,
): Promise<void> {
  const failed = { endReason: 'apply-failed', error: asChaosError(error).message } as const;
  const left = error instanceof HalfAppliedError;
  const change = left
    ? { ...failed, state: 'undo-failed' as const }
    : { ...failed, state: 'ended' as const, endedAt: clock.now() };
  // What cannot be journaled now is journaled by the retry.
  const journaled = await executions.update(record.id, change).then(
    () => true,
    () => false,
  );
  if (left || !journaled) undoer.retry(record.id, 'apply-failed');
}
