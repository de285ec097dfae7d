/** The ChaosDaemon service: each RPC in one line of translation, and the engine behind it. */
import { catalogue, execRpcs, type ExecRpc } from '@chaosplane/actions';
import {
  millisecondsOf,
  type AnyExecRequest,
  type ChaosDaemonServiceImplementation,
  type ChaosResponse,
  type DeepPartial,
  type ExecutionOptions,
} from '@chaosplane/proto';
import type { Engine } from '../engine/engine.ts';
import { actionSupport } from './support.ts';
import { watchExecutions } from './watch.ts';
import { chaosResponseOf, evidenceOf, execRequestOf, executionOf } from './wire.ts';

/** Identifies the daemon in GetCapabilities. */
export interface ServiceInfo {
  readonly version: string;
}

/** The implementation over an engine. Errors are thrown as ChaosError; a middleware maps them. */
export function createService(engine: Engine, info: ServiceInfo): ChaosDaemonServiceImplementation {
  const exec = (rpc: ExecRpc) => {
    return async (
      request: AnyExecRequest<ExecutionOptions>,
      { signal }: { signal: AbortSignal },
    ): Promise<DeepPartial<ChaosResponse>> => {
      const injection = await engine.exec(execRequestOf(rpc, request), signal);
      const observed = injection.kind === 'joined' ? await engine.observe(injection.record) : undefined;
      return chaosResponseOf(injection, observed?.evidence);
    };
  };
  // All of the contract, so that a new one is served as soon as an action asks for it.
  const execs = Object.fromEntries(execRpcs.map((rpc) => [rpc, exec(rpc)])) as Record<ExecRpc, ReturnType<typeof exec>>;
  return {
    ...execs,
    async cancelChaos({ executionId }) {
      const record = await engine.cancel(executionId);
      if (record === undefined) return { message: `${executionId} is not known here: nothing to undo` };
      const { evidence } = record;
      return {
        message: `${record.id} has ended (${record.endReason ?? 'cancelled'}); nothing of it is left`,
        ...(evidence === undefined ? {} : { evidence: evidenceOf(evidence, record) }),
      };
    },
    async getExecution({ executionId }) {
      return executionOf(await engine.get(executionId));
    },
    async listExecutions({ experimentId, includeEnded }) {
      const filter = { includeEnded, ...(experimentId === '' ? {} : { experimentId }) };
      return { executions: (await engine.list(filter)).map(executionOf) };
    },
    watchExecutions: (request, { signal }) => watchExecutions(engine, request, signal),
    async renewLease({ operatorEpoch, leaseTtl, executions }) {
      const renewed = await engine.renewLease({
        epoch: Number(operatorEpoch),
        ...(leaseTtl === undefined ? {} : { leaseTtlMs: millisecondsOf(leaseTtl) }),
        executions: executions.map(({ executionId, ttl, peers }) => ({
          id: executionId,
          ...(ttl === undefined ? {} : { ttlMs: millisecondsOf(ttl) }),
          ...(peers === undefined ? {} : { peers: peers.peers }),
        })),
      });
      return {
        unknownExecutionIds: [...renewed.unknown],
        ...(renewed.leaseExpiresAt === undefined ? {} : { leaseExpiresAt: new Date(renewed.leaseExpiresAt) }),
      };
    },
    async getCapabilities() {
      const { host } = engine;
      const capabilities = await host.capabilities();
      return {
        nodeName: host.nodeName,
        bootId: host.bootId,
        kernelRelease: host.kernelRelease,
        daemonVersion: info.version,
        capabilities: [...capabilities],
        actions: catalogue.map((action) => actionSupport(action, capabilities, engine.placement, engine.settings)),
      };
    },
  };
}
