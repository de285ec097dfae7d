/** Understands a request: its parameters, its options, and everything that is wrong with them, together. Pure. */
import { findByRoute, parseParameters, type Action } from '@chaosplane/actions';
import {
  ChaosError,
  type Cidr,
  defined,
  formatDuration,
  invalidArgument,
  parseCidr,
  type Problem,
} from '@chaosplane/common';
import type { LayerContext } from '../faults/fault.ts';
import type { EngineConfig } from './config.ts';
import { parsePeersOf, type Peers } from './peers.ts';
import type { ExecRequest } from './request.ts';

/** A request that was understood. */
export interface ParsedRequest {
  readonly action: Action;
  /** What the schema of the action made of the parameters; the fault of that action knows its type. */
  readonly spec: unknown;
  readonly ttlMs: number;
  readonly peers: Peers;
  readonly probes?: LayerContext['probes'];
  /** The pod or container that the options say is meant, beside the parameters. */
  readonly pod: { readonly podUid?: string; readonly containerId?: string };
}

/** @throws ChaosError INVALID_ARGUMENT with all problems of the options and of the parameters. */
export function parseRequest(config: EngineConfig, request: ExecRequest): ParsedRequest {
  const action = findByRoute(request.rpc, request.wireAction, request.parameters);
  const problems = tooLong(request);
  const { ttlMs = config.defaultTtlMs } = request.options;
  if (ttlMs <= 0 || ttlMs > config.maxTtlMs) {
    const wrong = `${formatDuration(ttlMs)} is ${ttlMs <= 0 ? 'not positive' : 'above the limit of this node'}`;
    problems.push({ path: 'options.ttl', wrong, allowed: `more than 0s, at most ${formatDuration(config.maxTtlMs)}` });
  }
  const peers = parsePeersOf(request.options.peers, problems);
  const { probes } = request.options;
  const nodes = parseCidrs('options.spared_probes.node_addresses', probes?.nodeAddresses ?? [], problems);
  const ports = probes?.ports ?? [];
  for (const port of ports.filter((candidate) => candidate < 1 || candidate > 65_535)) {
    problems.push({ path: 'options.spared_probes.ports', wrong: `${port} is not a port`, allowed: '1 to 65535' });
  }
  const spec = collect(problems, () => parseParameters(action, request.parameters, { target: 'required' }));
  if (spec === undefined || problems.length > 0) throw invalidArgument(`the request for ${action.name}`, problems);
  const { podUid, containerId } = request.options;
  return {
    action,
    spec,
    ttlMs,
    peers,
    ...(probes === undefined ? {} : { probes: { addresses: nodes, ports } }),
    pod: { ...defined({ podUid, containerId }) },
  };
}

/** Names that others gave, which the journal keeps and messages repeat. */
const LONGEST_NAME = 253;

function tooLong({ experimentId, options: { idempotencyKey, podUid, containerId, bootId } }: ExecRequest): Problem[] {
  const names = {
    experiment_id: experimentId,
    'options.idempotency_key': idempotencyKey,
    'options.pod_uid': podUid,
    'options.container_id': containerId,
    'options.boot_id': bootId,
  };
  return Object.entries(names).flatMap(([path, name = '']) => {
    if (name.length <= LONGEST_NAME) return [];
    return [{ path, wrong: `it has ${name.length} characters`, allowed: `at most ${LONGEST_NAME}` }];
  });
}

/** The problems of several inputs are answered together. */
function collect<T>(problems: Problem[], parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ChaosError) || error.code !== 'INVALID_ARGUMENT') throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function parseCidrs(path: string, texts: readonly string[], problems: Problem[]): Cidr[] {
  return texts.flatMap((text, index) => {
    const parsed = parseCidr(text);
    if (parsed.ok) return [parsed.value];
    problems.push({ path: `${path}[${index}]`, wrong: parsed.wrong, allowed: parsed.allowed });
    return [];
  });
}
