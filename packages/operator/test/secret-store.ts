/** Secrets in memory, for what keeps certificates. */
import { createLogger, systemClock } from '@chaosplane/common';
import { KubeError, type KubeClient, type Secret } from '@chaosplane/kube';
import type { CertificateParts } from '../src/certificates/ensure.ts';

/** Secrets kept in memory, with the API server's rules: a name is created once, and only what was read is replaced. */
export function secretStore(): CertificateParts & {
  readonly client: Pick<KubeClient, 'delete'>;
  readonly objects: Map<string, Secret>;
  at(ms: number): void;
} {
  const objects = new Map<string, Secret>();
  let version = 0;
  let offset = 0;
  const keep = (object: Secret): Secret => {
    version += 1;
    const kept = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    objects.set(object.metadata.name, kept);
    return kept;
  };
  const client: CertificateParts['client'] & Pick<KubeClient, 'delete'> = {
    delete: async (_type, { name }) => (objects.delete(name) ? 'deleted' : 'gone'),
    get: (async (_type, { name }) => objects.get(name)) as KubeClient['get'],
    create: (async (_type, created) => {
      const object = created as unknown as Secret;
      if (objects.has(object.metadata.name)) throw new KubeError(409, 'AlreadyExists', 'it is there');
      return keep(object);
    }) as KubeClient['create'],
    replace: (async (_type, replaced) => {
      const object = replaced as unknown as Secret;
      const there = objects.get(object.metadata.name);
      if (there?.metadata.resourceVersion !== object.metadata.resourceVersion) {
        throw new KubeError(409, 'Conflict', 'it has changed');
      }
      return keep(object);
    }) as KubeClient['replace'],
  };
  const clock = { ...systemClock, now: () => Date.now() + offset };
  return { client, clock, logger: createLogger({ level: 'silent' }), objects, at: (ms) => (offset = ms) };
}
