/** Matches and targets of xtables, as the kernel has them in rules of old iptables and of iptables-nft alike. Pure. */
import { every, not, type Answer } from './flow.ts';
import type { FlowCondition } from './rules.ts';

/** A match or a target with its own structure, behind the head of struct xt_entry_match. */
export interface XtPart {
  readonly name: string;
  readonly revision: number;
  readonly data: Buffer;
}

const maybe: FlowCondition = () => 'maybe';
const answer =
  (met: boolean): FlowCondition =>
  () =>
    met ? 'yes' : 'no';

/** How long the structures are that are read below. */
const LEAST_BYTES: Readonly<Record<string, number>> = {
  tcp: 12,
  udp: 9,
  multiport: 48,
  owner: 18,
  mark: 9,
  connmark: 9,
  state: 4,
  conntrack: 152,
};

/** XT_STATE_BIT(IP_CT_NEW) of linux/netfilter/xt_state.h, which is that of xt_conntrack.h. */
const NEW = 8;

/** Whether packets that meet the rule go elsewhere by that target. */
export const redirects = ({ name }: Pick<XtPart, 'name'>): boolean => ['REDIRECT', 'DNAT', 'TPROXY'].includes(name);

/** Whether they are kept from conntrack: struct xt_ct_target_info begins with flags, and XT_CT_NOTRACK is the first. */
export function untracks({ name, data }: XtPart): boolean {
  return name === 'NOTRACK' || (name === 'CT' && data.length >= 2 && (data.readUInt16LE(0) & 1) !== 0);
}

/** The target for people; a redirect with its port. */
export function targetWords({ name, data }: XtPart): string {
  if (name !== 'REDIRECT') return name;
  // The least port in struct nf_nat_ipv4_multi_range_compat, or in struct nf_nat_range of IPv6.
  const at = data.length >= 40 ? 36 : 16;
  return data.length < at + 2 ? name : `${name} to :${data.readUInt16BE(at)}`;
}

/** Whether a match is met; one that is not understood, or is of another revision, may be. */
export function xtCondition({ name, revision, data }: XtPart): FlowCondition {
  if (data.length < (LEAST_BYTES[name] ?? 0)) return maybe;
  switch (name) {
    case 'comment':
      return answer(true);
    case 'tcp':
    case 'udp': {
      const [from, to] = [data.readUInt16LE(4), data.readUInt16LE(6)];
      const inverted = (data.readUInt8(name === 'tcp' ? 11 : 8) & 2) !== 0;
      return ({ port, protocol }) => {
        if (protocol !== name) return 'no';
        const within: Answer = from <= port && port <= to ? 'yes' : 'no';
        return inverted ? not(within) : within;
      };
    }
    case 'multiport':
      return revision === 1 && data.readUInt8(0) !== 0 ? multiport(data) : maybe;
    case 'owner':
      return revision === 1 ? owner(data) : maybe;
    case 'mark':
    case 'connmark': {
      // What comes in or is sent for the first time has no mark yet.
      const [mark, invert] = [data.readUInt32LE(0), data.readUInt8(8)];
      return revision === 1 ? answer((mark === 0) === (invert === 0)) : maybe;
    }
    case 'state':
      return answer((data.readUInt32LE(0) & NEW) !== 0);
    case 'conntrack':
      return conntrack(revision, data);
    default:
      return maybe;
  }
}

/** struct xt_multiport_v1: which ports (1: of the destination, 2: of either end), how many, the ports, and which begin a range. */
function multiport(data: Buffer): FlowCondition {
  const count = data.readUInt8(1);
  const ranges: (readonly [number, number])[] = [];
  for (let index = 0; index < count; index += 1) {
    const from = data.readUInt16LE(2 + 2 * index);
    const isRange = data.readUInt8(32 + index) !== 0;
    ranges.push([from, isRange ? data.readUInt16LE(4 + 2 * index) : from]);
    if (isRange) index += 1;
  }
  const inverted = data.readUInt8(47) !== 0;
  return ({ port }) => {
    const listed: Answer = ranges.some(([from, to]) => from <= port && port <= to) ? 'yes' : 'no';
    return inverted ? not(listed) : every([listed]);
  };
}

/** struct xt_owner_match_info: least and most user and group, which of them are asked for (1, 2), which are inverted. */
function owner(data: Buffer): FlowCondition {
  const [asked, inverted] = [data.readUInt8(16), data.readUInt8(17)];
  return ({ user }) => {
    if (user === undefined) return 'maybe';
    return every(
      [1, 2].flatMap((bit, index): Answer[] => {
        if ((asked & bit) === 0) return [];
        const [least, most] = [data.readUInt32LE(8 * index), data.readUInt32LE(8 * index + 4)];
        const met: Answer = least <= user && user <= most ? 'yes' : 'no';
        return [(inverted & bit) === 0 ? met : not(met)];
      }),
    );
  };
}

/** struct xt_conntrack_mtinfo1, 2 and 3: what is asked for (1: the state, alone), what is inverted, and the states. */
function conntrack(revision: number, data: Buffer): FlowCondition {
  const [asked, inverted] = [data.readUInt16LE(146), data.readUInt16LE(148)];
  if (revision < 1 || revision > 3 || asked !== 1) return maybe;
  const states = revision === 1 ? data.readUInt8(150) : data.readUInt16LE(150);
  return answer(((states & NEW) !== 0) === ((inverted & 1) === 0));
}
