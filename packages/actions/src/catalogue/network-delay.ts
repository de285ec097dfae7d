/** network-delay: packets arrive later. */
import { formatDuration, parseDuration, parsePercent, type Parsed } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { defaulted, parseWait, required } from '../parameters/parameter.ts';
import { scopeParameters, toScope, type NetworkScope } from '../parameters/scope.ts';

/** A delay, understood. */
export interface NetworkDelaySpec {
  readonly scope: NetworkScope;
  readonly latencyMs: number;
  /** ± around the latency. */
  readonly jitterMs: number;
  readonly correlationPercent: number;
}

const LONGEST_MS = 10 * 60_000;

/** None, or as fine as the latency. */
function parseJitter(text: string): Parsed<number> {
  const parsed = parseDuration(text);
  return parsed.ok && parsed.value > 0 ? parseWait(LONGEST_MS)(text) : parsed;
}

export const networkDelay = defineAction({
  name: 'network-delay',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'delay' },
  recover: 'undo',
  schemas: {
    latency: required(parseWait(LONGEST_MS), {
      description: 'How long each packet waits.',
      allowed: `a duration above 0, up to ${formatDuration(LONGEST_MS)}, such as 200ms`,
    }),
    jitter: defaulted(parseJitter, {
      description: 'Up to so much more or less, uniformly. Packets may overtake each other then.',
      allowed: 'a duration no longer than the latency, such as 20ms',
      default: '0s',
    }),
    correlation: defaulted(parsePercent, {
      description: `How much a packet's jitter depends on the one before: the correlation of neighbouring packets' delays. It does not
change how far they spread. With 100, all packets wait equally long: what was drawn once for the first.`,
      allowed: 'a percentage from 0 to 100, together with jitter',
      default: '0',
    }),
    ...scopeParameters('egress'),
  },
  toSpec(values, problems): NetworkDelaySpec {
    const { latency: latencyMs, jitter: jitterMs, correlation: correlationPercent } = values;
    if (jitterMs > latencyMs) {
      const wrong = `${formatDuration(jitterMs)} is longer than the latency`;
      problems.push({ path: 'parameters.jitter', wrong, allowed: `at most ${formatDuration(latencyMs)}` });
    }
    if (correlationPercent > 0 && jitterMs === 0) {
      problems.push({
        path: 'parameters.correlation',
        wrong: 'there is no jitter to correlate',
        allowed: '0 without jitter',
      });
    }
    return { scope: toScope(values, problems), latencyMs, jitterMs, correlationPercent };
  },
  summary: 'Packets that the pod sends or receives arrive later.',
  description: `Every packet in scope waits: what the pod sends before it leaves the pod's interface, what it receives before it is taken
in. With the default direction, a request takes longer by the latency, because its packets do; the answer comes back at its usual
speed. With \`both\`, a round trip takes twice the latency more. TCP sees a longer round trip and slows down as it would on a
long link. Delays of several experiments on one pod add up where their scopes overlap, for up to eight of them.

Where the kernel has \`sch_netem\`, it delays, behind an HTB class of ChaosPlane; packets out of scope pass the tree untouched. What comes in takes the way
through an IFB device of ChaosPlane. netem holds at most 256 MiB for all faults of a pod: 3,640 packets, shared equally by the directions and by the combinations
of overlapping delays, each of which holds 32 at least; what finds no room is lost, and the evidence says how much that was. A correlation below 100 has no effect in netem, nor has it delays of more
than 274 s or jitter of more than 2.1 s, alone or as a sum of several faults: user space does these where the node can, else they are refused.

Where the kernel has no netem, the daemon delays in user space: what the pod sends waits beyond its socket, behind a TAP
device, so that TCP fills the longer link as it would a real one; what comes in waits in an NFQUEUE. Up to 64 MiB wait in a pod; what comes on top is lost, and counted. While no daemon runs,
packets pass undelayed. Where the node has no TUN, or the kernel no egress hook (5.16), what is sent waits in an NFQUEUE too: it then still belongs to its
socket, and TCP sends two packets at a time. \`chaosplane doctor\` and the evidence say which engine runs. Either way the kernel ends the delay at its deadline.

What a client feels of \`latency: 100ms\` in a pod that it calls, when it opens a new connection: the TCP handshake is one round trip and the
request another, and the pod's packets are in both. With the default direction each round trip takes 100 ms more, so the first
answer comes 200 ms later, twice the delay; with \`both\` each takes 200 ms more, so it comes 400 ms later, four times the delay. On
a connection that is open already it is 100 and 200 ms. TLS 1.3 adds one round trip more, and a DNS query through the same pod another.

When a delay is undone, packets that still wait are let out for up to 3 seconds before the queue is removed.`,
  evidence: `Packets in scope, packets delayed, packets that wait, and packets lost because the queue was full. *Verified* when these are all
that were in scope, also when they all still wait.`,
  example: { latency: '200ms', jitter: '20ms' },
});
