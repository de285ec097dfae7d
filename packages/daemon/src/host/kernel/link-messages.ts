/** Messages of rtnetlink(7) about one link, by its name. */
import { SystemError } from './libc.ts';
import { ACKNOWLEDGE, attribute, nested, number32, plainMessage, REQUEST, zeroTerminated } from './netlink.ts';
import { request } from './nfnetlink.ts';

/** rtnetlink(7). */
export const [NEW_LINK, DELETE_LINK, SET_LINK] = [16, 17, 19];
const [IFNAME, QUEUE_LENGTH, AF_SPEC] = [3, 13, 26];
const [AF_INET6, ADDRESS_MODE, NO_ADDRESSES] = [10, 8, 1];
const UP = 1;

/** nlmsghdr, struct ifinfomsg, attributes. */
export function linkMessage(type: number, flags: number, name: string, attributes: readonly Buffer[], up = 0): Buffer {
  const info = Buffer.alloc(16);
  info.writeUInt32LE(up, 8);
  info.writeUInt32LE(up, 12);
  const head = { type, flags: REQUEST | ACKNOWLEDGE | flags, sequence: 1 };
  return plainMessage(head, info, attribute(IFNAME, zeroTerminated(name)), ...attributes);
}

/** The transmit queue length, in packets. */
export function queueLength(packets: number): Buffer {
  return nativeNumber(QUEUE_LENGTH, packets);
}

/** Sets a device up that sends nothing of its own: the kernel gives it no address. */
export function raiseWithoutAddress(fd: number, name: string, attributes: readonly Buffer[] = []): void {
  const addresses = nested(AF_SPEC, nested(AF_INET6, attribute(ADDRESS_MODE, Buffer.from([NO_ADDRESSES]))));
  // A kernel without IPv6 makes no addresses.
  ignoring('EAFNOSUPPORT', () => request(fd, `configuring ${name}`, [linkMessage(SET_LINK, 0, name, [addresses])]));
  request(fd, `setting ${name} up`, [linkMessage(SET_LINK, 0, name, attributes, UP)]);
}

/** Runs `work`; that error of the kernel is success. */
export function ignoring(code: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== code) throw error;
  }
}

/** A 32-bit number in the order of the machine, as rtnetlink has them. */
function nativeNumber(type: number, value: number): Buffer {
  return attribute(type, Buffer.from(number32(value)).reverse());
}
