/** Who may command a daemon in a process of its own, which serves its operator all the while: no call of that fails. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@chaosplane/testkit/eventually';
import type { Said } from '../rotation-caller.ts';
import { openAttackStage, OPERATORS_TOKEN, type Attacker, type AttackStage } from './attack-stage.ts';

const stack = new AsyncDisposableStack();
let stage: AttackStage;

beforeAll(async () => {
  stage = await openAttackStage(stack);
  await callsOf(300);
}, 120_000);
afterAll(() => stack.disposeAsync(), 60_000);

/** What came of the next so many calls of the operator. */
async function callsOf(many: number): Promise<Said> {
  const before = await stage.operator.ask();
  expect(before.failures).toEqual([]);
  await eventually('the operator is answered', async () => {
    const said = await stage.operator.peek();
    expect(said.failures).toEqual([]);
    return said.kept >= before.kept + many;
  });
  const said = await stage.operator.ask();
  expect(said.failures).toEqual([]);
  return said;
}

describe('a command by', () => {
  test.each<[string, Attacker | undefined, string]>([
    ["the operator's name, in a certificate that has ended", 'expired', 'UNAVAILABLE'],
    ['a certificate that is not valid yet', 'early', 'UNAVAILABLE'],
    ['a certificate of another authority of the same name', 'stranger', 'UNAVAILABLE'],
    ['the key of another daemon', 'daemon', 'UNAVAILABLE'],
    ['the key of the webhook', 'webhook', 'UNAVAILABLE'],
    ['no certificate', undefined, 'UNAVAILABLE'],
    ['another client of the authority', 'insider', 'PERMISSION_DENIED'],
  ])(
    "%s is refused, with the operator's token as well",
    async (_who, attacker, status) => {
      const identity = attacker === undefined ? undefined : stage.identities[attacker];
      expect(await stage.call(identity, OPERATORS_TOKEN)).toBe(status);
      expect((await stage.operator.ask()).failures).toEqual([]);
    },
    60_000,
  );

  test("the operator's stolen key is refused without its token, and this stage would show if it were not", async () => {
    expect(await stage.call(stage.identities.operator)).toBe('UNAUTHENTICATED');
    expect(await stage.call(stage.identities.operator, 'token-of-another')).toBe('UNAUTHENTICATED');
    expect(await stage.call(stage.identities.operator, OPERATORS_TOKEN)).toBe('OK');
  }, 60_000);
});
