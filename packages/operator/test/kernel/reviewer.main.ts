/** The API server's token review, as a daemon asks for it: it knows one token. Real HTTPS, on loopback of its network namespace. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';

const [certificate = '', key = '', port = '', username = '', token = ''] = process.argv.slice(2);

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  void text(request).then((body) => {
    const { spec } = JSON.parse(body) as { spec: { token: string; audiences: string[] } };
    const isKnown = spec.token === token;
    const status = isKnown
      ? { authenticated: true, user: { username }, audiences: spec.audiences }
      : { error: 'invalid bearer token', user: {} };
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ status }));
  });
}).listen(Number(port), 'localhost', () => process.stderr.write('reviewing\n'));
