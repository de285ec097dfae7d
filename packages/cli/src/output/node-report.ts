/** What a node can do, as the operator has written it down on the Node. */
import { CAPABILITIES_ANNOTATION, parseCapabilities, type NodeCapabilities } from '@chaosplane/api';
import type { Node } from '@chaosplane/kube';

/** One node, and what is known of it. */
export interface NodeReport {
  readonly node: string;
  /** Absent: no daemon has told. */
  readonly capabilities?: NodeCapabilities;
}

/** From its annotation. */
export function nodeReport({ metadata: { name, annotations } }: Node): NodeReport {
  const capabilities = parseCapabilities(annotations?.[CAPABILITIES_ANNOTATION]);
  return { node: name, ...(capabilities === undefined ? {} : { capabilities }) };
}
