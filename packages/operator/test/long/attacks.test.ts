/** Floods of a daemon's commands, before and behind the handshake, while it serves its operator: no call of that fails, and the daemon does not grow. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { percentile, type Flooder, type FloodName } from '@chaosplane/testkit';
import { eventually } from '@chaosplane/testkit/eventually';
import { openAttackStage, type Attacker, type AttackStage } from '../kernel/attack-stage.ts';
import type { Said } from '../rotation-caller.ts';

jest.setTimeout(120_000);

const ATTACK_MS = 10_000;
/** How much longer than quiet a call may take in the middle of an attack, and how much the daemon may grow. */
const [SLOWER, LARGER] = [10, 2];

const stack = new AsyncDisposableStack();
let stage: AttackStage;
let flooder: Flooder;

beforeAll(async () => {
  stage = await openAttackStage(stack);
  flooder = stage.flooder();
  await callsOf(300);
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

const attacks: readonly (readonly [FloodName, Attacker, number])[] = [
  ['idle-connections', 'stranger', 1000],
  ['slow-handshakes', 'stranger', 1000],
  ['header-flood', 'insider', 1000],
  ['oversized-headers', 'insider', 1000],
  ['malformed-frames', 'insider', 1000],
  ['oversized-messages', 'insider', 1000],
  ['unfinished-messages', 'insider', 1000],
  // A key that was stolen, without a token: its connections are the operator's own to the door.
  ['idle-sessions', 'operator', 1000],
  ['header-flood', 'operator', 1000],
  ['oversized-headers', 'operator', 1000],
  ['tokens', 'operator', 1000],
  ['malformed-frames', 'operator', 1000],
  ['oversized-messages', 'operator', 1000],
  ['unfinished-messages', 'operator', 1000],
];

test.each(attacks)('%s by the %s, on %d connections', async (kind, attacker, connections) => {
  const quiet = await callsOf(300);
  const before = stage.daemon.memory().now;
  const { certificate, key } = stage.identities[attacker];
  const target = { host: stage.host, port: 50_051, ms: ATTACK_MS, connections };
  const flooding = flooder.flood(kind, { ...target, certificate, key });
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, stage.daemon.memory().now)), 50);
  const sum = await flooding;
  clearInterval(watch);
  const said = await stage.operator.ask();
  const [slow, usual] = [percentile(said.times, 50), percentile(quiet.times, 50)];
  const mebibytes = (bytes: number): number => Math.round(bytes / (1 << 20));
  process.stderr.write(
    `${kind} by ${attacker}: ${sum.begun} connections, ${said.times.length} calls, p50 ${slow.toFixed(1)} ms (quiet ${usual.toFixed(1)}), memory ${mebibytes(before)} to ${mebibytes(most)} MiB\n`,
  );
  expect(sum.begun).toBeGreaterThanOrEqual(connections);
  expect(said.failures).toEqual([]);
  expect(said.times.length).toBeGreaterThan(0);
  expect(most).toBeLessThan(LARGER * before);
  expect(slow).toBeLessThan(SLOWER * usual);
  expect(stage.daemon.alive).toBe(true);
});
