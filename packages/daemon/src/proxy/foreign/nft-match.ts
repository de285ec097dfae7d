/** Whether a flow meets a match of an nft rule, as libnftables-json(5) has it. Pure. */
import { isIP } from 'node:net';
import { every, isLoopback, haveSamePrefix, not, whether, type Answer, type Flow, type Known } from './flow.ts';
import { listIn, listOf, objectIn, textOf, type Json, type JsonObject, type Sets } from './json.ts';
import type { FlowCondition } from './rules.ts';

/** The condition that a match is. */
export function conditionOf({ op, left = null, right = null }: JsonObject, sets: Sets): FlowCondition {
  return (flow) => {
    if (isOfOtherProtocol(left, flow)) return 'no';
    switch (op) {
      case '==':
      case 'in':
        return compare(left, right, flow, sets);
      case '!=':
        return not(compare(left, right, flow, sets));
      default:
        return ordered(textOf(op), knownOf(left, flow), right);
    }
  };
}

/** `tcp dport 80` is about TCP only, regardless of the port of a datagram. */
function isOfOtherProtocol(left: Json, { protocol, family }: Flow): boolean {
  const header = objectIn(objectIn(left)?.['payload'] ?? null)?.['protocol'];
  if (header === 'ip' || header === 'ip6') return header !== (family === 4 ? 'ip' : 'ip6');
  return typeof header === 'string' && header !== 'th' && header !== protocol;
}

function ordered(op: string, known: Known, right: Json): Answer {
  if (typeof right !== 'number') return 'maybe';
  return whether(known, (value) => {
    if (typeof value !== 'number') return false;
    return op === '<' ? value < right : op === '>' ? value > right : op === '<=' ? value <= right : value >= right;
  });
}

/** Whether the left side is one of the values on the right, as far as that is known. */
export function compare(left: Json, right: Json, flow: Flow, sets: Sets): Answer {
  const parts = listIn(objectIn(left)?.['concat'] ?? null);
  const values = listOf(right, sets);
  const answers = values.map((value): Answer => {
    const bare = objectIn(objectIn(value)?.['elem'] ?? null)?.['val'] ?? value;
    const concat = listIn(objectIn(bare)?.['concat'] ?? null);
    if (parts.length > 0) return every(parts.map((part, index) => compareOne(part, concat[index] ?? null, flow)));
    return compareOne(left, bare, flow);
  });
  if (answers.includes('yes')) return 'yes';
  return answers.includes('maybe') ? 'maybe' : 'no';
}

function compareOne(left: Json, value: Json, flow: Flow): Answer {
  if (isOfOtherProtocol(left, flow)) return 'no';
  if (isAddress(left) && isLoopback(networkOf(value)) && !flow.to.some(isLoopback)) return 'no';
  return whether(knownOf(left, flow), (known) => holds(known, value));
}

const PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
]);

const isAddress = (left: Json): boolean =>
  ['saddr', 'daddr'].includes(textOf(objectIn(objectIn(left)?.['payload'] ?? null)?.['field']));

const networkOf = (value: Json): string =>
  typeof value === 'string' ? value : textOf(objectIn(objectIn(value)?.['prefix'] ?? null)?.['addr'] ?? '');

function holds(known: string | number, value: Json): boolean {
  const range = listIn(objectIn(value)?.['range'] ?? null);
  const prefix = objectIn(objectIn(value)?.['prefix'] ?? null);
  if (prefix !== undefined) return haveSamePrefix(String(known), textOf(prefix['addr']), Number(prefix['len']));
  if (range.length === 2) return Number(range[0]) <= Number(known) && Number(known) <= Number(range[1]);
  if (typeof value === 'string' && typeof known === 'string' && isIP(value) !== 0)
    return haveSamePrefix(known, value, isIP(value) === 4 ? 32 : 128);
  // nft lists the number of a protocol where the machine has no /etc/protocols.
  if (typeof value === 'number' && typeof known === 'string') return PROTOCOL_NUMBERS.get(known) === value;
  if (typeof value === 'string' && value.endsWith('*')) return String(known).startsWith(value.slice(0, -1));
  return known === value;
}

/** What is known of that part of the packet. */
function knownOf(left: Json, flow: Flow): Known {
  const [[kind, value] = ['', null]] = Object.entries(objectIn(left) ?? {});
  if (kind === '&') {
    const [inner = null, mask] = listIn(value);
    return knownOf(inner, flow)?.map((each) =>
      typeof each === 'number' && typeof mask === 'number' ? each & mask : each,
    );
  }
  const { key, field, result } = objectIn(value) ?? {};
  switch (`${kind} ${textOf(key ?? field ?? result)}`) {
    case 'meta l4proto':
    case 'payload protocol':
    case 'payload nexthdr':
      return [flow.protocol];
    case 'meta nfproto':
      return [flow.family === 4 ? 'ipv4' : 'ipv6'];
    case 'meta protocol':
      return [flow.family === 4 ? 'ip' : 'ip6'];
    case 'payload dport':
      return [flow.port];
    case 'payload daddr':
      return flow.to;
    case 'meta iifname':
      return flow.hook === 'prerouting' ? flow.devices : [''];
    case 'meta oifname':
      return flow.hook === 'output' ? flow.devices : [''];
    case 'meta mark':
    case 'ct mark':
      return [0];
    case 'meta skuid':
    case 'meta skgid':
      return flow.user === undefined ? undefined : [flow.user];
    case 'ct state':
      return ['new'];
    case 'fib type':
      return flow.hook === 'prerouting' ? ['local'] : undefined;
    default:
      return undefined;
  }
}
