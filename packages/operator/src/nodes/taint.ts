/** A taint of a node, which experiments share; all others stay as they are. Pure. */
import type { NodeTaintSpec } from '@chaosplane/actions';
import type { Node, Taint } from '@chaosplane/kube';
import * as z from 'zod';
import type { NodeChange, NodeHold } from './hold.ts';

/** A JSON object: the ids of the experiments, in a list for each taint by its text. */
export const TAINTED_BY = 'chaosplane.io/tainted-by';

/** As kubectl prints it: `KEY=VALUE:EFFECT`, or `KEY:EFFECT`. */
export function taintText({ key, value = '', effect }: Taint): string {
  return `${key}${value === '' ? '' : `=${value}`}:${effect}`;
}

const schema = z.record(z.string(), z.array(z.string()));

/** The experiments by the texts of their taints. What is not ours to read is as if it were not there. */
function recordsOf({ metadata }: Node): ReadonlyMap<string, readonly string[]> {
  try {
    return new Map(Object.entries(schema.parse(JSON.parse(metadata.annotations?.[TAINTED_BY] ?? '{}'))));
  } catch {
    return new Map();
  }
}

function written(records: ReadonlyMap<string, readonly string[]>): NodeChange['annotations'] {
  return { [TAINTED_BY]: records.size === 0 ? null : JSON.stringify(Object.fromEntries(records)) };
}

const taintsOf = ({ spec }: Node): readonly Taint[] => spec?.taints ?? [];

/** The node with the taint; `there` when the annotation names the experiment already, or why it cannot have it. */
export function taintFor(
  node: Node,
  experiment: string,
  { key, value, effect }: NodeTaintSpec,
): NodeChange | 'there' | { readonly refused: string } {
  const taint: Taint = { key, effect, ...(value === '' ? {} : { value }) };
  const text = taintText(taint);
  const records = recordsOf(node);
  const holders = records.get(text) ?? [];
  if (holders.includes(experiment)) return 'there';
  const same = taintsOf(node).find((one) => one.key === key && one.effect === effect);
  if (same !== undefined && (taintText(same) !== text || holders.length === 0)) {
    const whose = recordsOf(node).has(taintText(same)) ? 'another experiment' : 'another program';
    return { refused: `it has the taint ${taintText(same)} of ${whose}, and there is one of each key and effect` };
  }
  return {
    annotations: written(new Map([...records, [text, [...holders, experiment]]])),
    ...(same === undefined ? { spec: { taints: [...taintsOf(node), taint] } } : {}),
  };
}

export const taintHold: NodeHold = {
  action: 'node-taint',
  word: 'taint',
  holders: (node) => [...new Set([...recordsOf(node).values()].flat())],
  isInForce: (node, experiment) => {
    const records = recordsOf(node);
    return taintsOf(node).some((taint) => records.get(taintText(taint))?.includes(experiment) === true);
  },
  without(node, experiment) {
    const records = recordsOf(node);
    const held = [...records].filter(([, holders]) => holders.includes(experiment)).map(([text]) => text);
    if (held.length === 0) return undefined;
    const next = new Map(
      [...records].map(([text, holders]) => [text, holders.filter((one) => one !== experiment)] as const),
    );
    const free = new Set(held.filter((text) => next.get(text)?.length === 0));
    const kept = new Map([...next].filter(([text]) => !free.has(text)));
    const taints = taintsOf(node).filter((taint) => !free.has(taintText(taint)));
    const unchanged = taints.length === taintsOf(node).length;
    return {
      annotations: written(kept),
      ...(unchanged ? {} : { spec: { taints: taints.length === 0 ? null : taints } }),
    };
  },
};
