/** The steps inside the effects of proxies and stressors: whenever something was done in a pod's network, or a gate started. */
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { systemClock } from '@chaosplane/common';
import type { Host } from '../../src/contract/host.ts';
import { openNetnsHandle, type NetnsHandle } from '../../src/host/kernel/netns.ts';
import { createProxies } from '../../src/host/proxies/proxies.ts';
import { createQueues } from '../../src/host/queue/queues.ts';
import { realNetns } from '../../src/host/real-netns.ts';

/** The same node; `step` is called after each of them. */
export function withStepsInside(host: Host, step: (name: string) => void): Host {
  const [queue, proxies] = [createQueues(), createProxies(systemClock)];
  subscribe('tracing:child_process.spawn:end', (message) => {
    const { process } = message as { readonly process: ChildProcess };
    if (process.spawnargs.some((word) => word.includes('gate.main'))) step('after a gate is started');
  });
  return {
    ...host,
    openNetns: (path) => realNetns(withSteps(openNetnsHandle(path), step), queue, proxies),
    async close() {
      await Promise.all([queue.close(), proxies.close()]);
      await host.close();
    },
  };
}

/** Sockets, routes and contexts of nftables are all made by going there. */
function withSteps(handle: NetnsHandle, step: (name: string) => void): NetnsHandle {
  return {
    ...handle,
    within(work) {
      const result = handle.within(work);
      step('after something is done in the namespace');
      return result;
    },
    duplicate: () => withSteps(handle.duplicate(), step),
  };
}
