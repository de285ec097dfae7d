/** Tells the API server whose certificates the webhook has, and where it is asked for all that it knows. */
import { readFile } from 'node:fs/promises';
import type { Clock, Logger } from '@chaosplane/common';
import { reviewPath } from './path.ts';
import { isConflict, isNotFound, mutatingWebhookConfigurations, type KubeClient } from '@chaosplane/kube';

/** Where that is written. */
export interface TrustOptions {
  /** The name of the MutatingWebhookConfiguration. */
  readonly name: string;
  /** Files: who signs the certificate, and the key of it, PEM. */
  readonly ca: string;
  readonly key: string;
}

/** How often it is looked at: an upgrade of the chart may have taken it away, and the authority may be another one. */
const LOOK_AGAIN_MS = 60_000;

/** Writes it now and whenever it is gone, until the signal comes. Never throws. */
export async function keepTrust(
  { name, ca, key }: TrustOptions,
  { client, clock, logger }: { readonly client: KubeClient; readonly clock: Clock; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      const trust = { ca: await readFile(ca), path: reviewPath(await readFile(key, 'utf8')) };
      if (await writeTrust(client, name, trust, signal)) logger.info({ name }, 'the webhook is trusted');
    } catch (error) {
      // Another replica writes the same; without the configuration there is nothing to write it into.
      if (!isOver() && !isConflict(error)) {
        if (isNotFound(error)) logger.warn({ name }, 'there is no such webhook configuration');
        else logger.warn({ name, err: error }, 'the API server could not be told who signs the webhook');
      }
    }
    await clock.sleep(LOOK_AGAIN_MS, signal).catch(() => undefined);
  }
}

/** What the API server is told. */
export interface Trust {
  readonly ca: Buffer;
  /** Of the URL. */
  readonly path: string;
}

/** Whether something was written. */
export async function writeTrust(
  client: KubeClient,
  name: string,
  { ca, path }: Trust,
  signal?: AbortSignal,
): Promise<boolean> {
  const options = signal === undefined ? {} : { signal };
  const found = await client.get(mutatingWebhookConfigurations, { name }, options);
  const caBundle = ca.toString('base64');
  const operations = (found?.webhooks ?? []).flatMap(({ clientConfig: { caBundle: trusted, service } }, index) => {
    const at = `/webhooks/${index}/clientConfig`;
    return [
      ...(trusted === caBundle ? [] : [{ op: 'add' as const, path: `${at}/caBundle`, value: caBundle }]),
      ...(service?.path === path ? [] : [{ op: 'add' as const, path: `${at}/service/path`, value: path }]),
    ];
  });
  if (found === undefined || operations.length === 0) return false;
  await client.patch(mutatingWebhookConfigurations, { name }, { kind: 'json', operations }, options);
  return true;
}
