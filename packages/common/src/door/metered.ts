/** A connection that may send so many bytes and no more; what reads from it sees an ordinary stream. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * Servers of Node read a plain socket in the kernel's order and in C++, where no script can count; a stream of JavaScript they read as it
 * comes. Slower, which does not matter for a port that is asked a few times a second.
 */
export function metered(socket: Socket, most: number, exceeded: () => void): Duplex {
  let left = most;
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) exceeded();
    else if (!stream.push(chunk)) socket.pause();
  });
  socket.once('end', () => stream.push(null));
  socket.once('error', () => stream.destroy());
  socket.once('close', () => stream.destroy());
  return stream;
}
