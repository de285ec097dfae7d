/** TAP devices: what the kernel transmits on one is read from its descriptor; it goes when that is closed. */
import { closeSync, constants, openSync } from 'node:fs';
import { ChaosError } from '@chaosplane/common';
import { bind, duplicateFrom, ioctl, ioctlNumber, offer, readNow, setSocketOption, socket } from '../kernel/ffi.ts';
import { SystemError } from '../kernel/libc.ts';
import { queueLength, raiseWithoutAddress } from '../kernel/link-messages.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { openRtnetlink } from '../kernel/nfnetlink.ts';
import type { TapEnds } from './served-tap.ts';

/** linux/if_tun.h: https://docs.kernel.org/networking/tuntap.html */
const [SET_INTERFACE, SET_OFFLOAD] = [0x4004_54ca, 0x4004_54d0];
const [TAP, NO_PACKET_INFORMATION, VIRTIO_HEADER] = [0x0002, 0x1000, 0x4000];
/** Checksums that are not made yet, and TCP's large packets (GSO), may stay as they are; UDP's since Linux 6.2. */
const TCP_OFFLOADS = 0x01 | 0x02 | 0x04 | 0x08;
const UDP_OFFLOADS = 0x20 | 0x40;

/** Frames between the kernel and the thread that reads them; further ones are lost. Large packets are 64 KB each. */
const RING_FRAMES = 2000;

/**
 * Descriptors of TAP devices are above all that libnftables uses. The kernel closes the descriptors of a process that dies in
 * their order: the table that sends packets here goes first, so that none is sent to a device that is no more.
 */
const LEAST_DESCRIPTOR = 1024;

/**
 * Makes a TAP device that is up and sends nothing of its own. The caller owns the descriptor, which never blocks; each frame has
 * the header of virtio_net in front.
 * @throws ChaosError FAILED_PRECONDITION when this machine has no /dev/net/tun.
 */
export function openTap(netns: NetnsHandle, name: string): number {
  // The device is made in the namespace in which its file was opened.
  const opened = netns.within(openTun);
  try {
    const request = Buffer.alloc(40);
    request.write(name, 0);
    request.writeUInt16LE(TAP | NO_PACKET_INFORMATION | VIRTIO_HEADER, 16);
    ioctl(opened, SET_INTERFACE, request);
    setOffloads(opened);
    const routes = openRtnetlink(netns);
    try {
      raiseWithoutAddress(routes, name, [queueLength(RING_FRAMES)]);
    } finally {
      closeSync(routes);
    }
    return high(opened);
  } catch (error) {
    closeSync(opened);
    throw error;
  }
}

const [AF_PACKET, RAW, SOL_SOCKET, SO_PRIORITY, SO_SNDBUFFORCE, SOL_PACKET, PACKET_VNET_HDR] = [
  17, 3, 1, 12, 32, 263, 15,
];

/** What is sent and has not left the device yet; a bandwidth of ChaosPlane may hold it there. */
const SEND_BUFFER_BYTES = 64 << 20;

/** A socket whose frames, with the header of virtio_net, leave by that device with that priority. The caller owns the descriptor. */
export function openPacketSocket(netns: NetnsHandle, deviceIndex: number, priority: number): number {
  const receivesNothing = 0;
  const fd = netns.within(() => socket(AF_PACKET, RAW, receivesNothing));
  try {
    const address = Buffer.alloc(20);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeInt32LE(deviceIndex, 4);
    bind(fd, address);
    setSocketOption(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
    setSocketOption(fd, SOL_SOCKET, SO_PRIORITY, priority | 0);
    setSocketOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The ends as the thread uses them. */
export function tapEnds(fd: number, out: number): TapEnds {
  return { fd, read: (into) => readNow(fd, into), send: (frame) => offer(out, frame) };
}

function openTun(): number {
  try {
    return openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const wayOut = 'load the module tun, and let the daemon see /dev/net/tun';
    throw new ChaosError('FAILED_PRECONDITION', `no TAP device can be made: ${wayOut}`, { cause: error });
  }
}

function setOffloads(fd: number): void {
  try {
    ioctlNumber(fd, SET_OFFLOAD, TCP_OFFLOADS | UDP_OFFLOADS);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EINVAL') throw error;
    // Without it, the kernel splits UDP's large packets before it passes them on.
    ioctlNumber(fd, SET_OFFLOAD, TCP_OFFLOADS);
  }
}

/** The same file under a high descriptor; under its own where the process may not have so many. */
function high(fd: number): number {
  try {
    const above = duplicateFrom(fd, LEAST_DESCRIPTOR);
    closeSync(fd);
    return above;
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EINVAL') return fd;
    throw error;
  }
}
