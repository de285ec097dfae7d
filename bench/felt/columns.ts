/** The columns of the table: nothing wrong, a real one, ChaosPlane, Chaos Mesh – each makes a fault of a pair of pods in its own way. */
import type { ChaosDaemonClient } from '@chaosplane/proto';
import { execa } from 'execa';
import { cleanPod, type ChaosMesh, type Netem } from '../chaos-mesh/daemon.ts';
import type { Pair } from './pairs.ts';

/** What is wrong between sender and receiver. */
export type Fault =
  | { readonly kind: 'partition' }
  | { readonly kind: 'loss'; readonly percent: number }
  | { readonly kind: 'delay'; readonly latencyMs: number };

/** Ends a fault. */
export type Undo = () => Promise<unknown>;

/** One of the table, with a pair of pods of its own. */
export interface Column {
  readonly title: string;
  readonly pair: Pair;
  /** @throws Error with the reason when this one cannot do that here. */
  apply(fault: Fault): Promise<Undo>;
}

export const nothingWrong = (pair: Pair): Column => ({
  title: 'nothing wrong',
  pair,
  apply: async () => async () => undefined,
});

/** In the network or at the receiver, where a packet belongs to no sender any more. */
export function realOne(pair: Pair, client: ChaosDaemonClient, hasNetem: boolean): Column {
  const receiver = (program: string, ...argv: readonly string[]) =>
    execa('nsenter', [`--net=${pair.receiver.path}`, program, ...argv]);
  return {
    title: 'a real one',
    pair,
    async apply(fault) {
      switch (fault.kind) {
        case 'partition':
          await pair.plug(false);
          return () => pair.plug(true);
        case 'loss': {
          const commands = [
            'add table netdev bench',
            'add chain netdev bench c { type filter hook ingress device "eth0" priority 0 ; }',
            `add rule netdev bench c meta protocol ip numgen random mod 1000 < ${10 * fault.percent} drop`,
          ];
          for (const command of commands) await receiver('nft', command);
          return () => receiver('nft', 'delete table netdev bench');
        }
        case 'delay': {
          if (!hasNetem)
            return ours(client, 'delay', {
              podName: pair.receiver.name,
              latency: `${fault.latencyMs}ms`,
              direction: 'ingress',
            });
          const qdisc = ['dev', pair.port, 'root', 'netem'];
          await execa('tc', ['qdisc', 'add', ...qdisc, 'delay', `${fault.latencyMs}ms`, 'limit', '10000']);
          return () => execa('tc', ['qdisc', 'del', ...qdisc]);
        }
      }
    },
  };
}

/** All that the pod sends; for a partition, to the receiver. */
export function chaosPlane(pair: Pair, client: ChaosDaemonClient): Column {
  const podName = pair.sender.name;
  return {
    title: 'ChaosPlane',
    pair,
    async apply(fault) {
      switch (fault.kind) {
        case 'partition':
          return ours(client, 'partition', { podName, peers: pair.receiver.ipv4 });
        case 'loss':
          return ours(client, 'loss', { podName, percent: String(fault.percent) });
        case 'delay':
          return ours(client, 'delay', { podName, latency: `${fault.latencyMs}ms` });
      }
    },
  };
}

async function ours(client: ChaosDaemonClient, action: string, parameters: Record<string, string>): Promise<Undo> {
  const { executionId } = await client.execNetworkChaos({ experimentId: 'bench', action, parameters });
  return () => client.cancelChaos({ executionId });
}

/** The same of Chaos Mesh's daemon; `unavailable` is why there is none. */
export function chaosMesh(pair: Pair, other: ChaosMesh | { readonly unavailable: string }, hasNetem: boolean): Column {
  const netem = async (daemon: ChaosMesh, what: Netem): Promise<void> => {
    await daemon.netem(pair.target, what).catch((error: unknown) => {
      const words = String(error);
      if (hasNetem) throw error;
      const tc = words.slice(words.lastIndexOf('msg: ') + 5).split('\n')[0] ?? '';
      throw new Error(`Chaos Mesh needs netem for it, which this kernel does not have; its tc says "${tc}"`);
    });
  };
  return {
    title: 'Chaos Mesh',
    pair,
    async apply(fault) {
      if ('unavailable' in other) throw new Error(other.unavailable);
      switch (fault.kind) {
        case 'partition':
          await other.partition(pair.target, [pair.receiver.ipv4]);
          break;
        case 'loss':
          await netem(other, { lossPercent: fault.percent });
          break;
        case 'delay':
          await netem(other, { latencyMs: fault.latencyMs });
          break;
      }
      return async () => {
        await other.recover(pair.target);
        await cleanPod(pair.sender.path);
      };
    },
  };
}
