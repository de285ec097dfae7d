/** What the roles of a rendered chart let each of its accounts do, with the reason that stands above each rule; as a page, too. Pure. */
import { isMap, isSeq, parseAllDocuments, type YAMLMap } from 'yaml';

/** One rule of a role. */
export interface Right {
  /** Where it is good: everywhere, or in the namespace of the release. */
  readonly scope: 'cluster' | 'namespace';
  readonly groups: readonly string[];
  readonly resources: readonly string[];
  /** Absent: all of them. */
  readonly names?: readonly string[];
  readonly verbs: readonly string[];
  /** The comment above the rule. */
  readonly reason: string;
}

/** What one account, or a user with a role that the chart aggregates, may do. */
export interface Holder {
  readonly kind: 'ServiceAccount' | 'ClusterRole';
  readonly name: string;
  readonly rights: readonly Right[];
}

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** The holders by their names: the service accounts, then the roles that nothing is bound to here. */
export function rightsOf(rendered: string): readonly Holder[] {
  const documents = parseAllDocuments(rendered);
  const objects = documents.map((document) => document.toJS() as Rendered | null);
  const rules = new Map<string, readonly Right[]>();
  for (const [index, object] of objects.entries()) {
    if (object?.kind !== 'Role' && object?.kind !== 'ClusterRole') continue;
    const { contents } = documents[index] ?? {};
    if (isMap(contents)) rules.set(`${object.kind}/${object.metadata.name}`, rulesOf(contents, object.kind));
  }
  const bound = new Set<string>();
  const accounts = new Map<string, Right[]>();
  for (const { kind, metadata, roleRef, subjects = [] } of objects.filter((object) => object !== null)) {
    if (kind === 'ServiceAccount' && !accounts.has(metadata.name)) accounts.set(metadata.name, []);
    if (roleRef === undefined) continue;
    const key = `${roleRef.kind}/${roleRef.name}`;
    bound.add(key);
    const rights = (rules.get(key) ?? []).map((right): Right => ({ ...right, scope: scopeOf(kind) }));
    for (const { name } of subjects) accounts.set(name, [...(accounts.get(name) ?? []), ...rights]);
  }
  const byName = (one: Holder, other: Holder): number => (one.name < other.name ? -1 : 1);
  const held = [...accounts].map(([name, rights]): Holder => ({ kind: 'ServiceAccount', name, rights }));
  const free = [...rules]
    .filter(([key]) => !bound.has(key))
    .map(([key, rights]): Holder => ({ kind: 'ClusterRole', name: key.replace(/^.*\//, ''), rights }));
  return [...held.sort(byName), ...free.sort(byName)];
}

const scopeOf = (kind: string): Right['scope'] => (kind.startsWith('Cluster') ? 'cluster' : 'namespace');

function rulesOf(role: YAMLMap, kind: string): readonly Right[] {
  const rules = role.get('rules', true);
  if (!isSeq<YAMLMap>(rules)) return [];
  return rules.items.map((item, index) => {
    const rule = item.toJSON() as Rule;
    // The parser gives the first one's comment to the list.
    const comment = item.commentBefore ?? (index === 0 ? rules.commentBefore : undefined) ?? '';
    return {
      scope: scopeOf(kind),
      groups: rule.apiGroups,
      resources: rule.resources,
      ...(rule.resourceNames === undefined ? {} : { names: rule.resourceNames }),
      verbs: rule.verbs,
      reason: comment.replaceAll(/\s+/g, ' ').trim(),
    };
  });
}

/** Each right on one resource under one name, as one line: `cluster apps/deployments * get`. Sorted. */
export function flatRights(rights: readonly Omit<Right, 'reason'>[]): readonly string[] {
  const lines = rights.flatMap(({ scope, groups, resources, names = ['*'], verbs }) =>
    groups.flatMap((group) =>
      resources.flatMap((resource) =>
        names.flatMap((name) => verbs.map((verb) => `${scope} ${group}/${resource} ${name} ${verb}`)),
      ),
    ),
  );
  return [...new Set(lines)].sort();
}

/** The rights as a page: a table for each holder. */
export function rightsPage(holders: readonly Holder[]): string {
  const sections = holders.flatMap(({ kind, name, rights }) => [
    kind === 'ServiceAccount' ? `## Service account ${name}` : `## Users with the role ${name}`,
    '',
    '| where | what | only | may be | why |',
    '|---|---|---|---|---|',
    ...rights.map((right) => rowOf(right, kind)),
    '',
  ]);
  return `${[...INTRODUCTION, ...sections].join('\n').trimEnd()}\n`;
}

const INTRODUCTION = [
  '<!-- Generated from charts/chaosplane/templates by `npm run gen`; edit the comment above a rule instead. -->',
  '',
  '# What each service account may do',
  '',
  'All rights of the chart with its own settings, and why each is there. A test compares this page with what a real API server says each',
  'account may do, and the other tests of the operator run with exactly these rights. No account may use a wildcard, read Secrets of the',
  'whole cluster, run or attach to anything in a pod, reach a kubelet, or give itself or others more rights.',
  '',
  'The hooks (`chaosplane-definitions`, `chaosplane-certificates`, `chaosplane-uninstall`) have their accounts only while they run. A user who can act as the operator can',
  'evict and delete any pod, and change any node: Kubernetes has no right for parts of a node. The Secrets that probes send, the operator may',
  'read where a Role of their namespace lets it ([probes](experiments.md)).',
  '',
];

function rowOf({ scope, groups, resources, names, verbs, reason }: Right, holder: Holder['kind']): string {
  const group = groups.filter((name) => name !== '').join(', ');
  const what = `${resources.join(', ')}${group === '' ? '' : ` (${group})`}`;
  const wide = holder === 'ClusterRole' ? 'where they have it' : 'everywhere';
  const where = scope === 'cluster' ? wide : 'its namespace';
  return `| ${[where, what, names?.join(', ') ?? 'all', verbs.join(', '), reason].join(' | ')} |`;
}
