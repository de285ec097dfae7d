/** What the journal remembers of targets, as far as several drivers share it. */
import * as z from 'zod';

/** The pod that a target is, or belongs to. */
export const pod = { podNamespace: z.string(), podName: z.string(), podUid: z.string() } as const;

/** A process, told from every later one that gets its number. */
export const processRef = z.object({ pid: z.int().positive(), startTime: z.string() });

/** Some or all containers of a pod, each with its first process. */
export const containersTarget = z.object({
  kind: z.literal('containers'),
  ...pod,
  sandboxId: z.string(),
  containers: z.array(z.object({ id: z.string(), name: z.string(), process: processRef })).min(1),
});

/** The node itself. */
export const nodeTarget = z.object({ kind: z.literal('node'), nodeName: z.string() });
