/** Which requests are one execution: ids and hashes. Pure. */
import { createHash } from 'node:crypto';
import { peerText } from './peers.ts';
import type { ExecRequest } from './request.ts';

/**
 * What makes two requests the same: everything they ask for and the pod that they mean, but not how long, and not who asks.
 * Peers count as a set.
 */
export function requestHash(request: ExecRequest, podUid: string): string {
  const { rpc, wireAction, experimentId, parameters, options } = request;
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  const peers = options.peers.map(peerText).sort();
  return digest([rpc, wireAction, experimentId, podUid, sorted, peers, options.probes ?? null]);
}

/** The id of an execution with an idempotency key: the same key and request give the same id, also on another daemon. */
export function keyedId(action: string, key: string, hash: string): string {
  return `${action}-${digest([key, hash]).slice(0, 16)}`;
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
