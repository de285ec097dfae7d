/** The daemon as other packages use it: start one, or look at the node through it. */
export { parseConfig, type DaemonConfig, type RawDaemonConfig } from './config.ts';
export { startDaemon, type DaemonParts, type RunningDaemon } from './daemon.ts';
export { actionSupport } from './server/support.ts';
export { presenceOn } from './server/presence.ts';
export { FolderHeldError } from './host/folder-lock.ts';
export type { SweepReport } from './engine/sweep.ts';
export type { ContainerRuntime, Host, HostCapability, Sandbox, SandboxDetail } from './contract/host.ts';
export { createHost } from './host/real-host.ts';
export { connectRuntime } from './host/runtime/cri.ts';
export { detectRuntimeEndpoint } from './host/runtime/runtime-endpoint.ts';
