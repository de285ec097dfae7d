/** network-bandwidth: what the pod sends or receives passes no faster than a rate. */
import { formatDuration, parseBytes, parseDuration, parseRate, refused, type Parsed } from '@chaosplane/common';
import { defineAction } from './action.ts';
import { defaulted, optional, required } from './parameter.ts';
import { scopeShape, toScope, type NetworkScope } from './scope.ts';

/** A bandwidth, understood. */
export interface NetworkBandwidthSpec {
  readonly scope: NetworkScope;
  /** Bits a second. */
  readonly rateBits: number;
  /** Bytes that may pass at once. */
  readonly burstBytes: number;
  /** How long a packet waits at most; what would wait longer is dropped. */
  readonly latencyMs: number;
}

const [LEAST_RATE, MOST_RATE] = [8000, 100_000_000_000];
const [LEAST_BURST, MOST_BURST] = [1600, 1_000_000_000];
const LONGEST_MS = 60_000;
/** Without a burst of its own, a limit lets so much of its rate pass at once: a timer tick of a slow kernel. */
const BURST_SECONDS = 0.01;
const LEAST_DEFAULT_BURST = 15_000;

function within(parse: (text: string) => Parsed<number>, least: number, most: number, allowed: string) {
  return (text: string): Parsed<number> => {
    const parsed = parse(text);
    if (!parsed.ok) return parsed;
    if (parsed.value < least) return refused(text, parsed.value === 0 ? 'is nothing' : 'is too little', allowed);
    return parsed.value > most ? refused(text, 'is too much', allowed) : parsed;
  };
}

const rateAllowed = 'a rate from 8kbit to 100gbit, such as 10mbit';
const burstAllowed = 'an amount from 1600 bytes to 1G, such as 32k';
const latencyAllowed = `a duration from 1ms to ${formatDuration(LONGEST_MS)}, such as 50ms`;

export const networkBandwidth = defineAction({
  name: 'network-bandwidth',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'bandwidth' },
  recover: 'undo',
  shape: {
    rate: required(within(parseRate, LEAST_RATE, MOST_RATE, rateAllowed), {
      description: 'How much passes, in bits a second, with the headers of every packet.',
      allowed: rateAllowed,
    }),
    burst: optional(within(parseBytes, LEAST_BURST, MOST_BURST, burstAllowed), {
      description:
        'How many bytes may pass at once after a pause. Without it: 10 ms of the rate, and no less than 15000.',
      allowed: burstAllowed,
    }),
    latency: defaulted(within(parseDuration, 1, LONGEST_MS, latencyAllowed), {
      description: 'How long a packet waits at most for its turn; what would wait longer is dropped.',
      allowed: latencyAllowed,
      default: '50ms',
    }),
    ...scopeShape('egress'),
  },
  toSpec(values, problems): NetworkBandwidthSpec {
    const { rate: rateBits, latency: latencyMs } = values;
    const enough = Math.max(LEAST_DEFAULT_BURST, Math.round((rateBits / 8) * BURST_SECONDS));
    return { scope: toScope(values, problems), rateBits, burstBytes: values.burst ?? enough, latencyMs };
  },
  summary: 'What the pod sends or receives passes no faster than a rate.',
  description: `All packets in scope share one limit in each direction that is asked for: an HTB class of ours, with a queue that holds as much as
passes in \`latency\`, and drops what is more. TCP finds the rate by itself; a UDP sender that is faster loses packets. \`direction: both\` is the
rate each way. What the pod receives is held back after it came over the link, by way of an IFB device of ours.

Where the scopes of several bandwidths overlap, the tightest holds, and its packets share its class. Delays and corruptions of
other experiments on the same pod hold as well. Neither \`sch_netem\` nor a daemon is needed: \`sch_htb\` and \`sch_tbf\` are.`,
  evidence:
    'Packets and bytes that went through the limit, and packets dropped because its queue was full. *Verified* when any went through.',
  example: { rate: '10mbit' },
});
