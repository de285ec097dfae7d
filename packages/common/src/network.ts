/** Addresses, CIDRs and ports as people type them, in one canonical form. */
import ipaddr from 'ipaddr.js';
import { quoted, refused, type Parsed } from './quantity.ts';

/** A network, or one address when `prefix` is full. Canonical: equal networks are equal objects. */
export interface Cidr {
  readonly family: 4 | 6;
  /** The network's address, host bits zero; IPv6 compressed and in lower case (RFC 5952). */
  readonly address: string;
  /** 0–32 or 0–128. */
  readonly prefix: number;
}

/** Ports from `from` to `to`, both included, 1–65535. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

const cidrAllowed = 'an IPv4 or IPv6 address or CIDR, such as 10.0.0.1, 10.0.0.0/8 or fd00::/64';

/** The longest IPv6 address, with an IPv4 tail, and a prefix. */
const LONGEST_CIDR_TEXT = 45 + 4;

/**
 * An address or a CIDR. Host bits are cleared, and an IPv4-mapped IPv6 network is the IPv4 one.
 * Short and octal-looking IPv4 forms (10.1, 010.0.0.1), which programs read differently, and zone ids are refused.
 */
export function parseCidr(text: string): Parsed<Cidr> {
  if (isHostName(text)) {
    return refused(text, 'is a host name, and only addresses are taken here', cidrAllowed);
  }
  if (text.length > LONGEST_CIDR_TEXT) return refused(text, 'is not an address', cidrAllowed);
  const [, host, bits] = /^([0-9a-fA-F:.]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const address = host === undefined ? undefined : parseAddress(host);
  if (address === undefined) return refused(text, 'is not an address', cidrAllowed);
  const longest = address.toByteArray().length * 8;
  const prefix = bits === undefined ? longest : Number(bits);
  if (prefix > longest) return refused(text, `has a prefix above ${longest}`, cidrAllowed);
  return { ok: true, value: canonical(address, prefix) };
}

/** A name that DNS could know: its last label does not begin with a digit (RFC 3696, 2). */
function isHostName(text: string): boolean {
  return text.length <= 253 && /^(?:[a-zA-Z0-9-]+\.)*[a-zA-Z][a-zA-Z0-9-]*\.?$/.test(text);
}

/** One that a DNS query can be made of: labels of 1 to 63 characters that neither begin nor end with a dash (RFC 1035). */
function isResolvable(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.');
  return isHostName(text) && labels.every((label) => label.length <= 63 && /^[^-](.*[^-])?$/.test(label));
}

function parseAddress(host: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!host.includes(':')) return ipaddr.IPv4.isValidFourPartDecimal(host) ? ipaddr.IPv4.parse(host) : undefined;
  if (host.includes('.') && !ipaddr.IPv4.isValidFourPartDecimal(host.slice(host.lastIndexOf(':') + 1)))
    return undefined;
  return ipaddr.IPv6.isValid(host) ? ipaddr.IPv6.parse(host) : undefined;
}

function canonical(address: ipaddr.IPv4 | ipaddr.IPv6, prefix: number): Cidr {
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && prefix >= 96) {
    return canonical(address.toIPv4Address(), prefix - 96);
  }
  const bytes = address
    .toByteArray()
    .map((byte, index) => byte & (0xff00 >> Math.min(Math.max(prefix - index * 8, 0), 8)) & 0xff);
  const network = ipaddr.fromByteArray(bytes);
  return {
    family: bytes.length === 4 ? 4 : 6,
    address: network instanceof ipaddr.IPv6 ? network.toRFC5952String() : network.toString(),
    prefix,
  };
}

/** `10.0.0.1` when the prefix is full, else `10.0.0.0/8`. */
export function formatCidr({ family, address, prefix }: Cidr): string {
  return prefix === (family === 4 ? 32 : 128) ? address : `${address}/${prefix}`;
}

