/** What the journal remembers of something that is done once. What exactly is in the parameters. */
import * as z from 'zod';

export const oneShotWork = z.object({
  shape: z.literal('act'),
  /** By what it is done: signal, exec, reboot. */
  engine: z.string(),
});
