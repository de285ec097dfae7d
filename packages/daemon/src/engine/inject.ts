/** Carries a request out: parse, find the pod, decide, journal, apply. */
import type { Action } from '@chaosplane/actions';
import { asChaosError, ChaosError } from '@chaosplane/common';
import { faultOf } from '../faults/registry.ts';
import type { ExecutionRecord } from '../journal/record.ts';
import { HalfInstalledError, type InstalledLayer, type Namespace } from '../netns/namespace.ts';
import { place } from '../netns/placement.ts';
import { installedLayer, logFields, type EngineContext } from './context.ts';
import { evidenceOfCounts } from './evidence.ts';
import { keyedId, requestHash } from './identity.ts';
import { parseRequest, type ParsedRequest } from './parse.ts';
import type { ExecRequest, PlanStep } from './request.ts';
import { findNetworkTarget, type NetworkTarget } from './target.ts';
import type { Undoer } from './undo.ts';

/** What became of a request. */
export type Injection =
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
): Promise<Injection> {
  const parsed = parseRequest(context.config, request);
  context.lease.require(request.options.operatorEpoch);
  const { scope } = parsed.spec;
  const { podUid, containerId } = request.options;
  const target = await findNetworkTarget(context.host.runtime, {
    podNamespace: scope.podNamespace,
    podName: scope.podName,
    ...(scope.containerName === undefined ? {} : { containerName: scope.containerName }),
    ...(podUid === undefined ? {} : { podUid }),
    ...(containerId === undefined ? {} : { containerId }),
  });
  const hash = requestHash(request, target.sandbox.podUid);
  // A caller who went away meanwhile is served no more; once it is journaled, nobody stops it half-way.
  signal?.throwIfAborted();
  const { netnsPath, sandbox } = target;
  return context.namespaces.enter({ netnsPath, sandboxId: sandbox.id }, async (namespace) => {
    const earlier = findEarlier(context, request, hash, sandbox.id);
    if (earlier !== undefined) return { kind: 'joined', record: earlier };
    const id = executionId(context, parsed.action, request, hash);
    const { layer, notes } = await planLayer(context, namespace, parsed, id);
    if (request.options.dryRun) return planned(parsed, target, namespace, layer);
    // Waiting for the namespace's turn may have taken long.
    signal?.throwIfAborted();
    await context.lease.begin(request.options.operatorEpoch);
    const record = newRecord(context, { request, parsed, target, namespace, id, hash, layer, notes });
    return { kind: 'injected', record: await apply(context, undoer, namespace, record) };
  });
}

