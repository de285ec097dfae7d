/** `chaosplane doctor --cluster`: what each node can do, as the operator has written it down. */
import type { NodeCapabilities } from '@chaosplane/api';
import { nodes } from '@chaosplane/kube';
import { connectCluster, tellPlace, type ClusterFlags, type Connection } from '../cluster/connect.ts';
import { nodeReport, type NodeReport } from '../output/node-report.ts';
import { table } from '../output/table.ts';
import { exitCodes } from '../output/verdict.ts';
import type { Surroundings } from './options.ts';

/** Prints it; the exit code is 1 when a node lacks something for an action, or is not known. @throws Interrupted by a signal. */
export async function doctorCluster(
  flags: ClusterFlags & { readonly output: 'text' | 'json' },
  surroundings: Surroundings,
): Promise<number> {
  const { out, err } = surroundings;
  const connection = connectCluster(flags, surroundings);
  tellPlace(err, connection);
  const reports = await reportsOf(connection, surroundings);
  out.write(`${flags.output === 'json' ? JSON.stringify(reports, null, 2) : reportText(reports)}\n`);
  const isFine = reports.every(({ capabilities }) => hasAll(capabilities));
  return reports.length > 0 && isFine ? exitCodes.held : exitCodes.notHeld;
}

/** How long daemons have that have not told yet: right after an installation the operator has not asked them all. Milliseconds. */
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 500;

async function reportsOf(
  { client }: Connection,
  { err, clock, interrupted }: Surroundings,
): Promise<readonly NodeReport[]> {
  const deadline = clock.monotonic() + PATIENCE_MS;
  let isTold = false;
  for (;;) {
    const reports = (await client.list(nodes, { signal: interrupted })).items.map(nodeReport);
    const silent = reports.filter(({ capabilities }) => capabilities === undefined).map(({ node }) => node);
    if (silent.length === 0 || clock.monotonic() > deadline) return reports;
    if (!isTold) err.write(`waiting for what the daemons of ${silent.join(', ')} tell, for 10 s at most\n`);
    isTold = true;
    await clock.sleep(LOOK_AGAIN_MS, interrupted);
  }
}

/** A line for each node, then what they lack: nodes that lack the same are told together. Pure. */
export function reportText(reports: readonly NodeReport[]): string {
  if (reports.length === 0) return 'there are no nodes';
  const rows = reports.map(({ node, capabilities }) => [
    hasAll(capabilities) ? '✓' : '✗',
    node,
    capabilities?.version ?? '',
    capabilities?.kernel ?? '',
    whatLacks(capabilities),
  ]);
  const known = reports.flatMap(({ node, capabilities }) =>
    capabilities === undefined ? [] : [{ node, capabilities }],
  );
  const linesOf = (isAllowed: boolean) =>
    grouped(known, ({ capabilities }) =>
      capabilities.cannot.flatMap(({ action, why, notAllowed }) =>
        isAllowed === (notAllowed === undefined) ? [`${action}: ${why}`] : [],
      ),
    );
  const cannot = linesOf(true);
  const notAllowed = linesOf(false);
  const remedies = grouped(known, ({ capabilities }) =>
    capabilities.lacks.flatMap(({ name, remedy }) => (remedy === '' ? [] : [`${name}: ${remedy}`])),
  );
  return [
    table(['', 'NODE', 'DAEMON', 'KERNEL', 'LACKS'], rows),
    ...(cannot.length === 0 ? [] : ['', 'what cannot be done:', ...cannot]),
    ...(notAllowed.length === 0 ? [] : ['', 'what is not allowed:', ...notAllowed]),
    ...(remedies.length === 0 ? [] : ['', 'what would bring the rest:', ...remedies]),
  ].join('\n');
}

function whatLacks(capabilities: NodeCapabilities | undefined): string {
  if (capabilities === undefined) return 'no daemon has told: does one run there?';
  const lacking = capabilities.cannot.filter(({ notAllowed }) => notAllowed === undefined);
  const forbidden = capabilities.cannot.filter(({ notAllowed }) => notAllowed === true);
  const lacks = lacking.map(({ action }) => action).join(', ') || 'nothing for any action';
  return forbidden.length === 0 ? lacks : `${lacks}; not allowed: ${forbidden.map(({ action }) => action).join(', ')}`;
}

/** Whether it has what every action takes; what is not allowed there is no lack. */
function hasAll(capabilities: NodeCapabilities | undefined): boolean {
  return capabilities?.cannot.every(({ notAllowed }) => notAllowed === true) === true;
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
