/** Types of probes that are planned: each is refused, with the types there are. */
import { z } from 'zod';

/** A probe of that type, which this version does not have. */
const unavailable = <const Type extends string>(type: Type) =>
  z
    .looseObject({
      type: z.literal(type).refine(() => false, {
        message: 'this type of probe is not available in this version',
        params: { allowed: 'http' },
      }),
    })
    // No document gets here: what comes out of a probe has a type that is available.
    .pipe(z.never());

export const prometheusProbe = unavailable('prometheus');
export const kubernetesProbe = unavailable('k8s');
