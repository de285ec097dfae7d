/** The network interfaces of a namespace: what they are, and their transmit queue lengths. */
import { closeSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { ioctl, socket } from './ffi.ts';
import type { NetworkInterface } from './host.ts';
import type { NetnsHandle } from './netns.ts';

const [GET_MTU, GET_INDEX, GET_QUEUE_LENGTH, SET_QUEUE_LENGTH] = [0x8921, 0x8933, 0x8942, 0x8943];

/** Every interface, also those that are down or have no address. */
export function listInterfaces(netns: NetnsHandle): readonly NetworkInterface[] {
  return netns.within(() => {
    const addresses = networkInterfaces();
    return withControlSocket((control) =>
      interfaceNames(readFileSync('/proc/thread-self/net/dev', 'utf8')).map((name) => ({
        name,
        addresses: (addresses[name] ?? []).map(({ address }) => address),
        index: numberOf(control, name, GET_INDEX),
        mtu: numberOf(control, name, GET_MTU),
        txQueueLength: numberOf(control, name, GET_QUEUE_LENGTH),
      })),
    );
  });
}

/** Sets the transmit queue length of `device`, in packets. */
export function setQueueLength(netns: NetnsHandle, device: string, packets: number): void {
  netns.within(() => {
    withControlSocket((control) => {
      const request = interfaceRequest(device);
      request.writeInt32LE(packets, 16);
      ioctl(control, SET_QUEUE_LENGTH, request);
    });
  });
}

/** The names in /proc/net/dev: two lines of heading, then `name: numbers`. */
export function interfaceNames(table: string): string[] {
  return table
    .split('\n')
    .slice(2)
    .flatMap((line) => /^\s*(.+?):\s/.exec(line)?.[1] ?? []);
}

function numberOf(control: number, name: string, what: number): number {
  const request = interfaceRequest(name);
  ioctl(control, what, request);
  return request.readInt32LE(16);
}

function withControlSocket<T>(use: (control: number) => T): T {
  const [inetFamily, datagram] = [2, 2];
  const control = socket(inetFamily, datagram, 0);
  try {
    return use(control);
  } finally {
    closeSync(control);
  }
}

/** A struct ifreq (40 bytes) for that device; see netdevice(7). */
function interfaceRequest(device: string): Buffer {
  const longestName = 15;
  if (Buffer.byteLength(device) > longestName) throw new Error(`no interface can be named ${device}`);
  const request = Buffer.alloc(40);
  request.write(device, 0);
  return request;
}
