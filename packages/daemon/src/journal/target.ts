/** What the journal remembers of who was hit, as far as all shapes of faults share it. */
import { z } from 'zod';

/** The pod that a target is, or belongs to. */
export const pod = { podNamespace: z.string(), podName: z.string(), podUid: z.string() } as const;
