/** Doors before the ports of servers. */
export { addressOf, peerOf } from './peer.ts';
export { createGuard, type Guard, type GuardLimits, type GuardOptions, type Standing } from './guard.ts';
export { createDoor, turnedReasons, type Door, type DoorLimits, type Pass, type Turned } from './door.ts';
export { reportTurned } from './report.ts';
