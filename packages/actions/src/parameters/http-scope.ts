/** What the HTTP actions share: which requests of which pod. */
import { defined, type Parsed, type Problem, refused } from '@chaosplane/common/pure';
import type { ParameterValues } from '../action.ts';
import { defaulted, oneOf, optional, parsePositivePercent, required } from './parameter.ts';
import { spareProbes, targetParameters } from './scope.ts';

/** Which requests of which pod. */
export interface HttpScope {
  readonly podName: string;
  readonly podNamespace: string;
  readonly containerName?: string;
  readonly port: number;
  readonly side: 'server' | 'client';
  readonly level: 'request' | 'connection';
  /** A glob. Absent: every path. */
  readonly path?: string;
  /** In upper case. Empty: every method. */
  readonly methods: readonly string[];
  /** The name in lower case, the value a glob. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly percent: number;
  readonly existing: 'keep' | 'reset';
  readonly spareProbes: boolean;
}

const portAllowed = 'a port from 1 to 65535';

function parsePort(text: string): Parsed<number> {
  const value = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= 65_535 ? { ok: true, value } : refused(text, 'is not a port', portAllowed);
}

const LONGEST_PATTERN = 1024;
const pathAllowed = 'a path that begins with / or *, where * is anything and ? one character, such as /api/*';

function parsePath(text: string): Parsed<string> {
  if (/\?[^/?=]*=/.test(text))
    return refused(text, 'has a query, which is not looked at: it never matches', pathAllowed);
  const valid = text.length <= LONGEST_PATTERN && /^[/*][\x21-\x7e]*$/.test(text) && !/[#]/.test(text);
  return valid ? { ok: true, value: text } : refused(text, 'is not a path', pathAllowed);
}

const methodsAllowed = 'methods separated by commas, such as GET or POST,PUT';

function parseMethods(text: string): Parsed<readonly string[]> {
  const methods = text.split(',').map((part) => part.trim().toUpperCase());
  const valid = methods.length <= 32 && methods.every((method) => /^[A-Z][A-Z_-]{0,31}$/.test(method));
  return valid ? { ok: true, value: [...new Set(methods)] } : refused(text, 'is not a list of methods', methodsAllowed);
}

const headersAllowed =
  'NAME: VALUE, one a line or separated by ;, where * in a value is anything, such as X-User: test*';
const MOST_HEADERS = 16;

function parseHeaders(text: string): Parsed<HttpScope['headers']> {
  const lines = text.split(/[;\n]/).filter((line) => line.trim() !== '');
  const headers = lines.map((line) => /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})\s*:\s*([\x20-\x7e]*?)\s*$/.exec(line));
  const valid = headers.length > 0 && headers.length <= MOST_HEADERS && text.length <= 8192;
  if (!valid || headers.includes(null)) return refused(text, 'is not a list of headers', headersAllowed);
  const value = headers.map((match) => ({ name: (match?.[1] ?? '').toLowerCase(), value: match?.[2] ?? '' }));
  return { ok: true, value };
}

/** The parameters of the scope. */
export const httpParameters = {
  ...targetParameters,
  port: required(parsePort, {
    description: "The pod's port (`side: server`), or the port of others that the pod calls (`side: client`).",
    allowed: portAllowed,
  }),
  side: defaulted(oneOf(['server', 'client']), {
    description: '`server`: requests that arrive at the pod. `client`: requests that the pod makes to others.',
    allowed: 'server or client',
    default: 'server',
  }),
  level: defaulted(oneOf(['request', 'connection']), {
    description:
      '`request`: each HTTP/1 request is looked at. `connection`: each new connection is hit, regardless of what it carries.',
    allowed: 'request, or connection for what is not HTTP/1 in the clear',
    default: 'request',
  }),
  path: optional(parsePath, {
    description:
      'Only requests with such a path, as it is sent, without the query; `*` is anything, `?` one character.',
    allowed: pathAllowed,
  }),
  method: optional(parseMethods, {
    description: 'Only requests with one of these methods.',
    allowed: methodsAllowed,
    form: 'list',
  }),
  headers: optional(parseHeaders, {
    description: 'Only requests that have all of these headers.',
    allowed: headersAllowed,
    form: 'headers',
  }),
  percent: defaulted(parsePositivePercent, {
    description: 'The share of these requests that is hit, each by chance.',
    allowed: 'a percentage above 0, up to 100, such as 30',
    default: '100',
  }),
  existingConnections: defaulted(oneOf(['keep', 'reset']), {
    description: 'Connections that are open already: `keep` leaves them alone, `reset` resets each at its next packet.',
    allowed: 'keep or reset',
    default: 'keep',
  }),
  spareProbes,
} as const;

/** The scope of values that are each valid. */
export function toHttpScope(values: ParameterValues<typeof httpParameters>, problems: Problem[]): HttpScope {
  const { containerName, path, method = [], headers = [] } = values;
  if (values.level === 'connection') {
    for (const key of ['path', 'method', 'headers'] as const) {
      if (values[key] === undefined) continue;
      const allowed = 'path, method and headers with level request only';
      problems.push({ path: `parameters.${key}`, wrong: 'a connection has none', allowed });
    }
  }
  return {
    podName: values.podName,
    podNamespace: values.podNamespace,
    ...defined({ containerName }),
    port: values.port,
    side: values.side,
    level: values.level,
    ...defined({ path }),
    methods: method,
    headers,
    percent: values.percent,
    existing: values.existingConnections,
    spareProbes: values.spareProbes,
  };
}

/** What people have to know of the way in which both actions work. */
export const HTTP_DESCRIPTION = `A proxy listens inside the pod's network namespace, without a process or a container of its own, and new connections to the port
are redirected to it. It reads the heads of HTTP/1 requests and passes bodies on as they come, regardless of their size; keep-alive,
pipelining, chunks, \`Expect: 100-continue\` and upgrades (WebSocket) work as without it. The application sees the client's own
address and port. What is not HTTP/1 in the clear – TLS, HTTP/2, anything else – passes byte for byte and is counted, and so does
any request whose end two programs could see in different places. \`level: connection\` hits such connections as a whole, too.

Connections that are open before go on untouched. Where 1,000 connections of a pod, or 2,000 of a node, go through proxies already, new
ones pass without the fault, and are counted. When the fault ends, new connections go directly at once, and those that the proxy
holds are passed on until they close, for 10 minutes at most. When the daemon dies, in any way, the kernel removes the redirect:
only what is under way at that moment is lost. When the daemon hangs, the kernel stops redirecting within 10 seconds. A stopped daemon
gives what is under way 2 seconds.

Requests inside the pod (to localhost or to the pod's own address) are not hit. Where others redirect
the port, as a mesh sidecar does, the fault is refused: the message names the rule, and what to set so that the port is left out
(Istio: \`traffic.sidecar.istio.io/excludeInboundPorts\` or \`excludeOutboundPorts\`; Linkerd: \`config.linkerd.io/skip-inbound-ports\` or
\`skip-outbound-ports\`). Ports that are left out already work.`;
