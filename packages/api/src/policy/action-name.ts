/** The name of an action in a policy: an alias means the same. */
import { findAction } from '@chaosplane/actions';
import { ChaosError } from '@chaosplane/common/pure';
import * as z from 'zod';

/** The name that the action has in its own file. One that is not known would never be that of an experiment, and is refused. */
export const actionName = z
  .string()
  .min(1)
  .max(63)
  .transform((text, context) => {
    try {
      return findAction(text).name;
    } catch (error) {
      if (!(error instanceof ChaosError)) throw error;
      for (const { wrong, allowed } of error.problems)
        context.addIssue({ code: 'custom', message: wrong, params: { allowed } });
      return z.NEVER;
    }
  });