function findEarlier(
  { executions }: EngineContext,
  { options }: ExecRequest,
  hash: string,
  sandboxId: string,
): ExecutionRecord | undefined {
  if (options.idempotencyKey === undefined) {
    return executions
      .live()
      .find(
        (record) => record.requestHash === hash && record.state === 'active' && record.target.sandboxId === sandboxId,
      );
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

async function planLayer(
  context: EngineContext,
  namespace: Namespace,
  parsed: ParsedRequest,
  id: string,
): Promise<{ layer: Omit<InstalledLayer, 'deadline'>; notes: readonly string[] }> {
  const { peers, probes } = parsed;
  const layerId = `l${id.slice(id.lastIndexOf('-') + 1)}`;
  const layer = faultOf(parsed.action.name).layer(parsed.spec as never, {
    id: layerId,
    peers: peers.peers,
    ...(peers.portPeers.length === 0 ? {} : { portPeers: peers.portPeers }),
    ...(probes === undefined ? {} : { probes }),
  });
  namespace.requireInterface(layer.scope.interface);
  const { engine, hooks, notes } = place(layer, await context.host.capabilities(), context.config.placement);
  const mark = namespace.nextMark(layer, engine);
  const txQueueLength = engine === 'netem' ? { txQueueLength: namespace.queueLength(layer.scope.interface) } : {};
  return { layer: { layer, engine, hooks, mark, ...txQueueLength }, notes };
}

function planned(
  parsed: ParsedRequest,
  target: NetworkTarget,
  namespace: Namespace,
  layer: Omit<InstalledLayer, 'deadline'>,
): Injection {
  const { tc, nft, queue } = namespace.preview(layer, parsed.ttlMs);
  const step = (tool: PlanStep['tool'], argv: string[], commands: readonly string[]): PlanStep[] =>
    commands.length === 0 ? [] : [{ tool, argv, input: `${commands.join('\n')}\n` }];
  const { podNamespace, podName } = target.sandbox;
  return {
    kind: 'planned',
    message: `dry run: ${parsed.action.name} of pod ${podNamespace}/${podName} by ${layer.engine}; nothing was changed`,
    steps: [...step('tc', ['tc', '-batch', '-'], tc), ...step('queue', [], queue), ...step('nft', [], nft)],
  };
}

interface NewRecord {
  readonly request: ExecRequest;
  readonly parsed: ParsedRequest;
  readonly target: NetworkTarget;
  readonly namespace: Namespace;
  readonly id: string;
  readonly hash: string;
  readonly layer: Omit<InstalledLayer, 'deadline'>;
  readonly notes: readonly string[];
}

function newRecord({ clock, host }: EngineContext, from: NewRecord): ExecutionRecord {
  const { request, parsed, target } = from;
  const { idempotencyKey } = request.options;
  const { containerName } = parsed.spec.scope;
  const now = clock.now();
  return {
    version: 1,
    id: from.id,
    experimentId: request.experimentId,
    rpc: request.rpc,
    action: parsed.action.name,
    parameters: { ...request.parameters },
    requestHash: from.hash,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    target: {
      podNamespace: target.sandbox.podNamespace,
      podName: target.sandbox.podName,
      podUid: target.sandbox.podUid,
      ...(containerName === undefined ? {} : { containerName }),
      sandboxId: target.sandbox.id,
      netnsPath: target.netnsPath,
      netnsCookie: from.namespace.netns.cookie,
    },
    bootId: host.bootId,
    state: 'applying',
    createdAt: now,
    expiresAt: now + parsed.ttlMs,
    operatorEpoch: request.options.operatorEpoch,
    work: { shape: 'network', ...(from.layer as Omit<ExecutionRecord['work'], 'shape'>) },
    notes: [...from.notes],
  };
}

/** At the moment of injection; asking the kernel for it would cost a process. */
const NOTHING_COUNTED = { matched: 0, matchedBytes: 0, dropped: 0, delayed: 0 };

async function apply(
  context: EngineContext,
  undoer: Undoer,
  namespace: Namespace,
  record: ExecutionRecord,
): Promise<ExecutionRecord> {
  const { executions, clock, logger } = context;
  await executions.add(record);
  try {
    await namespace.install(installedLayer(context, record));
  } catch (error) {
    const failed = { endReason: 'apply-failed', error: asChaosError(error).message } as const;
    const left = error instanceof HalfInstalledError;
    const change = left
      ? { ...failed, state: 'undo-failed' as const }
      : { ...failed, state: 'ended' as const, endedAt: clock.now() };
    // What cannot be journaled now is journaled by the retry.
    const journaled = await executions.update(record.id, change).then(
      () => true,
      () => false,
    );
    if (left || !journaled) undoer.retry(record.id, 'apply-failed');
    throw error;
  }
  const evidence = evidenceOfCounts(context, record, NOTHING_COUNTED);
  try {
    const active = await executions.update(record.id, { state: 'active', activeAt: clock.now(), evidence });
    logger.info({ ...logFields(active), engine: active.work.engine }, 'execution active');
    return active;
  } catch (error) {
    await namespace.remove(record.work.layer.id).catch(() => undefined);
    undoer.retry(record.id, 'apply-failed');
    throw error;
  }
}
