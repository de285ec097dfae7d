/** What the engine is asked to do, in its own words: the server translates the wire to this. */
import type { ExecRpc } from '@chaosplane/actions';

/** One peer of the options, as it came. */
export interface RequestPeer {
  /** An address or a CIDR. */
  readonly cidr: string;
  /** Ports of the peer. Empty: every port. */
  readonly ports: readonly number[];
  /** `tcp` or `udp`. Empty: every protocol. */
  readonly protocol: string;
}

/** Everything optional that came with an Exec… request. */
export interface ExecOptions {
  readonly idempotencyKey?: string;
  /** Milliseconds. */
  readonly ttlMs?: number;
  readonly podUid?: string;
  /** As Kubernetes prints it: `containerd://…`. */
  readonly containerId?: string;
  /** The boot of the node that is meant. */
  readonly bootId?: string;
  /** 0: no lease. */
  readonly operatorEpoch: number;
  readonly dryRun: boolean;
  readonly peers: readonly RequestPeer[];
  readonly probes?: { readonly nodeAddresses: readonly string[]; readonly ports: readonly number[] };
}

/** One Exec… request. */
export interface ExecRequest {
  readonly rpc: ExecRpc;
  /** The request's `action` or `stressor_type`. */
  readonly wireAction: string;
  readonly experimentId: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly options: ExecOptions;
}
