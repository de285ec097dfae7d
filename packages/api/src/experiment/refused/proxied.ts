/** Experiments that are refused over the parameters of HTTP and DNS faults: what is said, and what is allowed. Data of a test. */
import type { Refused } from './refused.ts';

const HEADER_LINES =
  'one text: NAME: VALUE, one a line or separated by ;, where * in a value is anything, such as X-User: test*';
const DOMAINS = 'up to 10000 names separated by commas, such as api.shop, *.example.com or *';

export const proxied: readonly Refused[] = [
  [
    { action: { type: 'pod-http-delay', parameters: { delay: '1s' } } },
    'spec.action.parameters.port',
    'it is required',
    'a port from 1 to 65535',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80 } } },
    'spec.action.parameters.delay',
    'it is required',
    'a duration above 0, up to 10m, such as 300ms',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: [80], delay: '1s' } } },
    'spec.action.parameters.port',
    'it is a list',
    'one text: a port from 1 to 65535',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 'http', delay: '1s' } } },
    'spec.action.parameters.port',
    '"http" is not a port',
    'a port from 1 to 65535',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, latency: '1s' } } },
    'spec.action.parameters',
    '"latency" is not a parameter; did you mean delay?',
    'delay, podName, podNamespace, containerName, port, side, level, path, method, headers, percent, existingConnections, spareProbes',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '0.1us' } } },
    'spec.action.parameters.delay',
    '"0.1us" is finer than a microsecond',
    'more than 0, at most 10m, in whole microseconds',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', path: 'api' } } },
    'spec.action.parameters.path',
    '"api" is not a path',
    'a path that begins with / or *, where * is anything and ? one character, such as /api/*',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', path: '/api?x=1' } } },
    'spec.action.parameters.path',
    '"/api?x=1" has a query, which is not looked at: it never matches',
    'a path that begins with / or *, where * is anything and ? one character, such as /api/*',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', method: ['GET', 'a b'] } } },
    'spec.action.parameters.method',
    '"GET,a b" is not a list of methods',
    'methods separated by commas, such as GET or POST,PUT',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', headers: { Cookie: 'a=1; b=2' } } } },
    'spec.action.parameters.headers',
    '"Cookie" has a semicolon or a line break, which ends a header',
    HEADER_LINES,
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', headers: {} } } },
    'spec.action.parameters.headers',
    'it is empty',
    HEADER_LINES,
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', headers: ['X-User'] } } },
    'spec.action.parameters.headers',
    '"X-User" is not NAME: VALUE',
    HEADER_LINES,
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', headers: { X: ['a'] } } } },
    'spec.action.parameters.headers',
    '"X" is no text',
    HEADER_LINES,
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', level: 'connection', path: '/a' } } },
    'spec.action.parameters.path',
    'a connection has none',
    'path, method and headers with level request only',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', side: 'both' } } },
    'spec.action.parameters.side',
    '"both" is not known',
    'server, client',
  ],
  [
    { action: { type: 'pod-http-delay', parameters: { port: 80, delay: '1s', toxicity: 50 } } },
    'spec.action.parameters',
    '"toxicity" is not a parameter; did you mean percent?',
    'delay, podName, podNamespace, containerName, port, side, level, path, method, headers, percent, existingConnections, spareProbes',
  ],
  [
    { action: { type: 'pod-http-abort', parameters: { port: 80 } } },
    'spec.action.parameters.statusCode',
    'neither is given',
    'either statusCode, or reset: true',
  ],
  [
    { action: { type: 'pod-http-abort', parameters: { port: 80, statusCode: 503, reset: true } } },
    'spec.action.parameters.statusCode',
    'both are given',
    'either statusCode, or reset: true',
  ],
  [
    { action: { type: 'pod-http-abort', parameters: { port: 80, code: 503 } } },
    'spec.action.parameters',
    '"code" is not a parameter; did you mean statusCode?',
    'statusCode, reset, podName, podNamespace, containerName, port, side, level, path, method, headers, percent, existingConnections, spareProbes',
  ],
  [
    { action: { type: 'pod-http-abort', parameters: { port: 80, statusCode: 700 } } },
    'spec.action.parameters.statusCode',
    '"700" is not a status',
    'a status from 200 to 599, such as 503',
  ],
  [
    { action: { type: 'pod-http-abort', parameters: { port: 80, statusCode: 503, level: 'connection' } } },
    'spec.action.parameters.statusCode',
    'a connection has none',
    'reset: true with level connection',
  ],
  [
    { action: { type: 'pod-http-abort', parameters: { port: 80, statusCode: 503, percent: 0 } } },
    'spec.action.parameters.percent',
    '"0" would do nothing',
    'a percentage above 0, up to 100, such as 25 or 25%',
  ],
  [{ action: { type: 'pod-dns-error', parameters: {} } }, 'spec.action.parameters.domains', 'it is required', DOMAINS],
  [
    { action: { type: 'pod-dns-error', parameters: { patterns: 'api' } } },
    'spec.action.parameters',
    '"patterns" is not a parameter; did you mean domains?',
    'domains, errorType, percent, podName, podNamespace, containerName',
  ],
  [
    { action: { type: 'pod-dns-error', parameters: { domains: 'http://api' } } },
    'spec.action.parameters.domains',
    '"http://api" is not a domain',
    DOMAINS,
  ],
  [
    { action: { type: 'pod-dns-error', parameters: { domains: 'a*.shop' } } },
    'spec.action.parameters.domains',
    '"a*.shop" is not a domain',
    DOMAINS,
  ],
  [
    { action: { type: 'pod-dns-error', parameters: { domains: [] } } },
    'spec.action.parameters.domains',
    'it is an empty list: leave it out',
    'one text: up to 10000 names separated by commas, such as api.shop, *.example.com or *',
  ],
  [
    { action: { type: 'pod-dns-error', parameters: { domains: 'api', errorType: 'random' } } },
    'spec.action.parameters.errorType',
    '"random" is not known',
    'NXDOMAIN, SERVFAIL, REFUSED, timeout',
  ],
];
