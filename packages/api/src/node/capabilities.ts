/** What a node can do, as the operator writes it down on the Node. Pure. */
import * as z from 'zod';

/** On a Node: JSON of what its daemon can do. For people and for `chaosplane doctor`; the operator does not decide by it. */
export const CAPABILITIES_ANNOTATION = 'chaosplane.io/capabilities';

const schema = z.object({
  /** Of the daemon. */
  version: z.string(),
  kernel: z.string(),
  /** What the node lacks, and what would bring it. */
  lacks: z.array(z.object({ name: z.string(), remedy: z.string() })),
  /** Actions that cannot be carried out there, and why. */
  cannot: z.array(
    z.object({
      action: z.string(),
      why: z.string(),
      /** The node has what it takes, and its administrator does not allow it. */
      notAllowed: z.literal(true).optional(),
    }),
  ),
});

/** What a node can do. */
export type NodeCapabilities = z.output<typeof schema>;

/** As the annotation has it. */
export function formatCapabilities({ version, kernel, lacks, cannot }: NodeCapabilities): string {
  return JSON.stringify({ version, kernel, lacks, cannot });
}

/** What the annotation says; undefined when there is none, or another program wrote it. */
export function parseCapabilities(text: string | undefined): NodeCapabilities | undefined {
  try {
    return schema.safeParse(JSON.parse(text ?? 'null')).data;
  } catch {
    return undefined;
  }
}
