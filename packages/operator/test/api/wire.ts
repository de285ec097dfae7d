/** A TCP relay that can be held: then connections are accepted and bytes taken, and nothing comes back, as with a stopped process. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A relay. */
export interface Wire {
  /** `host:port` to connect to. */
  readonly address: string;
  /** Where new connections lead. */
  to(address: string): void;
  /** Nothing passes, in either direction, until it is let go; nothing is lost. */
  hold(): void;
  letGo(): void;
  close(): Promise<void>;
}

/** Listens on a free port of the loopback address. */
export async function openWire(): Promise<Wire> {
  const sockets = new Set<Socket>();
  let target: [host: string, port: number] = ['127.0.0.1', 1];
  let held = false;
  const keep = (socket: Socket, other: () => Socket): void => {
    sockets.add(socket);
    socket
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(socket);
        other().destroy();
      });
  };
  const server = createServer((near) => {
    const far = connect(target[1], target[0]);
    keep(near, () => far);
    keep(far, () => near);
    // Not a pipe, which reads on by itself when its other end has room again.
    near.on('data', (bytes) => far.write(bytes)).on('end', () => far.end());
    far.on('data', (bytes) => near.write(bytes)).on('end', () => near.end());
    if (held) for (const socket of [near, far]) socket.pause();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    to(address) {
      const colon = address.lastIndexOf(':');
      target = [address.slice(0, colon), Number(address.slice(colon + 1))];
    },
    hold() {
      held = true;
      for (const socket of sockets) socket.pause();
    },
    letGo() {
      held = false;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
