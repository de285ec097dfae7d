/** A probe whose header stands in a Secret, made by an operator that has the rights of the chart and no others. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createLogger } from '@chaosplane/common';
import { secrets } from '@chaosplane/kube';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { chaosExperiments, type ExperimentObject } from '@chaosplane/api';
import { eventually } from '@chaosplane/testkit/eventually';
import { openApiServerFixture, type Stage, type ApiServerFixture } from './stage.ts';

jest.setTimeout(120_000);

const ROOT = join(import.meta.dirname, '../../../..');
const WORD = `geheim-${randomBytes(8).toString('hex')}`;

let fixture: ApiServerFixture;
let stage: Stage;
let server: Server;
let url: string;
/** The headers that came, and the lines of the operator's log. */
const seen: (string | undefined)[] = [];
const log: string[] = [];

beforeAll(async () => {
  fixture = await openApiServerFixture();
  stage = await fixture.stage({ nodes: 1 });
  await stage.addPod('web-0', stage.nodes[0]!);
  server = createServer(({ headers }, answer) => {
    seen.push(headers.authorization);
    answer.statusCode = headers.authorization === `Bearer ${WORD}` ? 200 : 401;
    answer.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const logger = createLogger({ level: 'trace', destination: { write: (line) => void log.push(line) } });
  stage.startOperator({ logger });
}, 600_000);
afterAll(async () => {
  server.close();
  await stage.close();
  await fixture.close();
}, 60_000);

const account = (): string => `system:serviceaccount:${stage.namespace}:chaosplane-operator`;

/** The experiment, as soon as it is over. */
async function run(name: string, secret: string, key = 'bearer'): Promise<ExperimentObject> {
  const headers = [{ name: 'Authorization', valueFrom: { secretKeyRef: { name: secret, key } } }];
  await stage.apply(name, {
    target: { labelSelector: { matchLabels: { app: 'web' } } },
    action: { type: 'network-delay', parameters: { latency: '100ms' } },
    duration: '1s',
    steadyState: { before: [{ type: 'http', url, headers }] },
  });
  return stage.until(name, ({ status }) => status?.endedAt !== undefined);
}

async function write(name: string, data: Readonly<Record<string, string>>): Promise<void> {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const metadata = { namespace: stage.namespace, name };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, data: Object.fromEntries(encoded) };
  await stage.client.apply(secrets, secret, { fieldManager: 'test', force: true });
}

const mayRead = async (name: string): Promise<true | undefined> => {
  const question = ['auth', 'can-i', 'get', `secrets/${name}`, '-n', stage.namespace, `--as=${account()}`];
  return (await fixture.cluster.kubectl(question).catch(() => 'no')) === 'yes' ? true : undefined;
};

/** Allows the Secret called token, by the commands that the documentation gives. */
async function allow(): Promise<void> {
  const docs = await readFile(join(ROOT, 'docs/experiments.md'), 'utf8');
  const commands = docs.match(/^kubectl -n shop create role.*$/gm) ?? [];
  expect(commands).toHaveLength(2);
  for (const command of commands) {
    const [, ...argv] = command.split(' ');
    const words = argv.map((word) => (word === 'shop' ? stage.namespace : word));
    await fixture.cluster.kubectl(words.map((word) => word.replace('=chaosplane:', `=${stage.namespace}:`)));
  }
  await eventually('the rights are known', () => mayRead('token'));
}

test('the operator reads the Secret that its namespace allows, and tells what is missing until then, but never a value', async () => {
  const { namespace } = stage;
  const before = stage.print();
  const refusal = async (...which: Parameters<typeof run>): Promise<string> => {
    const { status } = await run(...which);
    expect([status?.phase, seen, stage.print()]).toEqual(['Failed', [], before]);
    return status?.message ?? '';
  };
  const forbidden = (name: string): string =>
    `the operator may not read the Secret ${namespace}/${name}: allow it with a Role, as docs/experiments.md shows for probes`;
  await write('other', { bearer: `Bearer ${WORD}` });
  expect(await mayRead('token')).toBeUndefined();
  expect(await refusal('no-right', 'token')).toContain(forbidden('token'));
  await allow();
  expect(await refusal('no-right-for-this-one', 'other')).toContain(forbidden('other'));
  expect(await refusal('no-secret', 'token')).toContain(
    `there is no Secret ${namespace}/token: create it, or mend secretKeyRef.name`,
  );
  await write('token', { geheim: WORD });
  expect(await refusal('no-key', 'token')).toContain(
    `the Secret ${namespace}/token has no key bearer: add it, or mend secretKeyRef.key`,
  );
  await write('token', { bearer: `Bearer ${WORD}\u0001` });
  expect(await refusal('no-header', 'token')).toContain('characters that none may have');
  // As `kubectl create secret generic token --from-file` makes it.
  await write('token', { bearer: `Bearer ${WORD}\n` });
  expect((await run('good', 'token')).status?.phase).toBe('Completed');
  expect(seen).toEqual([`Bearer ${WORD}`]);
  await write('token', { bearer: `Bearer ${WORD}, and more` });
  const { status } = await run('another-value', 'token');
  expect([status?.phase, status?.message]).toEqual(['Failed', expect.stringContaining('answered 401, not 200')]);

  const { items } = await stage.client.list(chaosExperiments, { namespace });
  expect(items).toHaveLength(7);
  const events = await fixture.cluster.kubectl(['get', 'events.events.k8s.io', '-n', namespace, '-o', 'json']);
  expect(events).toContain('no-key');
  for (const told of [JSON.stringify(items), events, log.join('')]) {
    expect(told).not.toContain(WORD);
    expect(told).not.toContain(Buffer.from(WORD).toString('base64').slice(0, 12));
  }
});

test('the rights of the chart are for no Secret, not even in the namespace of the operator', async () => {
  const may = ['auth', 'can-i', '--list', '-n', stage.namespace, `--as=${account()}`, '--no-headers'];
  const rights = (await fixture.cluster.kubectl(may)).split('\n');
  const onSecrets = rights.filter((line) => line.startsWith('secrets ') || line.startsWith('*'));
  expect(onSecrets.map((line) => line.split(/\s+/))).toEqual([['secrets', '[]', '[token]', '[get]']]);
});
