/** The thread of the traffic: a datagram each millisecond to a pod that answers it; when each was sent, and which came back. */
import { createSocket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import { now } from './clock.ts';

/** What the other thread asks for. */
export type Question =
  /** The first datagram from then on that was not answered, although none after it was either. */
  | { readonly kind: 'first lost' }
  /** The last one that was answered by now: `first back` counts from there. */
  | { readonly kind: 'mark' }
  /** The first one behind the mark that was answered. */
  | { readonly kind: 'first back' }
  | { readonly kind: 'end' };

/** When a datagram was sent; undefined: there is none like that. */
export type Told = number | undefined;

const EVERY_MS = 1;
/** Send times that are kept: of a minute. */
const KEPT = 60_000;

const { address, port } = workerData as { readonly address: string; readonly port: number };
const socket = createSocket('udp4');
const sentAt = new Float64Array(KEPT);
const payload = Buffer.alloc(8);
let next = 0;
let answered = -1;
let mark = -1;
let back: number | undefined;

const timeOf = (serial: number): Told => (serial < next && serial >= next - KEPT ? sentAt[serial % KEPT] : undefined);

socket.on('message', (data) => {
  const serial = Number(data.readBigUInt64BE());
  answered = Math.max(answered, serial);
  if (serial > mark && (back === undefined || serial < back)) back = serial;
});
// The pod is there for the whole bench: an error is one packet less.
socket.on('error', () => undefined);
socket.connect(port, address, () => {
  setInterval(() => {
    payload.writeBigUInt64BE(BigInt(next));
    sentAt[next % KEPT] = now();
    next++;
    socket.send(Buffer.from(payload));
  }, EVERY_MS);
});

parentPort?.on('message', (question: Question) => {
  switch (question.kind) {
    case 'first lost':
      parentPort?.postMessage(timeOf(answered + 1));
      return;
    case 'mark':
      mark = next - 1;
      back = undefined;
      parentPort?.postMessage(timeOf(mark));
      return;
    case 'first back':
      parentPort?.postMessage(back === undefined ? undefined : timeOf(back));
      return;
    case 'end':
      process.exit();
  }
});
