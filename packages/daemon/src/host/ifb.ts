/** IFB devices of a namespace: made and removed over rtnetlink, without a process. */
import { closeSync } from 'node:fs';
import { SystemError } from './ffi.ts';
import {
  ACKNOWLEDGE,
  attribute,
  CREATE,
  EXCLUSIVE,
  nested,
  number32,
  plainMessage,
  REQUEST,
  zeroTerminated,
} from './netlink.ts';
import type { NetnsHandle } from './netns.ts';
import { openRtnetlink, request, requestOffThread } from './nfnetlink.ts';

/** rtnetlink(7). */
const [NEW_LINK, DELETE_LINK, SET_LINK] = [16, 17, 19];
const [IFNAME, QUEUE_LENGTH, LINK_INFO, AF_SPEC] = [3, 13, 18, 26];
const KIND = 1;
const [AF_INET6, ADDRESS_MODE, NO_ADDRESSES] = [10, 8, 1];
const UP = 1;

/** An IFB's queue, in packets; its own default of 32 would lose bursts. */
const PACKETS = 10_000;

/** Makes the device and sets it up. It gets no address, so that it sends nothing of its own. One that is there is kept. */
export function addIfb(netns: NetnsHandle, name: string): void {
  const fd = openRtnetlink(netns);
  try {
    const fresh = linkMessage(NEW_LINK, CREATE | EXCLUSIVE, name, [
      nativeNumber(QUEUE_LENGTH, PACKETS),
      nested(LINK_INFO, attribute(KIND, zeroTerminated('ifb'))),
    ]);
    ignoring('EEXIST', () => request(fd, `adding ${name}`, [fresh]));
    const addresses = nested(AF_SPEC, nested(AF_INET6, attribute(ADDRESS_MODE, Buffer.from([NO_ADDRESSES]))));
    // A kernel without IPv6 makes no addresses.
    ignoring('EAFNOSUPPORT', () => request(fd, `configuring ${name}`, [linkMessage(SET_LINK, 0, name, [addresses])]));
    request(fd, `setting ${name} up`, [linkMessage(SET_LINK, 0, name, [], UP)]);
  } finally {
    closeSync(fd);
  }
}

/** Removes the device, and its qdiscs with it. One that is not there is a success. */
export async function removeLink(netns: NetnsHandle, name: string): Promise<void> {
  const fd = openRtnetlink(netns);
  try {
    await requestOffThread(fd, `removing ${name}`, [linkMessage(DELETE_LINK, 0, name, [])]);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'ENODEV') throw error;
  } finally {
    closeSync(fd);
  }
}

function ignoring(code: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== code) throw error;
  }
}

/** nlmsghdr, struct ifinfomsg, attributes. */
function linkMessage(type: number, flags: number, name: string, attributes: readonly Buffer[], up = 0): Buffer {
  const info = Buffer.alloc(16);
  info.writeUInt32LE(up, 8);
  info.writeUInt32LE(up, 12);
  const head = { type, flags: REQUEST | ACKNOWLEDGE | flags, sequence: 1 };
  return plainMessage(head, info, attribute(IFNAME, zeroTerminated(name)), ...attributes);
}

/** A 32-bit number in the order of the machine, as rtnetlink has them. */
function nativeNumber(type: number, value: number): Buffer {
  return attribute(type, Buffer.from(number32(value)).reverse());
}
