/** What the chart's hook does before the operator goes, with its own rights: nothing begins any more, what runs ends, what is left is named. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { blastRadiusPolicies, chaosSchedules } from '@chaosplane/api';
import { createLogger, systemClock } from '@chaosplane/common';
import { clusterRoles, type KubeClient } from '@chaosplane/kube';
import { eventually } from '@chaosplane/testkit/eventually';
import { uninstall, UNINSTALL_POLICY } from '../../src/uninstall.ts';
import { chartRights, type ChartAccount } from './chart-rights.ts';
import { isEffective, isOver } from './each-on-stage.ts';
import { applySchedule, often } from './schedules.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

jest.setTimeout(180_000);

const may = [
  { group: 'chaos.chaosplane.io', resource: 'chaosworkflows', verb: 'list' },
  { group: '', resource: 'secrets', verb: 'delete', name: 'chaosplane-ca' },
];
const hook = { name: 'chaosplane-uninstall', template: 'templates/hooks/uninstall.yaml', may };
const policy = { name: UNINSTALL_POLICY };
const role = { name: 'chaosplane-operator' };

let fixture: ApiServerFixture;
let stage: Stage;
let account: ChartAccount;

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 1 });
  account = await (await chartRights(fixture.cluster, hook))(fixture.client, stage.namespace);
  await stage.addPod('web', stage.nodes[0]!);
}, 600_000);
afterAll(async () => {
  await fixture.client.delete(blastRadiusPolicies, policy);
  await account.close();
  await stage.close();
  await fixture.close();
}, 60_000);

const cut = (name: string) =>
  stage.apply(name, {
    target: { names: ['web'] },
    action: { type: 'network-partition', parameters: {} },
    duration: '10m',
  });

/** What it logs. */
async function run(
  timeoutMs: number,
  { client = account.client, removeDefinitions = false } = {},
): Promise<readonly Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const tools = { client, clock: systemClock, logger: createLogger({ destination: { write } }) };
  const options = { namespace: stage.namespace, timeoutMs, roleName: role.name, removeDefinitions };
  await uninstall(options, tools, new AbortController().signal);
  return lines;
}

const messages = (lines: readonly Record<string, unknown>[]): unknown[] => lines.map(({ msg }) => msg);
const nameOf = (name: string): string => `${stage.namespace}/${name}`;

test('what runs ends, nothing begins as long as the operator is there, and the kill switch goes with it', async () => {
  const before = stage.print();
  const operator = stage.startOperator();
  await cut('runs');
  await stage.until('runs', isEffective);
  const lines = await run(60_000);
  expect(messages(lines)[0]).toBe('the kill switch is on');
  expect(messages(lines)).toContain('everything has recovered');
  const waiting = lines.find(({ msg }) => msg === 'waiting for what runs to end');
  expect(waiting?.['experiments']).toEqual([expect.stringContaining(`${nameOf('runs')} (`)]);
  expect((await stage.get('runs'))?.status?.phase).toBe('Aborted');
  expect(stage.print()).toBe(before);
  await cut('late');
  const { status } = await stage.until('late', isOver);
  expect(status).toMatchObject({ phase: 'Failed', message: expect.stringContaining(UNINSTALL_POLICY) });
  expect(stage.print()).toBe(before);
  expect(await fixture.client.get(blastRadiusPolicies, policy)).toMatchObject({ spec: { halt: true } });
  await operator.stop();
  await fixture.client.delete(clusterRoles, role);
  await eventually('the kill switch is gone', async () =>
    (await fixture.client.get(blastRadiusPolicies, policy)) === undefined ? true : undefined,
  );
});

test('what has not ended in its time is let go of, and named; without an operator nothing would end it', async () => {
  // The role of the test before is there again.
  const other = await fixture.stage({ nodes: 1 });
  const operator = stage.startOperator();
  await cut('stays');
  await stage.until('stays', isEffective);
  await operator.stop();
  const lines = await run(1, { removeDefinitions: true });
  const warned = lines.find(({ msg }) => msg === 'not all has ended in time, letting go of what is left');
  expect(warned).toMatchObject({ level: 'warn', experiments: [`${nameOf('stays')} (Running)`], workflows: [] });
  expect((await stage.get('stays'))?.metadata.finalizers ?? []).toEqual([]);
  // Else its record would go with them.
  expect(messages(lines)).toContainEqual(expect.stringMatching(/^the resource definitions stay/));
  await other.close();
});

test('what goes after it was listed is no error', async () => {
  await applySchedule(stage, 'going', often);
  const patched: string[] = [];
  const goes: KubeClient = {
    ...account.client,
    async patch(type, ref, ...rest) {
      patched.push(ref.name);
      if (type.plural === chaosSchedules.plural) await fixture.client.delete(chaosSchedules, ref);
      return account.client.patch(type, ref, ...rest);
    },
  };
  await run(1, { client: goes });
  expect(patched).toContain('going');
  expect(await fixture.client.get(chaosSchedules, { namespace: stage.namespace, name: 'going' })).toBeUndefined();
});
