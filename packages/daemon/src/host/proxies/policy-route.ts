/** The policy rule and the route that bring marked packets of a namespace back to the loopback device; see rtnetlink(7). */
import { closeSync } from 'node:fs';
import { bind, socket } from '../kernel/ffi.ts';
import { SystemError } from '../kernel/libc.ts';
import { ACKNOWLEDGE, attribute, CREATE, REQUEST } from '../kernel/netlink.ts';
import type { NetnsHandle } from '../kernel/netns.ts';
import { request } from '../kernel/nfnetlink.ts';
import { PROXY_MASK, RETURNING, ROUTE_TABLE, RULE_PREFERENCE } from '../../proxy/names.ts';

const [NETLINK_FAMILY, RAW, ROUTE_PROTOCOL] = [16, 3, 0];
const [NEW_ROUTE, DELETE_ROUTE, NEW_RULE, DELETE_RULE] = [24, 25, 32, 33];
const EXCLUSIVE = 0x200;
const [INET, INET6] = [2, 10];
/** The loopback device is the first of every namespace. */
const LOOPBACK_INDEX = 1;
/** Whose routes these are; `ip route` shows it as a number. */
const OUR_PROTOCOL = 196;

/** Adds both, for IPv4 and, where the namespace has it, IPv6. What is there already stays. */
export function addPolicyRoute(netns: Pick<NetnsHandle, 'within'>): void {
  withRouteSocket(netns, (fd) => {
    for (const family of [INET, INET6]) {
      const add = ACKNOWLEDGE | REQUEST | CREATE | EXCLUSIVE;
      ask(fd, 'adding a route', routeMessage(NEW_ROUTE, add, family), ['EEXIST', ...lacking(family)]);
      ask(fd, 'adding a policy rule', ruleMessage(NEW_RULE, add, family), ['EEXIST', ...lacking(family)]);
    }
  });
}

/** Removes both. True when something was there. */
export function removePolicyRoute(netns: Pick<NetnsHandle, 'within'>): boolean {
  return withRouteSocket(netns, (fd) =>
    [INET, INET6]
      .flatMap((family) => [
        ask(fd, 'removing a policy rule', ruleMessage(DELETE_RULE, ACKNOWLEDGE | REQUEST, family), GONE),
        ask(fd, 'removing a route', routeMessage(DELETE_ROUTE, ACKNOWLEDGE | REQUEST, family), GONE),
      ])
      .includes(true),
  );
}

const GONE = ['ENOENT', 'ESRCH', 'EAFNOSUPPORT', 'EOPNOTSUPP', 'ENODEV'];

/** What the kernel says where IPv6 is switched off. */
const lacking = (family: number): string[] =>
  family === INET6 ? ['EAFNOSUPPORT', 'EOPNOTSUPP', 'EACCES', 'ENODEV', 'EPERM'] : [];

/** True when the kernel did it, false when it answered with one of `harmless`. */
function ask(fd: number, what: string, message: Buffer, harmless: readonly string[]): boolean {
  try {
    request(fd, what, [message]);
    return true;
  } catch (error) {
    if (error instanceof SystemError && harmless.includes(error.code)) return false;
    throw error;
  }
}

function withRouteSocket<T>(netns: Pick<NetnsHandle, 'within'>, use: (fd: number) => T): T {
  const fd = netns.within(() => socket(NETLINK_FAMILY, RAW, ROUTE_PROTOCOL));
  try {
    const anyAddress = Buffer.alloc(12);
    anyAddress.writeUInt16LE(NETLINK_FAMILY, 0);
    bind(fd, anyAddress);
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** `local default dev lo table N`: struct rtmsg, then where it belongs and which device. */
function routeMessage(type: number, flags: number, family: number): Buffer {
  const [hostScope, localType] = [254, 2];
  const head = Buffer.from([family, 0, 0, 0, 0, OUR_PROTOCOL, hostScope, localType, 0, 0, 0, 0]);
  const [outgoing, table] = [4, 15];
  return framed(type, flags, head, attribute(outgoing, number(LOOPBACK_INDEX)), attribute(table, number(ROUTE_TABLE)));
}

/** `from all fwmark M/MASK lookup N`: struct fib_rule_hdr, then its parts. */
function ruleMessage(type: number, flags: number, family: number): Buffer {
  const toTable = 1;
  const head = Buffer.from([family, 0, 0, 0, 0, 0, 0, toTable, 0, 0, 0, 0]);
  const [priority, mark, table, mask] = [6, 10, 15, 16];
  return framed(
    type,
    flags,
    head,
    attribute(priority, number(RULE_PREFERENCE)),
    attribute(mark, number(RETURNING)),
    attribute(mask, number(PROXY_MASK)),
    attribute(table, number(ROUTE_TABLE)),
  );
}

/** In host byte order, as rtnetlink has it. */
function number(value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(value);
  return data;
}

function framed(type: number, flags: number, ...parts: readonly Buffer[]): Buffer {
  const data = Buffer.concat([Buffer.alloc(16), ...parts]);
  data.writeUInt32LE(data.length, 0);
  data.writeUInt16LE(type, 4);
  data.writeUInt16LE(flags, 6);
  data.writeUInt32LE(1, 8);
  return data;
}