/** Whether an address, as a program prints it, is in a network. */
export function isWithin({ family, address, prefix }: Cidr, text: string): boolean {
  const parsed = parseAddress(text);
  if (parsed === undefined) return false;
  const own = canonical(parsed, parsed.toByteArray().length * 8);
  return own.family === family && canonical(ipaddr.parse(own.address), prefix).address === address;
}

/** The other ends of traffic, as people name them. */
export interface NamedPeers {
  readonly cidrs: readonly Cidr[];
  /** Host names in lower case; one with a dot at its end is complete, and no search domain is tried behind it. */
  readonly hosts: readonly string[];
}

/** Why no packet of a link has an address of that network; undefined when one may. */
function whyNever({ family, address, prefix }: Cidr): string | undefined {
  const full = family === 4 ? 32 : 128;
  if (prefix === full && (address === '0.0.0.0' || address === '::')) {
    return `is no address of a packet: every address is ${family === 4 ? '0.0.0.0/0' : '::/0'}`;
  }
  const loopback = family === 4 ? prefix >= 8 && address.startsWith('127.') : prefix === full && address === '::1';
  return loopback ? 'is loopback, whose packets never leave the pod' : undefined;
}

const peersAllowed = 'addresses, CIDRs or host names separated by commas, such as 10.0.0.1,fd00::/64,db.example.org';

/** Networks and host names separated by commas, each once, in the order they were first named. */
export function parsePeers(text: string): Parsed<NamedPeers> {
  const cidrs = new Map<string, Cidr>();
  const hosts = new Set<string>();
  const wrong = new Set<string>();
  for (const item of splitList(text)) {
    const parsed = parseCidr(item);
    const never = parsed.ok ? whyNever(parsed.value) : undefined;
    if (never !== undefined) wrong.add(`${quoted(item)} ${never}`);
    else if (parsed.ok) cidrs.set(formatCidr(parsed.value), parsed.value);
    else if (isResolvable(item)) hosts.add(item.toLowerCase());
    else
      wrong.add(
        item === '' ? 'a peer is empty' : isHostName(item) ? `${quoted(item)} is not a host name` : parsed.wrong,
      );
  }
  return wrong.size === 0
    ? { ok: true, value: { cidrs: [...cidrs.values()], hosts: [...hosts] } }
    : { ok: false, wrong: several(wrong), allowed: peersAllowed };
}

const portsAllowed = 'ports from 1 to 65535 and ranges, separated by commas, such as 80,443 or 9000-9010';

/** Ports and ranges separated by commas; sorted, and merged where they overlap or touch. */
export function parsePorts(text: string): Parsed<readonly PortRange[]> {
  const ranges: PortRange[] = [];
  const wrong = new Set<string>();
  for (const item of splitList(text)) {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item) ?? [];
    const from = Number(first);
    const to = last === undefined ? from : Number(last);
    if (first === undefined) wrong.add(item === '' ? 'a port is empty' : `${quoted(item)} is not a port or a range`);
    else if (from < 1 || to < 1 || from > 65535 || to > 65535) wrong.add(`${quoted(item)} is not within 1 to 65535`);
    else if (from > to) wrong.add(`${quoted(item)} ends before it begins`);
    else ranges.push({ from, to });
  }
  return wrong.size === 0
    ? { ok: true, value: merged(ranges) }
    : { ok: false, wrong: several(wrong), allowed: portsAllowed };
}

function merged(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last === undefined || range.from > last.to + 1) result.push(range);
    else result[result.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return result;
}

/** The items of a list; white space around a comma is a habit of people, not an error. */
function splitList(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

/** The first few of many wrongs: a message stays short in any case. */
function several(wrong: ReadonlySet<string>): string {
  const shown = [...wrong].slice(0, 3).join(', ');
  return wrong.size > 3 ? `${shown} and ${wrong.size - 3} more` : shown;
}

/** Names of network interfaces that a user may give, and that rules and the journal can hold: at most 15 characters. */
export const INTERFACE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$/;
