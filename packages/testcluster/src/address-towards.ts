/** How pods and control planes see this machine. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** The address of this machine from which it reaches `ip`; nothing is sent. */
export async function addressTowards(ip: string): Promise<string> {
  const socket = createSocket('udp4');
  socket.connect(9, ip);
  await once(socket, 'connect');
  const { address } = socket.address();
  socket.close();
  return address;
}
