/** docs/resources: one page per kind and an index, rendered from the resource definitions, written and compared. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { crdFiles } from './crd/crds.ts';
import { renderKind, renderKinds, type Elsewhere, type Kind, type Schema } from './resource-page.ts';
import { filesOf } from './stale.ts';

const FOLDER = join('docs', 'resources');

/** What several kinds have, and what has pages of its own. */
const ELSEWHERE: Readonly<Record<string, Elsewhere>> = {
  ChaosExperiment: { 'spec.action.parameters': '[each action](../actions/README.md)' },
  ChaosSchedule: {
    'spec.experiment': '[ChaosExperiment](chaosexperiments.md#spec)',
    'spec.workflow': '[ChaosWorkflow](chaosworkflows.md#spec)',
  },
};

interface Document {
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

/** The kinds, as the definitions say them. */
export function kinds(): Kind[] {
  return [...crdFiles().values()].map((text) => {
    const { group, scope, names, versions } = (parse(text) as Document).spec;
    const [version] = versions;
    if (version === undefined) throw new Error(`${names.kind} has no version`);
    const { kind, plural, shortNames = [] } = names;
    return {
      kind,
      plural,
      shortNames,
      scope,
      version: `${group}/${version.name}`,
      schema: version.schema.openAPIV3Schema,
    };
  });
}

/** The text of every page by its file name. */
export function resourceDocs(): Map<string, string> {
  const all = kinds();
  const pages = all.map((kind) => [`${kind.plural}.md`, renderKind(kind, ELSEWHERE[kind.kind] ?? {})] as const);
  return new Map([['README.md', renderKinds(all)], ...pages]);
}

/** Writes the pages below `root`; pages of kinds that are gone go as well. */
export async function writeResourceDocs(root: string): Promise<void> {
  const folder = join(root, FOLDER);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, text] of resourceDocs()) await writeFile(join(folder, name), text);
}

/** Paths of pages below `root` that are not what the definitions say now. */
export async function staleResourceDocs(root: string): Promise<string[]> {
  const committed = await filesOf(join(root, FOLDER));
  const pages = resourceDocs();
  const names = new Set([...committed.keys(), ...pages.keys()]);
  return [...names]
    .filter((name) => committed.get(name) !== pages.get(name))
    .map((name) => join(FOLDER, name))
    .toSorted();
}
