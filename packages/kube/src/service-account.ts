/** The API server and the identity that a pod is given. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '@chaosplane/common';
import type { ClusterConfig } from './cluster-config.ts';

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** client-go reads them again as often; the kubelet replaces a token when four fifths of its life are over. */
const FRESH_MS = 60_000;

/** How a pod is told of the API server. */
export interface PodParts {
  /** Its URL; undefined outside of pods (`apiServerOfPod`). */
  readonly apiServer: string | undefined;
  readonly clock?: Pick<Clock, 'monotonic'>;
  readonly folder?: string;
}

/**
 * The cluster of the pod that this runs in, as its service account; undefined outside of pods. Token and certificate are read again
 * after a minute, because both are replaced while the pod runs.
 * https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api
 */
export function serviceAccountOfPod({
  apiServer: server,
  clock = systemClock,
  folder = FOLDER,
}: PodParts): ClusterConfig | undefined {
  const files = { token: join(folder, 'token'), ca: join(folder, 'ca.crt'), namespace: join(folder, 'namespace') };
  if (server === undefined || textOf(files.token) === undefined) return undefined;
  const read = async (): Promise<{ token: string; ca: string }> => {
    const [token, ca] = await Promise.all([readFile(files.token, 'utf8'), readFile(files.ca, 'utf8')]);
    return { token: token.trim(), ca };
  };
  let known: { readonly since: number; readonly files: ReturnType<typeof read> } | undefined;
  return {
    server,
    name: 'in-cluster',
    namespace: textOf(files.namespace) ?? 'default',
    async credentials() {
      if (known === undefined || clock.monotonic() - known.since >= FRESH_MS)
        known = { since: clock.monotonic(), files: read() };
      const asked = known;
      try {
        const { token, ca } = await asked.files;
        return { ca, headers: { authorization: `Bearer ${token}` } };
      } catch (error) {
        if (known === asked) known = undefined;
        throw error;
      }
    },
  };
}

/** What a file says; undefined when it is not there, or says nothing. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
