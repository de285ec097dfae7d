/** Requests for HTTP and DNS faults that must be refused, each with the fields that its answer has to name. */

/** One of them; `podName: target` is added. */
export interface BadProxyInput {
  readonly name: string;
  readonly rpc: 'http delay' | 'http abort' | 'dns error';
  /** The field of the message. */
  readonly port?: number;
  readonly parameters: Readonly<Record<string, string>>;
  readonly fields: readonly string[];
}

const good = { delay: '10ms' };

const http = (name: string, parameters: Record<string, string>, ...fields: string[]): BadProxyInput => {
  const given = { ...good, ...parameters };
  return {
    name,
    rpc: 'http delay',
    port: 8080,
    parameters: given,
    fields: fields.map((field) => `parameters.${field}`),
  };
};

const abort = (name: string, parameters: Record<string, string>, ...fields: string[]): BadProxyInput => {
  return { name, rpc: 'http abort', port: 8080, parameters, fields: fields.map((field) => `parameters.${field}`) };
};

const dns = (name: string, parameters: Record<string, string>, ...fields: string[]): BadProxyInput => {
  return { name, rpc: 'dns error', parameters, fields: fields.map((field) => `parameters.${field}`) };
};

export const badProxyInputs: readonly BadProxyInput[] = [
  { ...http('no port', {}, 'port'), port: 0 },
  { ...http('a negative port', {}, 'port'), port: -1 },
  { ...http('port 65536', {}, 'port'), port: 65_536 },
  http('no delay', { delay: '' }, 'delay'),
  http('a delay of a year', { delay: '8760h' }, 'delay'),
  http('a path with a new line', { path: '/a\r\nHost: evil' }, 'path'),
  http('a path that is a regular expression', { path: '^(a+)+$' }, 'path'),
  http('a path of 10 kB', { path: `/${'a*'.repeat(5000)}` }, 'path'),
  http('a header with a new line in it', { headers: 'X-A: b\r\nX-B' }, 'headers'),
  http('a header without a colon', { headers: 'X-A' }, 'headers'),
  http('a header whose name has a space', { headers: 'X A: b' }, 'headers'),
  http(
    'a hundred headers',
    { headers: Array.from({ length: 100 }, (_, index) => `a${index}: b`).join(';') },
    'headers',
  ),
  http('a method with a space', { method: 'GET /' }, 'method'),
  http('a percentage above 100', { percent: '101' }, 'percent'),
  http('a side that is not known', { side: 'both' }, 'side'),
  http('a path of a connection', { level: 'connection', path: '/a' }, 'path'),
  http('connections that are to be killed', { existingConnections: 'kill' }, 'existingConnections'),
  abort('neither status nor reset', {}, 'statusCode'),
  abort('both status and reset', { statusCode: '503', reset: 'true' }, 'statusCode'),
  abort('a status that is none', { statusCode: '42' }, 'statusCode'),
  abort('an interim status', { statusCode: '100' }, 'statusCode'),
  abort('a status and a header', { statusCode: '503\r\nX: y' }, 'statusCode'),
  abort('a status for a connection', { statusCode: '503', level: 'connection' }, 'statusCode'),
  dns('no domains', {}, 'domains'),
  dns('an empty domain', { domains: 'a.org,,b.org' }, 'domains'),
  dns('a star in the middle', { domains: 'a.*.org' }, 'domains'),
  dns('a domain that is a regular expression', { domains: '(a+)+.org' }, 'domains'),
  dns('a label that is too long', { domains: `${'a'.repeat(64)}.org` }, 'domains'),
  dns(
    'ten thousand domains and one',
    { domains: Array.from({ length: 10_001 }, (_, i) => `n${i}`).join(',') },
    'domains',
  ),
  dns('an error that is not known', { domains: 'a.org', errorType: 'NOTIMP' }, 'errorType'),
];
