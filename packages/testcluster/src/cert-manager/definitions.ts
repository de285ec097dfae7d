/** The resource definitions of cert-manager, from its Go module. */
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { goCaller, moduleFolder } from '../go/index.ts';
import { MODULE } from './program.ts';

const KINDS = ['certificates', 'certificaterequests', 'clusterissuers', 'issuers'];
const report = (): void => undefined;

/** Installs its definitions; resolves with what takes them away, and with them every object of theirs. */
export async function installDefinitions({ kubectl }: Cluster): Promise<() => Promise<void>> {
  const folder = await moduleFolder(await goCaller({ report }), MODULE);
  const files = KINDS.flatMap((kind) => ['-f', join(folder, 'deploy/crds', `cert-manager.io_${kind}.yaml`)]);
  await kubectl(['apply', '--server-side', ...files]);
  const names = KINDS.map((kind) => `crd/${kind}.cert-manager.io`);
  await kubectl(['wait', '--for=condition=Established', ...names, '--timeout=30s']);
  return async () => {
    await kubectl(['delete', ...names, '--ignore-not-found', '--timeout=30s']);
  };
}
