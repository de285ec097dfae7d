/** The cordon of a node, which experiments share; one that others have made is left to them. Pure. */
import type { Node } from '@chaosplane/kube';
import type { NodeChange, NodeHold } from './hold.ts';

/** Ids of experiments, with commas between them; first `others`, where the node was cordoned before any of them. */
export const CORDONED_BY = 'chaosplane.io/cordoned-by';

/** No experiment has this id: theirs have slashes. */
const OTHERS = 'others';

const isCordoned = ({ spec }: Node): boolean => spec?.unschedulable === true;

function entriesOf({ metadata }: Node): string[] {
  return (metadata.annotations?.[CORDONED_BY] ?? '').split(',').filter((entry) => entry !== '');
}

const experimentsOf = (node: Node): string[] => entriesOf(node).filter((entry) => entry !== OTHERS);

/** Whether others had cordoned the node before any experiment did. */
export const cordonedBefore = (node: Node): boolean => entriesOf(node).includes(OTHERS);

function written(byOthers: boolean, experiments: readonly string[]): NodeChange['annotations'] {
  return { [CORDONED_BY]: [...(byOthers ? [OTHERS] : []), ...experiments].join(',') };
}

/** The node cordoned for the experiment too; undefined when the annotation names it already. */
export function cordonFor(node: Node, experiment: string): NodeChange | undefined {
  const experiments = experimentsOf(node);
  if (experiments.includes(experiment)) return undefined;
  const cordoned = isCordoned(node);
  // What experiments had cordoned, and is not any more, was uncordoned by hand: from here on the cordon is theirs alone.
  const byOthers = cordoned && (experiments.length === 0 || cordonedBefore(node));
  return {
    annotations: written(byOthers, [...experiments, experiment]),
    ...(cordoned ? {} : { spec: { unschedulable: true } }),
  };
}

export const cordonHold: NodeHold = {
  action: 'node-drain',
  word: 'cordon',
  holders: experimentsOf,
  isInForce: (node, experiment) => isCordoned(node) && experimentsOf(node).includes(experiment),
  without(node, experiment) {
    const experiments = experimentsOf(node);
    if (!experiments.includes(experiment)) return undefined;
    const left = experiments.filter((one) => one !== experiment);
    if (left.length > 0) return { annotations: written(cordonedBefore(node), left) };
    const uncordon = isCordoned(node) && !cordonedBefore(node);
    return { annotations: { [CORDONED_BY]: null }, ...(uncordon ? { spec: { unschedulable: null } } : {}) };
  },
};
