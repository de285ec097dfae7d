/** Brings the resource definitions of ChaosPlane into a cluster, and waits until the API server serves what they say. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChaosError, defined, type Clock, type Logger } from '@chaosplane/common';
import { isConflict, type KubeClient } from '@chaosplane/kube';
import { customResourceDefinitions, type Definition } from './definition.ts';
import { whyNotServed } from './served.ts';
import { unionOf } from './union.ts';

/** What is needed to write definitions. */
export interface DefinitionParts {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'apply' | 'raw'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
}

/** Who writes definitions, to server-side apply. */
export const DEFINITIONS_MANAGER = 'chaosplane-definitions';

/** Others may write a definition at the same time; five losses in a row are more than bad luck. */
const ATTEMPTS = 5;
const LOOK_AGAIN_MS = 200;

/** The definitions of a folder, one JSON document in each file; other files are left alone. */
export async function readDefinitions(folder: string): Promise<Definition[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted();
  if (names.length === 0) throw new ChaosError('INVALID_ARGUMENT', `${folder} has no resource definition`);
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Definition));
}

/**
 * Writes them, each as `unionOf` makes it of what is there, and resolves when the API server that answers serves all of it: a
 * definition that is Established is not yet in the OpenAPI document, and its objects are not yet listed.
 * @throws ChaosError DEADLINE_EXCEEDED naming what is not served after `timeoutMs`; KubeError when the API server refuses one.
 */
export async function applyDefinitions(
  definitions: readonly Definition[],
  parts: DefinitionParts,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<void> {
  const deadline = parts.clock.monotonic() + timeoutMs;
  const written = [];
  for (const definition of definitions) written.push(await write(definition, parts));
  for (const definition of written) await waitUntilServed(definition, parts, deadline);
  parts.logger.info({ definitions: written.map(({ metadata }) => metadata.name) }, 'resource definitions are served');
}

/** The version in it makes the write conditional, so that no field is lost that another program has just brought. */
async function write({ metadata: { name }, spec: wanted }: Definition, parts: DefinitionParts): Promise<Definition> {
  const { client, logger, signal } = parts;
  const options = { fieldManager: DEFINITIONS_MANAGER, force: true, signal };
  for (let attempt = 1; ; attempt += 1) {
    const found = await client.get(customResourceDefinitions, { name }, { signal });
    const { spec, kept } = unionOf(wanted, found?.spec);
    const metadata = { name, ...defined({ resourceVersion: found?.metadata.resourceVersion }) };
    try {
      const written = await client.apply(customResourceDefinitions, { metadata, spec }, options);
      if (kept.length > 0) logger.warn({ definition: name, kept }, 'kept what this version does not know');
      return { ...written, spec };
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function waitUntilServed(
  definition: Definition,
  { client, clock, signal }: DefinitionParts,
  deadline: number,
): Promise<void> {
  for (;;) {
    const why = await whyNotServed(definition, client, signal);
    if (why === undefined) return;
    if (clock.monotonic() > deadline)
      throw new ChaosError('DEADLINE_EXCEEDED', `resource definition ${definition.metadata.name}: ${why}`);
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}
