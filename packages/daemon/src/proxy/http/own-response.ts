/** The response that a client gets in place of the application's. Pure. */
import { STATUS_CODES } from 'node:http';

/** Everything in it is ours: nothing of the request is repeated. */
export function ownResponse(
  status: number,
  { method, last }: { readonly method: string; readonly last: boolean },
): string {
  const words = STATUS_CODES[status] ?? 'Fault';
  const body = `${words} (injected)\n`;
  const bodiless = status === 204 || status === 304;
  const head = [
    `HTTP/1.1 ${status} ${words}`,
    ...(bodiless ? [] : ['Content-Type: text/plain', `Content-Length: ${body.length}`]),
    `Connection: ${last ? 'close' : 'keep-alive'}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${bodiless || method === 'HEAD' ? '' : body}`;
}
