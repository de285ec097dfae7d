/** A registry of a few images on the loopback address, for a runtime that can only pull: the reading half of the OCI distribution API. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A registry that listens. */
export interface Registry {
  readonly port: number;
  close(): void;
}

/** Serves the images of an OCI layout that has been unpacked, by the names in it; does not keep the process alive. */
export async function serveImages(layout: string): Promise<Registry> {
  const { manifests } = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as {
    readonly manifests: readonly Descriptor[];
  };
  const server = createServer((request, response) => {
    const [, name = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? [];
    const named = manifests.find(
      ({ digest, annotations = {} }) =>
        kind === 'manifests' && (digest === reference || Object.values(annotations).includes(`${name}:${reference}`)),
    );
    const digest = named?.digest ?? (kind === 'blobs' ? reference : undefined);
    if (digest === undefined) return void response.writeHead(request.url === '/v2/' ? 200 : 404).end();
    const type = named?.mediaType ?? 'application/octet-stream';
    const path = join(layout, 'blobs', ...digest.split(':', 2).map((part) => part.replaceAll(/[^a-z0-9]/g, '')));
    sendFile(path, { 'content-type': type, 'docker-content-digest': digest }, request.method === 'HEAD', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

function sendFile(path: string, head: Readonly<Record<string, string>>, only: boolean, response: ServerResponse): void {
  void stat(path).then(
    ({ size }) => {
      response.writeHead(200, { ...head, 'content-length': size });
      if (only) response.end();
      else createReadStream(path).pipe(response);
    },
    () => response.writeHead(404).end(),
  );
}
