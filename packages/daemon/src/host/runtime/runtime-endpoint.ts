/** Where the container runtime of a node listens, and what stands in its place when it is not found. */
import { existsSync } from 'node:fs';
import { ChaosError } from '@chaosplane/common';
import type { ContainerRuntime } from '../../contract/host.ts';

const KNOWN_SOCKETS = [
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/k3s/containerd/containerd.sock',
] as const;

/** The runtime of this node, as an endpoint `unix:///…`: the configured one, or the first known socket that exists. */
export function detectRuntimeEndpoint(configured?: string): string | undefined {
  const path = configured ?? KNOWN_SOCKETS.find((socket) => existsSync(socket));
  return path?.startsWith('/') === true ? `unix://${path}` : path;
}

/** Refuses every call with FAILED_PRECONDITION and the way out. */
export function noRuntime(): ContainerRuntime {
  const refuse = (): Promise<never> => {
    const message = `no container runtime was found at ${KNOWN_SOCKETS.join(', ')}`;
    return Promise.reject(new ChaosError('FAILED_PRECONDITION', `${message}: give its socket with --runtime-endpoint`));
  };
  const close = (): void => undefined;
  return {
    version: refuse,
    sandboxes: refuse,
    sandboxesOf: refuse,
    sandbox: refuse,
    describe: refuse,
    containers: refuse,
    container: refuse,
    exec: refuse,
    close,
  };
}
