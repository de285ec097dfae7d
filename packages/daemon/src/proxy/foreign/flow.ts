/** The first packet of a connection, as far as it is known before it is sent, and what rules of others ask of it. Pure. */
import { isIP } from 'node:net';

/** The packets that a fault would redirect. */
export interface Flow {
  /** `prerouting`: it comes in from outside of the pod. `output`: a program of the pod sends it. */
  readonly hook: 'prerouting' | 'output';
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly family: 4 | 6;
  /** Where it may go to: the pod's own addresses, or a resolver. Empty: anywhere but to the pod itself. */
  readonly to: readonly string[];
  /** The interfaces by which it may come or go. */
  readonly devices: readonly string[];
  /** The user whose program sends it. Absent: any. */
  readonly user?: number;
}

/** Whether a packet of the flow meets a condition; `maybe` when that depends on what is not known. */
export type Answer = 'yes' | 'no' | 'maybe';

/** What is known of a part of the packet: one of these; undefined when nothing is. */
export type Known = readonly (string | number)[] | undefined;

/** All of them. */
export function every(answers: Iterable<Answer>): Answer {
  let all: Answer = 'yes';
  for (const answer of answers) {
    if (answer === 'no') return 'no';
    if (answer === 'maybe') all = 'maybe';
  }
  return all;
}

export const not = (answer: Answer): Answer => (answer === 'yes' ? 'no' : answer === 'no' ? 'yes' : 'maybe');

/** Whether what is known satisfies `holds`. */
export function whether(known: Known, holds: (value: string | number) => boolean): Answer {
  if (known === undefined || known.length === 0) return 'maybe';
  const fitting = known.filter(holds).length;
  return fitting === known.length ? 'yes' : fitting === 0 ? 'no' : 'maybe';
}

/** Whether both addresses, as people write them, begin with the same bits. */
export function haveSamePrefix(address: string, network: string, bits: number): boolean {
  if (isIP(address) !== isIP(network)) return false;
  const shift = BigInt((isIP(address) === 4 ? 32 : 128) - bits);
  return numberOf(address) >> shift === numberOf(network) >> shift;
}

function numberOf(address: string): bigint {
  if (isIP(address) === 4) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = '', tail] = address.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** Where no packet of a flow comes from or goes to: it was neither sent to the pod itself, nor by a proxy of a mesh. */
export function isLoopback(network: string): boolean {
  return /^127\./.test(network) || network === '::1' || network === '::6';
}
