/** Each action is asked for with parameters of its own: what a node has everything for, it can do. */
import { catalogue } from '@chaosplane/actions';
import { expect, test } from '@jest/globals';
import { FakeNode } from '@chaosplane/testkit';
import { actionSupport } from './support.ts';

const placement = { engine: 'auto', hooks: 'auto' } as const;

test('a node that lacks nothing can do all that a daemon carries out, pods and nodes alike', async () => {
  const capabilities = (await new FakeNode().host().capabilities()).map((one) => ({ ...one, available: true }));
  for (const action of catalogue) {
    const { supported, reason = '' } = actionSupport(action, capabilities, placement, { allowNodeRestart: true });
    expect([action.name, supported, reason]).toEqual(
      action.route.on === 'daemon' ? [action.name, true, ''] : [action.name, false, 'carried out by the operator'],
    );
  }
});

test('what its administrator does not allow is not supported, and tells its engine, because the node lacks nothing', async () => {
  const capabilities = (await new FakeNode().host().capabilities()).map((one) => ({ ...one, available: true }));
  const refused = catalogue
    .map((action) => actionSupport(action, capabilities, placement))
    .filter(({ supported, engine }) => supported === false && engine !== undefined);
  expect(refused).toEqual([
    { action: 'node-restart', supported: false, engine: 'reboot', reason: expect.stringContaining('allowNodeRestart') },
  ]);
});

test('a node that lacks something says what, and never that a parameter is wrong', async () => {
  const capabilities = (await new FakeNode().host().capabilities()).map((one) => ({ ...one, available: false }));
  for (const action of catalogue) {
    const { supported, reason } = actionSupport(action, capabilities, placement);
    expect(supported).toBe(false);
    expect(reason).not.toMatch(/parameter|required/);
  }
});
