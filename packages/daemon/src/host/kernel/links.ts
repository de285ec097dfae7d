/** The network interfaces of a namespace: what they are, and their transmit queue lengths. */
import { defined } from '@chaosplane/common';
import { closeSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { ioctl, socket } from './ffi.ts';
import type { NetworkInterface } from '../../contract/host.ts';
import { attributesIn, DUMP, plainMessage, REQUEST, type Received } from './netlink.ts';
import type { NetnsHandle } from './netns.ts';
import { openRtnetlink, request } from './nfnetlink.ts';

const SET_QUEUE_LENGTH = 0x8943;

/** linux/rtnetlink.h and linux/if_link.h. */
const [NEW_LINK, GET_LINK, NEW_ADDRESS, GET_ADDRESS] = [16, 18, 20, 22];
const [ADDRESS, IFNAME, MTU, LINK, QUEUE_LENGTH, LINK_INFO, LINK_NETNSID] = [1, 3, 4, 5, 13, 18, 37];
const INFO_KIND = 1;
/** IFLA_STATS64, a struct rtnl_link_stats64, and where its tx_dropped stands. */
const [STATISTICS, TX_DROPPED_AT] = [23, 56];
/** struct ifinfomsg, and struct ifaddrmsg. */
const [HEAD_LENGTH, ADDRESS_HEAD_LENGTH] = [16, 8];
/** linux/if_addr.h: where there is a peer, IFA_ADDRESS is the peer's. */
const [IFA_ADDRESS, IFA_LOCAL] = [1, 2];
const [ETHERNET, UP] = [1, 1];

/** Every interface, also those that are down or have no address. */
export function listInterfaces(netns: NetnsHandle): readonly NetworkInterface[] {
  const fd = openRtnetlink(netns);
  const list = (type: number, what: string, onEach: (received: Received) => void): void => {
    const question = plainMessage({ type, flags: REQUEST | DUMP, sequence: 1 }, Buffer.alloc(HEAD_LENGTH));
    request(fd, `listing ${what}`, [question], onEach);
  };
  try {
    // Not by getifaddrs, which leaves out an interface until the kernel has noticed, up to a second later, that its cable is in.
    const addresses = new Map<number, string[]>();
    list(GET_ADDRESS, 'addresses', (received) => {
      const found = addressIn(received);
      if (found !== undefined) addresses.set(found.index, [...(addresses.get(found.index) ?? []), found.address]);
    });
    const links: Omit<NetworkInterface, 'addresses'>[] = [];
    list(GET_LINK, 'interfaces', (received) => links.push(...[linkIn(received) ?? []].flat()));
    return links.map((link) => ({ ...link, addresses: addresses.get(link.index) ?? [] }));
  } finally {
    closeSync(fd);
  }
}

/** The address that a message tells of, and the number of its interface; undefined for another message. */
function addressIn({ type, body }: Received): { readonly index: number; readonly address: string } | undefined {
  if (type !== NEW_ADDRESS || body.length < ADDRESS_HEAD_LENGTH) return undefined;
  const attributes = attributesIn(body, ADDRESS_HEAD_LENGTH);
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (bytes === undefined) return undefined;
  return { index: body.readUInt32LE(4), address: textOf(bytes) };
}

/** IPv4 in four bytes, IPv6 in sixteen. */
export function textOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

/** The interface that a message tells of, but for its addresses; undefined for another message. */
export function linkIn({
  type,
  body,
}: Pick<Received, 'type' | 'body'>): Omit<NetworkInterface, 'addresses'> | undefined {
  if (type !== NEW_LINK || body.length < HEAD_LENGTH) return undefined;
  const attributes = attributesIn(body, HEAD_LENGTH);
  const text = (value: Buffer | undefined): string | undefined => value?.toString().replace(/\0.*$/s, '');
  const number = (attribute: number): number | undefined => attributes.get(attribute)?.readUInt32LE(0);
  const name = text(attributes.get(IFNAME));
  if (name === undefined) return undefined;
  const kind = text(attributesIn(attributes.get(LINK_INFO) ?? Buffer.alloc(0), 0).get(INFO_KIND));
  const ethernet = body.readUInt16LE(2) === ETHERNET;
  const mac = [...(attributes.get(ADDRESS) ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  // With an id of a namespace, the other device is there: the far end of a veth.
  const below = attributes.has(LINK_NETNSID) || kind === 'veth' ? undefined : number(LINK);
  return {
    name,
    index: body.readInt32LE(4),
    mtu: number(MTU) ?? 0,
    txQueueLength: number(QUEUE_LENGTH) ?? 0,
    txDropped: Number(attributes.get(STATISTICS)?.readBigUInt64LE(TX_DROPPED_AT) ?? 0n),
    up: (body.readUInt32LE(8) & UP) !== 0,
    ethernet,
    ...(ethernet && mac !== '' ? { mac } : {}),
    ...defined({ kind }),
    ...(below === undefined || below === 0 ? {} : { standsOn: below }),
  };
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
