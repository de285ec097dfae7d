/** Trials of network faults: packets that this process sends from the target's network namespace to that of another pod. */
import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { openNetnsHandle } from '@chaosplane/daemon/netns';
import { distribution, roundTrips, sendOneWay, tcpThroughput, type LabNamespace } from '@chaosplane/testkit';
import type { Installation } from '@chaosplane/testcluster/installation';
import { CALLER, podNamed, TARGET_NODE } from './places.ts';
import { trial, type Measured, type Stage, type Trial } from './trial.ts';

const PERCENT = 50;
const PACKETS = 1000;
/** Five deviations of the share of so many packets, half of which are hit: 5 · √(0.25 / 1000). */
const CHANCE = 0.08;
const LATENCY_MS = 200;
const RATE_BITS = 5e6;

/** A pod as an end of measurements; the process keeps its namespace open until it ends. */
async function openEnd(shop: Installation, name: string): Promise<LabNamespace> {
  const [path, ipv4] = await Promise.all([shop.netnsOf(name), shop.ipOf(name)]);
  return { name, path, ipv4, ipv6: '', netns: openNetnsHandle(path) };
}

/** Measures between the target and the caller. Each trial has a port of its own there. */
function between<R>(
  { shop }: Stage,
  target: string,
  measure: (target: LabNamespace, caller: LabNamespace) => Promise<R>,
): () => Promise<R> {
  let ends: Promise<[LabNamespace, LabNamespace]> | undefined;
  return async () => measure(...(await (ends ??= Promise.all([openEnd(shop, target), openEnd(shop, CALLER)]))));
}

function onPod<R>(
  { shop }: Stage,
  name: string,
  more: Pick<Measured<R>, 'parameters' | 'measure' | 'felt' | 'back'>,
): Measured<R> {
  return { target: podNamed(name), node: TARGET_NODE, residue: () => shop.print(name), ...more };
}

const isHalf = (share: number): void => {
  expect(share).toBeGreaterThan(PERCENT / 100 - CHANCE);
  expect(share).toBeLessThan(PERCENT / 100 + CHANCE);
};

/** How long a packet of the target and the answer to it take at least: this process may be late, and is never early. */
async function leastTrip(target: LabNamespace, caller: LabNamespace): Promise<number> {
  const times = await roundTrips(target, caller, { count: 9, port: 9001 });
  expect(times).toHaveLength(9);
  return distribution(times).least;
}

const delay = trial((stage) =>
  onPod<number>(stage, 'delayed', {
    parameters: { latency: `${LATENCY_MS}ms` },
    measure: between(stage, 'delayed', leastTrip),
    felt(now, before) {
      // The trip before may have been slow itself, on a machine that does other things as well.
      expect(before).toBeLessThan(LATENCY_MS / 2);
      expect(now).toBeGreaterThan(0.9 * LATENCY_MS);
      expect(now - before).toBeLessThan(2 * LATENCY_MS);
    },
    back: (after, before) => expect(after - before).toBeLessThan(LATENCY_MS / 2),
  }),
);

/** The share of packets that arrive, that arrive twice, and that the kernel of the receiver finds damaged. */
const shares = (stage: Stage, name: string, port: number) =>
  between(stage, name, async (target, caller) => {
    const damaged = checksumErrors(caller);
    const { received, duplicates } = await sendOneWay(target, caller, { count: PACKETS, port });
    const found = checksumErrors(caller) - damaged;
    return { received: received / PACKETS, duplicates: duplicates / PACKETS, damaged: found / PACKETS };
  });

type Shares = Awaited<ReturnType<ReturnType<typeof shares>>>;

/** Datagrams whose checksum was wrong, as the namespace counts them. */
function checksumErrors({ netns }: LabNamespace): number {
  const snmp = netns.within(() => readFileSync('/proc/thread-self/net/snmp', 'utf8'));
  const [names = [], values = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('InCsumErrors')]);
}

const isWhole = ({ received, duplicates }: Shares): void => {
  expect(duplicates).toBe(0);
  expect(received).toBeGreaterThan(1 - CHANCE);
};

/** Half of its packets meet with it. */
function byChance(name: string, port: number, felt: (now: Shares, before: Shares) => void): Trial {
  return trial((stage) =>
    onPod(stage, name, {
      parameters: { percent: `${PERCENT}%` },
      measure: shares(stage, name, port),
      felt(now, before) {
        isWhole(before);
        felt(now, before);
      },
      back: isWhole,
    }),
  );
}

const loss = byChance('lossy', 9002, ({ received, duplicates }) => {
  isHalf(received);
  expect(duplicates).toBe(0);
});

/** It alone has the caller's kernel find damaged datagrams. */
const corrupt = byChance('corrupted', 9003, ({ received, damaged }, before) => {
  expect(before.damaged).toBe(0);
  isHalf(received);
  isHalf(damaged);
});

const duplicate = byChance('doubled', 9004, ({ received, duplicates }) => {
  isHalf(duplicates);
  expect(received).toBeGreaterThan(1 - CHANCE);
});

/** By the name that the parameter has in files of others. */
const partition = trial((stage) =>
  onPod(stage, 'cut', {
    parameters: { target_cidr: `${stage.callerIp}/32` },
    measure: between(stage, 'cut', async (target, caller) => {
      const sending = { count: 100, port: 9005 };
      const there = await sendOneWay(target, caller, sending);
      const back = await sendOneWay(caller, target, sending);
      return [there.received, back.received];
    }),
    felt(now, before) {
      expect(before).toEqual([100, 100]);
      expect(now).toEqual([0, 0]);
    },
    back: (after) => expect(after).toEqual([100, 100]),
  }),
);

const bandwidth = trial((stage) =>
  onPod(stage, 'slow', {
    parameters: { rate: `${RATE_BITS / 1e6}mbit` },
    measure: between(stage, 'slow', (target, caller) => tcpThroughput(target, caller, { port: 9006, forMs: 2000 })),
    felt(now, before) {
      expect(before).toBeGreaterThan(4 * RATE_BITS);
      expect(now).toBeLessThan(1.1 * RATE_BITS);
      expect(now).toBeGreaterThan(RATE_BITS / 4);
    },
    back: (after) => expect(after).toBeGreaterThan(4 * RATE_BITS),
  }),
);

/** The pods that they hit, on TARGET_NODE. */
export const networkPods = ['delayed', 'lossy', 'corrupted', 'doubled', 'cut', 'slow'] as const;

export const networkTrials = {
  'network-delay': delay,
  'network-loss': loss,
  'network-corrupt': corrupt,
  'network-duplicate': duplicate,
  'network-partition': partition,
  'network-bandwidth': bandwidth,
} as const;
