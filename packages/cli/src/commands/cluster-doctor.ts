/** `chaosplane doctor --cluster`: what each node can do, as the operator has written it down. */
import type { NodeCapabilities } from '@chaosplane/api';
import { nodes } from '@chaosplane/kube';
import { connectCluster, tellPlace, type ClusterFlags } from '../cluster/connect.ts';
import { nodeReport, type NodeReport } from '../output/node-report.ts';
import { table } from '../output/table.ts';
import { exitCodes } from '../output/verdict.ts';
import type { Surroundings } from './options.ts';

/** Prints it; the exit code is 1 when a node lacks something for an action, or is not known. */
export async function doctorCluster(
  flags: ClusterFlags & { readonly output: 'text' | 'json' },
  surroundings: Surroundings,
): Promise<number> {
  const { out, err } = surroundings;
  const connection = connectCluster(flags, surroundings);
  tellPlace(err, connection);
  const reports = (await connection.client.list(nodes)).items.map(nodeReport);
  out.write(`${flags.output === 'json' ? JSON.stringify(reports, null, 2) : reportText(reports)}\n`);
  const isFine = reports.every(({ capabilities }) => capabilities?.cannot.length === 0);
  return reports.length > 0 && isFine ? exitCodes.held : exitCodes.notHeld;
}

/** A line for each node, then what they lack: nodes that lack the same are told together. Pure. */
export function reportText(reports: readonly NodeReport[]): string {
  if (reports.length === 0) return 'there are no nodes';
  const rows = reports.map(({ node, capabilities }) => [
    capabilities?.cannot.length === 0 ? '✓' : '✗',
    node,
    capabilities?.version ?? '',
    capabilities?.kernel ?? '',
    whatLacks(capabilities),
  ]);
  const known = reports.flatMap(({ node, capabilities }) =>
    capabilities === undefined ? [] : [{ node, capabilities }],
  );
  const cannot = grouped(known, ({ capabilities }) =>
    capabilities.cannot.map(({ action, why }) => `${action}: ${why}`),
  );
  const remedies = grouped(known, ({ capabilities }) =>
    capabilities.lacks.flatMap(({ name, remedy }) => (remedy === '' ? [] : [`${name}: ${remedy}`])),
  );
  return [
    table(['', 'NODE', 'DAEMON', 'KERNEL', 'LACKS'], rows),
    ...(cannot.length === 0 ? [] : ['', 'what cannot be done:', ...cannot]),
    ...(remedies.length === 0 ? [] : ['', 'what would bring the rest:', ...remedies]),
  ].join('\n');
}

function whatLacks(capabilities: NodeCapabilities | undefined): string {
  if (capabilities === undefined) return 'no daemon has told: does one run there?';
  const { length } = capabilities.cannot;
  return length === 0 ? 'nothing for any action' : capabilities.cannot.map(({ action }) => action).join(', ');
}

type Known = Required<NodeReport>;

function grouped(reports: readonly Known[], linesOf: (report: Known) => readonly string[]): string[] {
  const byLine = new Map<string, string[]>();
  for (const report of reports)
    for (const line of linesOf(report)) byLine.set(line, [...(byLine.get(line) ?? []), report.node]);
  return [...byLine].map(
    ([line, names]) => `  ${line} (${names.length === reports.length ? 'all nodes' : names.join(', ')})`,
  );
}
