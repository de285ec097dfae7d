/** node-restart, where nothing but a PID namespace of its own is restarted: it ends there, and the next boot says that it is done. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { EndReason, ExecutionState, Verdict } from '@chaosplane/proto';
import { eventually } from '@chaosplane/testkit/eventually';
import { connect } from './pod-lab.ts';

let folder: string;
const nodes: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chaosplane-node-'));
});

afterEach(() => {
  for (const node of nodes.splice(0)) node.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Boots the node; resolves once its daemon serves. Its first process dies with `unshare`. */
async function boot(bootId: string) {
  const program = join(import.meta.dirname, 'node.main.ts');
  const outside = readlinkSync('/proc/self/ns/pid');
  const argv = ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, program, 'init', outside];
  const node = spawn('unshare', [...argv, folder, bootId], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  nodes.push(node);
  const down = once(node, 'exit');
  const lines = createInterface({ input: node.stdout });
  await Promise.race([once(lines, 'line'), down.then(() => Promise.reject(new Error('the node did not come up')))]);
  return { ...connect(join(folder, 'run/daemon.sock')), down, node };
}

const up = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

test('a node restarts when it is asked to, and after the boot it is done, and is not done again', async () => {
  const first = await boot('11111111-0000-0000-0000-000000000001');
  const request = { experimentId: 'node', action: 'restart', options: { idempotencyKey: 'once' } };
  const parameters = { gracePeriod: '100ms' };
  // Who asked for it is cut off with the node.
  await expect(first.client.execNodeChaos({ ...request, parameters })).rejects.toThrow();
  await first.down;
  first.close();

  const second = await boot('11111111-0000-0000-0000-000000000002');
  const { executions } = await second.client.listExecutions({ includeEnded: true });
  expect(executions).toHaveLength(1);
  expect(executions[0]).toMatchObject({
    action: 'node-restart',
    state: ExecutionState.EXECUTION_STATE_ENDED,
    endReason: EndReason.END_REASON_DONE,
    target: { nodeName: 'alone' },
    evidence: {
      verdict: Verdict.VERDICT_VERIFIED,
      summary: expect.stringMatching(/has booted since.*0001 before, .*0002 now/),
    },
  });
  const answer = await second.client.execNodeChaos({ ...request, parameters });
  expect(answer.executionId).toBe(executions[0]?.executionId);
  expect(answer.message).toContain('was done before with this idempotency key, and not again');
  expect(up(second.node)).toBe(true);
  second.close();
}, 60_000);

test('a daemon that only dies while it waits for the grace period has not restarted the node, and the next one does not', async () => {
  const first = await boot('11111111-0000-0000-0000-000000000001');
  const asked = first.client.execNodeChaos({ action: 'restart', parameters: { gracePeriod: '60s' } });
  const cut = expect(asked).rejects.toThrow();
  const known = async (): Promise<number> => (await first.client.listExecutions({})).executions.length;
  await eventually('the restart is known', known, { withinMs: 10_000, everyMs: 0, is: (count) => count === 1 });
  first.node.kill('SIGKILL');
  await cut;
  await first.down;
  first.close();
  // The same boot: the node did not restart.
  const second = await boot('11111111-0000-0000-0000-000000000001');
  const { executions } = await second.client.listExecutions({ includeEnded: true });
  expect(executions.map(({ endReason }) => endReason)).toEqual([EndReason.END_REASON_SWEPT]);
  expect(up(second.node)).toBe(true);
  second.close();
}, 60_000);
