/** A registry of npm on loopback that has one package, as it would be published. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { execa } from 'execa';

/** https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md */
export async function serveNpm(tarball: string): Promise<{ readonly url: string; close(): void }> {
  const content = await readFile(tarball);
  const { stdout } = await execa('tar', ['-xzOf', tarball, 'package/package.json']);
  const manifest = JSON.parse(stdout) as { readonly name: string; readonly version: string };
  const { name, version } = manifest;
  const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
  const server = createServer((request, response) => {
    if (request.url === `/${name}.tgz`) response.end(content);
    else if (request.url === `/${name}`) {
      const dist = { tarball: `${url()}/${name}.tgz`, integrity };
      const versions = { [version]: { ...manifest, dist } };
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    } else response.writeHead(404).end('{}');
  }).listen(0, '127.0.0.1');
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: url(), close: () => void server.close() };
}
