/** pod-http-abort: HTTP requests fail, by a status or by a reset connection. */
import { defined, type Parsed, refused } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { HTTP_DESCRIPTION, httpParameters, toHttpScope, type HttpScope } from '../parameters/http-scope.ts';
import { optional, parseBoolean } from '../parameters/parameter.ts';

/** An abort, understood. */
export interface PodHttpAbortSpec {
  readonly scope: HttpScope;
  /** Absent: the connection is reset. */
  readonly statusCode?: number;
}

const statusAllowed = 'a status from 200 to 599, such as 503';

function parseStatus(text: string): Parsed<number> {
  return /^[2-5]\d\d$/.test(text) ? { ok: true, value: Number(text) } : refused(text, 'is not a status', statusAllowed);
}

export const podHttpAbort = defineAction({
  name: 'pod-http-abort',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execHTTPChaos', wireAction: 'abort' },
  recover: 'undo',
  schemas: {
    statusCode: optional(parseStatus, {
      description: 'The status that requests get in place of an answer. Either this or `reset`.',
      allowed: statusAllowed,
    }),
    reset: optional(parseBoolean, {
      description: 'Reset the connection in place of an answer. Either this or `statusCode`.',
      allowed: 'true or false',
    }),
    ...httpParameters,
  },
  toSpec(values, problems): PodHttpAbortSpec {
    const { statusCode, reset = false } = values;
    if ((statusCode !== undefined) === reset) {
      const wrong = reset ? 'both are given' : 'neither is given';
      problems.push({ path: 'parameters.statusCode', wrong, allowed: 'either statusCode, or reset: true' });
    }
    if (statusCode !== undefined && values.level === 'connection') {
      const allowed = 'reset: true with level connection';
      problems.push({ path: 'parameters.statusCode', wrong: 'a connection has none', allowed });
    }
    return { scope: toHttpScope(values, problems), ...defined({ statusCode }) };
  },
  summary: 'HTTP requests to the pod, or of the pod, fail.',
  description: `The application never gets a matching request. With \`statusCode\` it is answered in its place, and the connection stays in use;
with \`reset\` the connection is reset, once the answers to earlier requests on it are out.

${HTTP_DESCRIPTION}`,
  evidence: 'Requests seen, matched and aborted. *Verified* when at least one was aborted.',
  example: { port: '8080', statusCode: '503', percent: '30' },
});
