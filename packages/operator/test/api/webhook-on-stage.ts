/** The webhook of a stage: the configuration of the chart, and a Service without pods that leads to this process. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builtInProtection } from '@chaosplane/api';
import { createLogger, systemClock } from '@chaosplane/common';
import { loadCluster } from '@chaosplane/kube/config';
import { addressTowards } from '@chaosplane/testcluster';
import { eventually } from '@chaosplane/testkit/eventually';
import { parseAllDocuments } from 'yaml';
import { createAuthority, issueServer } from '../../src/certificates/issue.ts';
import { reviewPath } from '../../src/webhook/path.ts';
import { policyJudge } from '../../src/webhook/policies.ts';
import { serveWebhook } from '../../src/webhook/server.ts';
import { writeTrust, type Trust } from '../../src/webhook/trust.ts';
import { good } from './bad-experiments.ts';
import type { ApiServerFixture, Stage } from './stage.ts';

const CHART = join(import.meta.dirname, '../../../../charts/chaosplane');

/** A webhook that the API server asks. */
export interface StagedWebhook {
  readonly host: string;
  readonly port: number;
  /** Who signs its certificate, and where it answers. */
  trust(): Promise<Trust>;
  /** Writes another certificate to its file, and tells it. */
  renew(): Promise<string>;
  close(): Promise<void>;
}

interface Rendered {
  readonly kind: string;
  readonly spec?: { readonly selector?: object };
}

/** Serves as a replica that does not lead, and waits until the API server asks. */
export async function openWebhook(fixture: ApiServerFixture, stage: Stage): Promise<StagedWebhook> {
  const authority = await createAuthority({ now: Date.now() });
  const at = (name: string): string => join(fixture.folder, name);
  const files = { certificate: at('webhook.crt'), key: at('webhook.key') };
  const host = await addressTowards(new URL(loadCluster({ kubeconfig: fixture.cluster.kubeconfig }).server).hostname);
  const renew = async (): Promise<string> => {
    const dnsNames = [`chaosplane-webhook.${stage.namespace}.svc`];
    const pair = await issueServer(authority, { commonName: 'webhook', dnsNames, now: Date.now() });
    await writeFile(files.certificate, pair.certificate);
    await writeFile(files.key, pair.key);
    return pair.certificate;
  };
  await renew();
  const parts = { client: stage.client, clock: systemClock, leader: {} };
  const judge = policyJudge({ ...parts, builtIn: [builtInProtection(['kube-system'])] });
  const logger = createLogger({ level: 'silent' });
  const tools = { clock: systemClock, logger, onTurned: () => undefined, judge };
  const server = await serveWebhook({ listen: { host, port: 0 }, ...files }, tools);
  const port = Number(server.address.split(':').at(-1));
  const trust = async (): Promise<Trust> => ({
    ca: Buffer.from(authority.certificate),
    path: reviewPath(await readFile(files.key, 'utf8')),
  });
  await register(fixture, stage, { host, port });
  // Before it is trusted nothing is asked: the connection fails, and that is ignored.
  await writeTrust(stage.client, 'chaosplane', await trust());
  await eventually('the API server asks', async () =>
    (await applyExperiment(fixture, stage, 'asked', { duration: 'x' })).includes('denied the request'),
  );
  return { host, port, trust, renew, close: () => server.close() };
}

async function register(
  { cluster }: ApiServerFixture,
  { namespace }: Stage,
  { host, port }: Pick<StagedWebhook, 'host' | 'port'>,
): Promise<void> {
  const rendered = await cluster.helm([
    ...['template', CHART, '-n', namespace],
    ...['-s', 'templates/operator/webhook.yaml'],
  ]);
  const objects = parseAllDocuments(rendered).map((document) => document.toJS() as Rendered);
  const [service, configuration] = ['Service', 'MutatingWebhookConfiguration'].map((wanted) =>
    objects.find(({ kind }) => kind === wanted)!,
  );
  const { selector: _pods, ...spec } = service!.spec!;
  const slice = {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: { name: 'webhook', namespace, labels: { 'kubernetes.io/service-name': 'chaosplane-webhook' } },
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [{ name: 'https', port }],
  };
  for (const object of [{ ...service, spec }, slice, configuration])
    await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
}

/** What kubectl says to who applies an experiment. */
export function applyExperiment(
  fixture: ApiServerFixture,
  { namespace }: Stage,
  name: string,
  changes: object,
  ...flags: readonly string[]
): Promise<string> {
  const object = {
    ...{ apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment' },
    metadata: { name, namespace },
    spec: { ...good, ...changes },
  };
  return said(fixture, ['apply', ...flags, '-f', '-'], JSON.stringify(object));
}

/** What kubectl says, also where it fails. */
export function said({ cluster }: ApiServerFixture, argv: readonly string[], input = ''): Promise<string> {
  return cluster.kubectl(argv, { input }).catch((error: unknown) => String(error));
}
