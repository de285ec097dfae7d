/** A stranger: floods as it is told, one line of JSON for each, and answers each with a line. Never outlives the test. */
import { createInterface } from 'node:readline';
import type { FloodTarget, Sum } from './connections.ts';
import { floods, type FloodName } from './kinds.ts';

const lines = createInterface({ input: process.stdin });
lines.once('close', () => process.exit(0));
// What a flood of connections throws at this process is not what is tested.
process.on('uncaughtException', () => undefined);

for await (const line of lines) {
  const { kind, target } = JSON.parse(line) as { kind: FloodName; target: FloodTarget };
  const sum: Sum = { begun: 0, connected: 0, answered: 0 };
  await floods[kind](target, sum);
  process.stdout.write(`${JSON.stringify(sum)}\n`);
}
