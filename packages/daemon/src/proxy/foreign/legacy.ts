/** A table of old iptables, as the kernel has it in memory, as one that a packet can be followed through. Pure. */
import { defined } from '@chaosplane/common';
import { isLoopback, haveSamePrefix, not, whether, type Answer, type Flow } from './flow.ts';
import type { FlowCondition, ForeignChain, ForeignRule, ForeignTable, Verdict } from './rules.ts';
import { redirects, targetWords, untracks, xtCondition, type XtPart } from './xt.ts';

/** What the kernel tells of a table: struct ipt_getinfo, and struct ipt_entry after struct ipt_entry. */
export interface LegacyTable {
  readonly name: string;
  readonly family: 4 | 6;
  /** Where the chains of each hook begin; NF_INET_PRE_ROUTING is 0, NF_INET_LOCAL_OUT 3. */
  readonly hookEntries: readonly number[];
  readonly validHooks: number;
  readonly entries: Buffer;
}

const HOOKS = new Map([
  [0, 'prerouting'],
  [3, 'output'],
]);

/** Offsets in struct ipt_entry and struct ip6t_entry. */
const LAYOUT = {
  4: { target: 88, matches: 112, bytes: 4, protocol: 80, flags: 82 },
  6: { target: 140, matches: 168, bytes: 16, protocol: 128, flags: 131 },
} as const;

/** The head of struct xt_entry_match and struct xt_entry_target. */
const HEAD = 32;

/** Chains are known by where they begin. */
export function legacyTable({ name, family, hookEntries, validHooks, entries }: LegacyTable): ForeignTable {
  const { target: targetAt } = LAYOUT[family];
  const hooks = new Map(
    hookEntries.flatMap((at, hook): [number, string][] =>
      (validHooks & (1 << hook)) === 0 ? [] : [[at, HOOKS.get(hook) ?? 'other']],
    ),
  );
  const chains = new Map<string, ForeignChain & { readonly rules: ForeignRule[] }>();
  let current: ForeignRule[] = [];
  let named: string | undefined;
  for (let at = 0; at + targetAt + 4 <= entries.length;) {
    const next = entries.readUInt16LE(at + targetAt + 2);
    if (next === 0) break;
    const target = at + entries.readUInt16LE(at + targetAt);
    const kind = nameAt(entries, target + 2);
    const hook = hooks.get(at);
    if (kind === 'ERROR') named = nameAt(entries, target + HEAD);
    else {
      if (hook !== undefined || named !== undefined) {
        current = [];
        const chain = named ?? hook?.toUpperCase() ?? '';
        chains.set(String(at), { name: chain, rules: current, ...defined({ hook }) });
        named = undefined;
      }
      current.push(ruleOf(entries, family, at, target, kind));
    }
    at += next;
  }
  return { name: `${family === 4 ? 'iptables' : 'ip6tables'}-legacy ${name}`, families: [family], chains };
}

function ruleOf(entries: Buffer, family: 4 | 6, at: number, target: number, kind: string): ForeignRule {
  const verdict = verdictOf(entries, family, at, target, kind);
  const { matches } = LAYOUT[family];
  const conditions = [...headConditions(entries, family, at)];
  const found: XtPart[] = [];
  for (let match = at + matches; match + HEAD <= target;) {
    const size = entries.readUInt16LE(match);
    if (size < HEAD) break;
    found.push(partAt(entries, match, size));
    match += size;
  }
  conditions.push(...found.map(xtCondition));
  const end = partAt(entries, target, entries.readUInt16LE(target));
  return {
    words: () => [...found.map(({ name }) => `-m ${name}`), `-j ${targetWords(end)}`].join(' '),
    conditions,
    verdict,
  };
}

/** A match or a target, from its head on. */
function partAt(entries: Buffer, at: number, size: number): XtPart {
  return {
    name: nameAt(entries, at + 2),
    revision: entries.readUInt8(at + HEAD - 1),
    data: entries.subarray(at + HEAD, at + Math.max(HEAD, size)),
  };
}

function verdictOf(entries: Buffer, family: 4 | 6, at: number, target: number, kind: string): Verdict {
  const part = partAt(entries, target, entries.readUInt16LE(target));
  if (redirects(part)) return { kind: 'redirect' };
  if (untracks(part)) return { kind: 'untracked' };
  if (kind !== '') return { kind: 'next' };
  const [value, returns, goesTo] = [entries.readInt32LE(target + HEAD), -5, 2];
  if (value < 0) return { kind: value === returns ? 'return' : 'end' };
  const goes = (entries.readUInt8(at + LAYOUT[family].flags) & goesTo) !== 0;
  return { kind: goes ? 'goto' : 'jump', chain: String(value) };
}

/** Addresses, interfaces and the protocol: struct ipt_ip, struct ip6t_ip6. */
function* headConditions(entries: Buffer, family: 4 | 6, at: number): Iterable<FlowCondition> {
  const { bytes, protocol: protocolAt, flags: flagsAt } = LAYOUT[family];
  const inverted = entries.readUInt8(at + flagsAt + 1);
  const turned = (bit: number, condition: FlowCondition): FlowCondition =>
    (inverted & bit) === 0 ? condition : (flow) => not(condition(flow));
  const part = (index: number): Buffer => entries.subarray(at + index * bytes, at + (index + 1) * bytes);
  for (const [index, bit] of [
    [0, 0x08],
    [1, 0x10],
  ] as const) {
    const bits = [...part(index + 2)]
      .map((byte) => byte.toString(2).replaceAll('0', '').length)
      .reduce((a, b) => a + b, 0);
    if (bits === 0) continue;
    const network = addressOf(part(index));
    yield turned(bit, (flow) => {
      if (isLoopback(network) && !flow.to.some(isLoopback)) return 'no';
      return index === 0 ? 'maybe' : whether(flow.to, (address) => haveSamePrefix(String(address), network, bits));
    });
  }
  for (const [index, bit, hook] of [
    [0, 0x01, 'prerouting'],
    [1, 0x02, 'output'],
  ] as const) {
    const device = nameAt(entries, at + 4 * bytes + 16 * index, 16);
    if (device !== '') yield turned(bit, (flow) => (flow.hook === hook ? deviceIs(device, flow) : 'no'));
  }
  const protocol = entries.readUInt16LE(at + protocolAt);
  if (protocol !== 0) yield turned(0x40, (flow) => (protocol === (flow.protocol === 'tcp' ? 6 : 17) ? 'yes' : 'no'));
}

const deviceIs = (device: string, { devices }: Flow): Answer => whether(devices, (name) => name === device);

function nameAt(entries: Buffer, at: number, longest = 29): string {
  const bytes = entries.subarray(at, at + longest);
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end < 0 ? longest : end).toString('latin1');
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const text = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(':');
  return text === '0:0:0:0:0:0:0:1' ? '::1' : text === '0:0:0:0:0:0:0:6' ? '::6' : text;
}
