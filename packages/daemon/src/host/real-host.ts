/** This node, for real. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { freemem, release, totalmem } from 'node:os';
import { ChaosError, systemClock } from '@chaosplane/common';
import { cgroups } from './stress/cgroups.ts';
import { findCapabilities } from './capabilities.ts';
import { makeFolder } from './stress/container-folder.ts';
import { connectRuntime } from './runtime/cri.ts';
import { daemonView, lookUp } from './dns.ts';
import type { Host, HostCapability } from '../contract/host.ts';
import { openNetnsHandle, type NetnsHandle } from './kernel/netns.ts';
import { reserveDescriptors } from './kernel/nft-contexts.ts';
import { oomScoreAdjOf, processes } from './stress/processes.ts';
import { createProxies } from './proxies/proxies.ts';
import { createQueues } from './queue/queues.ts';
import { realNetns } from './real-netns.ts';
import { restartNode } from './restart.ts';
import { sourceTowards } from './kernel/sockets.ts';
import { stressors } from './stress/stressors.ts';

/** What has to be known of a node beforehand. */
export interface HostOptions {
  readonly nodeName: string;
  /** `unix:///…` or a path; absent: the first known socket that exists. */
  readonly runtimeEndpoint?: string;
  /** Absent: the host refuses every restart. */
  readonly allowNodeRestart?: boolean;
}

/** Of this process and of the node's first one, as far as these can be seen; without root nothing can be done anyway. */
function ownCookies(): string[] {
  return ['/proc/self/ns/net', '/proc/1/ns/net'].flatMap((path) => {
    try {
      const handle = openNetnsHandle(path);
      handle.close();
      return [handle.cookie];
    } catch {
      return [];
    }
  });
}

/** The network of the node, also from within a pod that sees the node's processes. */
function openNodeNetns(): NetnsHandle {
  try {
    return openNetnsHandle('/proc/1/ns/net');
  } catch {
    return openNetnsHandle('/proc/self/ns/net');
  }
}

function sourcesTowards(addresses: readonly string[]): string[] {
  const netns = openNodeNetns();
  try {
    return addresses.flatMap((address) => sourceTowards(netns, address) ?? []);
  } finally {
    netns.close();
  }
}

/** What a daemon says that may not restart its node. */
export const NO_RESTART =
  'this node does not allow to be restarted: start its daemon with --allow-node-restart (chart: daemon.allowNodeRestart)';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** As the first process of the node sees it: one that is a namespace itself boots without this kernel. */
async function readBootId(): Promise<string> {
  const own = (): Promise<string> => readFile(BOOT_ID, 'utf8');
  return (await readFile(`/proc/1/root${BOOT_ID}`, 'utf8').catch(own)).trim();
}

function availableMemory(): number {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024;
}

/** Opens the node. Touches nothing yet. */
export async function createHost({ nodeName, runtimeEndpoint, allowNodeRestart = false }: HostOptions): Promise<Host> {
  const bootId = await readBootId();
  const runtime = connectRuntime(runtimeEndpoint);
  const queues = createQueues();
  const proxies = createProxies(systemClock);
  const giveBackDescriptors = reserveDescriptors();
  let found: Promise<readonly HostCapability[]> | undefined;
  return {
    nodeName,
    bootId,
    kernelRelease: release(),
    ownNetnsCookies: ownCookies(),
    memoryBytes: totalmem(),
    memoryFreeBytes: availableMemory,
    restartNode() {
      if (!allowNodeRestart) throw new ChaosError('FAILED_PRECONDITION', NO_RESTART);
      restartNode();
    },
    runtime,
    processes,
    cgroups,
    stressors,
    makeFolder,
    oomScoreAdjOf,
    capabilities: () => (found ??= findCapabilities(runtime)),
    async lookUp(netnsPath, name, view, signal) {
      const netns = openNetnsHandle(netnsPath);
      try {
        return await lookUp(netns, name, view ?? (await daemonView()), signal);
      } finally {
        netns.close();
      }
    },
    sourcesTowards,
    openNetns: (path) => realNetns(openNetnsHandle(path), queues, proxies),
    close: async () => {
      runtime.close();
      // First what waits in queues: proxies take their hooks away, and the kernel with them what waits.
      await queues.close().finally(() => proxies.close());
      giveBackDescriptors();
    },
  };
}
