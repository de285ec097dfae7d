/** Which floods each port can be given: one list for the short tests and for the long ones. Pure. */
import type { FloodName } from './kinds.ts';

/** Ports as the chart has them. */
export const FLOODED_PORTS = {
  /** The daemon's commands, by mutual TLS. */
  grpc: 50_051,
  /** The daemon's health, for the kubelet. */
  health: 50_052,
  /** The daemon's pages. */
  http: 8081,
  /** The operator's pages. */
  operator: 8081,
} as const;

export type FloodedPort = keyof typeof FLOODED_PORTS;

const pages: readonly FloodName[] = [
  'idle-connections',
  'connect-and-close',
  'slow-headers',
  'long-headers',
  'slow-bodies',
  'many-requests',
  'unread-pages',
];

export const floodsOf: Readonly<Record<FloodedPort, readonly FloodName[]>> = {
  grpc: ['idle-connections', 'connect-and-close', 'random-bytes', 'slow-handshakes', 'handshakes', 'insiders'],
  health: [
    'idle-connections',
    'slow-preface',
    'large-headers',
    'many-streams',
    'reset-streams',
    'pings',
    'settings',
    'large-messages',
    'unread-answers',
  ],
  http: pages,
  operator: pages,
};
