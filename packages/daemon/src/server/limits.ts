/** What each port of the daemon takes from those that it does not know. Why: docs/security.md. */
import type { GuardLimits } from '@chaosplane/common';
import type { ChannelOptions } from '@grpc/grpc-js';
import type { Settings } from 'node:http2';

/** A port that speaks gRPC. */
export interface GrpcLimits {
  readonly guard: GuardLimits;
  readonly options: ChannelOptions;
  readonly settings: Settings;
}

/** Of a connection that is open and known: a client that holds the operator's key. */
const SETTLED = 64;

/**
 * The port of the ChaosDaemon service: a connection of which no call was let in yet, by certificate and token, is a stranger's.
 * A handshake costs the daemon about a millisecond.
 */
export const COMMANDS: GrpcLimits = {
  guard: {
    strangers: { open: 64, rate: { perSecond: 50, burst: 100 } },
    peer: { open: 16, rate: { perSecond: 10, burst: 20 } },
    settled: SETTLED,
    // A handshake on a busy node, and what an API server may take to say whose a token is, which is 3 s.
    lifeMs: 10_000,
  },
  options: {
    'grpc.max_concurrent_streams': 256,
    // An operator whose node is gone does not say goodbye.
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.enable_channelz': 0,
  },
  // A token of a service account is at most 16 KiB.
  settings: { maxHeaderListSize: 32_768 },
};

/** The kubelet makes a connection for each probe, asks once in some 300 bytes, and closes it. */
export const HEALTH: GrpcLimits = {
  guard: {
    strangers: { open: 16, rate: { perSecond: 20, burst: 40 } },
    peer: { open: 8, rate: { perSecond: 10, burst: 20 } },
    settled: 0,
    lifeMs: 10_000,
    bytes: 4096,
  },
  options: {
    'grpc.max_concurrent_streams': 4,
    'grpc-node.max_session_memory': 1,
    'grpc.max_receive_message_length': 1024,
    'grpc.enable_channelz': 0,
  },
  settings: { maxHeaderListSize: 2048 },
};
