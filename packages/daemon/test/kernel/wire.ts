/** Two network namespaces joined by a virtual cable, and UDP packets that are timed between them. */
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { openNetnsHandle, type NetnsHandle } from '../../src/host/netns.ts';
import { udpSocket } from '../../src/host/sockets.ts';

export const ip = (...argv: string[]): string => execFileSync('/usr/sbin/ip', argv, { encoding: 'utf8' });

/** The cable; `a` has 10.77.0.1 on cpa0, `b` has 10.77.0.2 on cpb0. */
export interface Wire {
  readonly a: string;
  readonly b: string;
  /** Sends `count` packets from a to b, one every 3 ms. Returns the milliseconds that each took which came within `withinMs`. */
  timed(count: number, withinMs: number): Promise<number[]>;
  remove(): void;
}

export const PORT = 9000;

let wires = 0;

/** Makes it. Call `remove`, also after a failure. */
export async function createWire(): Promise<Wire> {
  const [a, b] = ['a', 'b'].map((end) => `cp${end}${process.pid}n${wires}`) as [string, string];
  wires += 1;
  const handles: NetnsHandle[] = [];
  const sockets: Socket[] = [];
  const remove = (): void => {
    for (const socket of sockets) socket.close();
    for (const handle of handles) handle.close();
    for (const name of [a, b]) ip('netns', 'del', name);
  };
  for (const name of [a, b]) ip('netns', 'add', name);
  try {
    ip('link', 'add', 'cpa0', 'netns', a, 'type', 'veth', 'peer', 'name', 'cpb0', 'netns', b);
    for (const [name, device, address] of [
      [a, 'cpa0', '10.77.0.1/24'],
      [b, 'cpb0', '10.77.0.2/24'],
    ] as const) {
      ip('-n', name, 'addr', 'add', address, 'dev', device);
      ip('-n', name, 'link', 'set', device, 'up');
    }
    const opened = async (name: string, address: string, port: number): Promise<Socket> => {
      const handle = openNetnsHandle(`/run/netns/${name}`);
      handles.push(handle);
      const socket = createSocket('udp4');
      sockets.push(socket);
      socket.bind({ fd: udpSocket(handle, { address, port }) });
      await once(socket, 'listening');
      return socket;
    };
    const sender = await opened(a, '10.77.0.1', 0);
    const receiver = await opened(b, '10.77.0.2', PORT);
    let run = 0;
    const timed = async (count: number, withinMs: number): Promise<number[]> => {
      const took: number[] = [];
      run += 1;
      const mine = run;
      const take = (data: Buffer): void => {
        const [number, sentAt] = data.toString().split(' ').map(Number);
        if (number === mine) took.push(performance.now() - (sentAt ?? 0));
      };
      receiver.on('message', take);
      for (let sent = 0; sent < count; sent += 1) {
        sender.send(`${mine} ${performance.now()}`, PORT, '10.77.0.2');
        await pause(3);
      }
      const end = performance.now() + withinMs;
      while (took.length < count && performance.now() < end) await pause(5);
      receiver.off('message', take);
      return took;
    };
    return { a, b, timed, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((x, y) => x - y)[numbers.length >> 1] ?? Number.NaN;
}
