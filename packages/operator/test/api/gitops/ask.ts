/** Asks the programs of GitOps tools how far objects are: kstatus, and health.lua as Argo CD runs it. Each is built once. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolderOf } from '@chaosplane/common';
import { askInsideModule } from '@chaosplane/testcluster/go';
import { parse } from 'yaml';

/** What a tool says of an object. */
export interface Said {
  /** Of health.lua alone: what is wrong with it. */
  readonly error?: string;
  readonly status: string;
  readonly message: string;
}

const options = { cacheFolder: cacheFolderOf(process.env), report: () => undefined };

const kstatus = {
  name: 'kstatus',
  module: 'sigs.k8s.io/cli-utils@v0.37.2',
  source: join(import.meta.dirname, 'kstatus/main.go'),
};

/** The Lua that is built into Argo CD. */
const argoLua = {
  name: 'argo-lua',
  module: 'github.com/yuin/gopher-lua@v1.1.2',
  source: join(import.meta.dirname, 'argo-lua/main.go'),
};

/** The patch that users apply. */
export const argoPatch = join(import.meta.dirname, '../../../../../examples/argocd/argocd-cm.yaml');

/** The script of each kind, by its key. */
export async function argoScripts(): Promise<Readonly<Record<string, string>>> {
  const { data } = parse(await readFile(argoPatch, 'utf8')) as { readonly data: Readonly<Record<string, string>> };
  return data;
}

/** What kstatus says of each object, in their order. */
export function askKstatus(objects: readonly object[]): Promise<readonly Said[]> {
  return askInsideModule<Said>(kstatus, objects, options);
}

/** What Argo CD says of each, by the script of its kind. */
export async function askArgo(objects: readonly { readonly kind: string }[]): Promise<readonly Said[]> {
  const scripts = await argoScripts();
  const questions = objects.map((object) => ({
    script: scripts[`resource.customizations.health.chaos.chaosplane.io_${object.kind}`] ?? '',
    object,
  }));
  return askInsideModule<Said>(argoLua, questions, options);
}

/** The words of both, `Current Healthy`; what is wrong with the script in place of its word. */
export async function saidOf(objects: readonly { readonly kind: string }[]): Promise<readonly string[]> {
  const [known, healths] = [await askKstatus(objects), await askArgo(objects)];
  return objects.map((_object, index) => {
    const health = healths[index];
    return `${known[index]?.status} ${health?.error ?? health?.status}`;
  });
}
