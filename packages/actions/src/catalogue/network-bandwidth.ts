/** network-bandwidth: what the pod sends or receives passes no faster than a rate. */
import { formatDuration, parseBytes, parseDuration, parseRate, refused, type Parsed } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { optional, required } from '../parameters/parameter.ts';
import { scopeParameters, toScope, type NetworkScope } from '../parameters/scope.ts';

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
const DEFAULT_MS = 50;
/** Three packets of 64 KiB, as TCP passes them on at once, with all their headers: with room for these a queue costs TCP next to nothing. */
const COMFORTABLE_BYTES = 210_000;
/** An Ethernet frame and what may be around it. */
const FRAME_BYTES = 1600;
/**
 * Without a burst of its own, a limit lets 1 ms of its rate pass at once for every 100 Mbit/s, up to 10 ms: what a timer that is late
 * costs. Slow limits let one packet pass, as a link does: of more at once, BBR takes the rate of the link behind for that of the limit.
 */
const BURST_SECONDS_PER_BIT = 0.001 / 1e8;
const LONGEST_BURST_SECONDS = 0.01;

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
  schemas: {
    rate: required(within(parseRate, LEAST_RATE, MOST_RATE, rateAllowed), {
      description: 'How much passes, in bits a second, with the headers of every packet.',
      allowed: rateAllowed,
    }),
    burst: optional(within(parseBytes, LEAST_BURST, MOST_BURST, burstAllowed), {
      description:
        'How many bytes may pass at once after a pause. Without it: one full packet, 12500 at 100mbit, and 10 ms of the rate from 1gbit on.',
      allowed: burstAllowed,
    }),
    latency: optional(within(parseDuration, 1, LONGEST_MS, latencyAllowed), {
      description: `How long a packet waits at most for its turn; what would wait longer is dropped. Without it: ${DEFAULT_MS}ms, or as long as
${COMFORTABLE_BYTES.toLocaleString('en-US')} bytes take when that is longer (168ms at 10mbit, 1.68s at 1mbit), up to ${formatDuration(LONGEST_MS)}.`,
      allowed: latencyAllowed,
    }),
    ...scopeParameters('egress'),
  },
  toSpec(values, problems): NetworkBandwidthSpec {
    const { rate: rateBits } = values;
    const time = (bytes: number): number => Math.ceil((bytes * 8000) / rateBits);
    const latencyMs = values.latency ?? Math.min(LONGEST_MS, Math.max(DEFAULT_MS, time(COMFORTABLE_BYTES)));
    if (latencyMs < Math.min(LONGEST_MS, time(FRAME_BYTES))) {
      const least = formatDuration(time(FRAME_BYTES));
      problems.push({
        path: 'parameters.latency',
        wrong: `${formatDuration(latencyMs)} is too short: at this rate one full packet (${FRAME_BYTES} bytes) takes ${least}`,
        allowed: `at least ${least}, or none, or a higher rate`,
      });
    }
    const seconds = Math.min(LONGEST_BURST_SECONDS, rateBits * BURST_SECONDS_PER_BIT);
    const enough = Math.max(FRAME_BYTES, Math.round((rateBits / 8) * seconds));
    return { scope: toScope(values, problems), rateBits, burstBytes: values.burst ?? enough, latencyMs };
  },
  summary: 'What the pod sends or receives passes no faster than a rate.',
  description: `All packets in scope share one limit in each direction that is asked for: an HTB class of ChaosPlane, with a queue that holds as much as
passes in \`latency\`, and drops what is more. TCP finds the rate by itself; a UDP sender that is faster loses packets. \`direction: both\` is the
rate each way. A limit above the speed of the link costs next to nothing.

It is like a link of that rate: one packet after the other, and no more at once than \`burst\`. What TCP of the pod sends waits in the
queue and in its socket, and next to nothing of it is lost, while the queue has room for the large packets of TCP (up to 64 KiB
each, GSO): the default \`latency\` sees to that. With a shorter one the wait is as short as asked for, and TCP loses packets and sends
them again, as behind a router with so short a queue: at 1mbit and 50ms 2 % by CUBIC and a quarter by BBR. TCP that sends to the pod knows
nothing of the queue, and loses what it would behind a link of that rate with so long a queue: most while it looks for the
rate, more by BBR and Reno than by CUBIC, and more with a \`burst\` of several packets. The packet that is on its way already comes
on top of \`latency\`. What the pod receives is held back after it came over the link, by way of an IFB device of ChaosPlane.

Where the scopes of several bandwidths overlap, the tightest holds, and its packets share its class. Delays and corruptions of
other experiments on the same pod hold as well. Neither \`sch_netem\` nor a daemon is needed: \`sch_htb\` and \`sch_tbf\` are.`,
  evidence: `Packets and bytes that went through the limit, packets that wait, and packets dropped because its queue was full. *Verified* when these are
all that were in scope.`,
  example: { rate: '10mbit' },
});
