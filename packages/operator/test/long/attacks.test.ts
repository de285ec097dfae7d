/** Floods of a daemon's commands, before and behind the handshake, while it serves its operator: no call of that fails, and the daemon does not grow. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { percentile, type Flooder, type FloodName } from '@chaosplane/testkit';
import { eventually } from '@chaosplane/testkit/eventually';
import {
  ATTACKERS,
  openAttackStage,
  OPERATORS_TOKEN,
  type Attacker,
  type AttackStage,
} from '../kernel/attack-stage.ts';
import type { Said } from '../rotation-caller.ts';

jest.setTimeout(120_000);

const [ATTACK_MS, CONNECTIONS] = [10_000, 1000];
/** How much longer than quiet a call may take in the middle of an attack, and how much the daemon may grow in all of them. */
const [SLOWER, LARGER] = [10, 2];

const stack = new AsyncDisposableStack();
let stage: AttackStage;
let flooder: Flooder;

/** Before the first attack. */
let quiet: { readonly median: number; readonly perSecond: number; readonly memory: number };

beforeAll(async () => {
  stage = await openAttackStage(stack);
  flooder = stage.flooder();
  await callsOf(300);
  const began = performance.now();
  const { times } = await callsOf(500);
  const perSecond = (times.length * 1000) / (performance.now() - began);
  quiet = { median: percentile(times, 50), perSecond, memory: stage.daemon.memory().now };
});
afterAll(() => stack.disposeAsync());

/** What came of the next so many calls of the operator. */
async function callsOf(many: number): Promise<Said> {
  const before = await stage.operator.ask();
  expect(before.failures).toEqual([]);
  await eventually(
    'the operator is answered',
    async () => {
      const said = await stage.operator.peek();
      expect(said.failures).toEqual([]);
      return said.kept >= before.kept + many ? true : undefined;
    },
    { withinMs: 60_000 },
  );
  return stage.operator.ask();
}

const attacks: readonly (readonly [FloodName, Attacker])[] = [
  ['idle-connections', 'stranger'],
  ['slow-handshakes', 'stranger'],
  ['header-flood', 'insider'],
  ['oversized-headers', 'insider'],
  ['unknown-calls', 'insider'],
  ['malformed-frames', 'insider'],
  ['oversized-messages', 'insider'],
  ['unfinished-messages', 'insider'],
  // A key that was stolen, without a token.
  ['idle-sessions', 'operator'],
  ['header-flood', 'operator'],
  ['oversized-headers', 'operator'],
  ['health-calls', 'operator'],
  ['unknown-calls', 'operator'],
  ['tokens', 'operator'],
  ['malformed-frames', 'operator'],
  ['oversized-messages', 'operator'],
  ['unfinished-messages', 'operator'],
];

test.each(attacks)('%s by the %s', async (kind, attacker) => {
  const { certificate, key } = stage.identities[attacker];
  const target = { host: stage.host, port: 50_051, ms: ATTACK_MS, connections: CONNECTIONS, from: ATTACKERS };
  const sum = await flooder.flood(kind, { ...target, certificate, key });
  const said = await stage.operator.ask();
  const [slow, rare] = [percentile(said.times, 50), percentile(said.times, 99)];
  const { most } = stage.daemon.memory();
  const mebibytes = (bytes: number): number => Math.round(bytes / (1 << 20));
  process.stderr.write(
    `${kind} by ${attacker}: ${sum.begun} connections, ${sum.connected} of them there, ${said.times.length} calls, p50 ${slow.toFixed(1)} ms (quiet ${quiet.median.toFixed(1)}), p99 ${rare.toFixed(1)}, memory ${mebibytes(quiet.memory)}, at most so far ${mebibytes(most)} MiB\n`,
  );
  // The door lets each of them make ten a second; a busy machine leaves the flooder less time than that takes.
  expect(sum.connected).toBeGreaterThan(5 * ATTACKERS.length);
  expect(said.failures).toEqual([]);
  expect(said.times.length).toBeGreaterThan(quiet.perSecond * (ATTACK_MS / 1000) * 0.8);
  expect(most).toBeLessThan(LARGER * quiet.memory);
  expect(slow).toBeLessThan(SLOWER * quiet.median);
  expect(stage.daemon.alive).toBe(true);
  // One that comes from elsewhere, and was not there before.
  expect(await stage.call(stage.identities.operator, OPERATORS_TOKEN)).toBe('OK');
});
