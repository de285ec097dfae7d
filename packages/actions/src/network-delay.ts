/** network-delay: packets arrive later. */
import { formatDuration, parseDuration, parsePercent, refused, type Parsed } from '@chaosplane/common';
import { defineAction } from './action.ts';
import { defaulted, required } from './parameter.ts';
import { scopeShape, toScope, type NetworkScope } from './scope.ts';

/** A delay, understood. */
export interface NetworkDelaySpec {
  readonly scope: NetworkScope;
  readonly latencyMs: number;
  /** ± around the latency. */
  readonly jitterMs: number;
  readonly correlationPercent: number;
}

const LONGEST_MS = 10 * 60_000;

function parseLatency(text: string): Parsed<number> {
  const parsed = parseDuration(text);
  const allowed = `more than 0, at most ${formatDuration(LONGEST_MS)}`;
  if (parsed.ok && parsed.value <= 0) return refused(text, 'would do nothing', allowed);
  if (parsed.ok && parsed.value > LONGEST_MS) return refused(text, 'is too long', allowed);
  return parsed;
}

export const networkDelay = defineAction({
  name: 'network-delay',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execNetworkChaos', wireAction: 'delay' },
  recover: 'undo',
  shape: {
    latency: required(parseLatency, {
      description: 'How long each packet waits.',
      allowed: `a duration above 0, up to ${formatDuration(LONGEST_MS)}, such as 200ms`,
    }),
    jitter: defaulted(parseDuration, {
      description: 'Up to so much more or less, uniformly. Packets may overtake each other then.',
      allowed: 'a duration no longer than the latency, such as 20ms',
      default: '0s',
    }),
    correlation: defaulted(parsePercent, {
      description: "How much a packet's jitter depends on the one before.",
      allowed: 'a percentage from 0 to 100, together with jitter',
      default: '0',
    }),
    ...scopeShape('egress'),
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

Where the kernel has \`sch_netem\`, it delays, behind an HTB class of ours; packets out of scope pass the tree untouched. What comes in takes the way
through an IFB device of ours. Where the kernel has no netem, the daemon's queue engine delays in user space through NFQUEUE: while no daemon runs, packets
pass undelayed then; and what TCP sends in bulk gets slower than the latency alone would make it, because TCP counts what waits in the queue
as not sent yet. \`chaosplane doctor\` and the evidence say which engine runs. Either way the kernel ends the delay at its deadline.

When a delay is undone, packets that still wait are let out for up to 3 seconds before the queue is removed.`,
  evidence: 'Packets in scope and packets delayed. *Verified* when at least one was delayed.',
  example: { latency: '200ms', jitter: '20ms' },
});
