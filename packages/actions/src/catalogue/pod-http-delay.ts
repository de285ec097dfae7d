/** pod-http-delay: HTTP requests wait before they are passed on. */
import { formatDuration } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { HTTP_DESCRIPTION, httpParameters, toHttpScope, type HttpScope } from '../parameters/http-scope.ts';
import { parseWait, required } from '../parameters/parameter.ts';

/** A delay of requests, understood. */
export interface PodHttpDelaySpec {
  readonly scope: HttpScope;
  readonly delayMs: number;
}

const LONGEST_MS = 10 * 60_000;

export const podHttpDelay = defineAction({
  name: 'pod-http-delay',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execHTTPChaos', wireAction: 'delay' },
  recover: 'undo',
  schemas: {
    delay: required(parseWait(LONGEST_MS), {
      description: 'How long each request waits before the application gets it.',
      allowed: `a duration above 0, up to ${formatDuration(LONGEST_MS)}, such as 300ms`,
    }),
    ...httpParameters,
  },
  toSpec: (values, problems): PodHttpDelaySpec => ({ scope: toHttpScope(values, problems), delayMs: values.delay }),
  summary: 'HTTP requests to the pod, or of the pod, take longer.',
  description: `Each matching request waits before it is passed on; later ones on the same connection wait behind it, as their order
demands. Delays of several faults add up.

${HTTP_DESCRIPTION}`,
  evidence: 'Requests seen, matched and delayed. *Verified* when at least one was delayed.',
  example: { port: '8080', delay: '300ms', path: '/api/*' },
});
