/** Watches what the application answers, to know when each response has ended. It changes nothing and holds nothing back. Pure. */
import { Body } from './body.ts';
import { parseResponseHead, type ResponseHead } from './head.ts';

const LONGEST_HEAD = 64 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

/** The responses of one connection. */
export class ResponseStream {
  /** Methods of the requests that wait for their response, the oldest first. */
  readonly #asked: string[] = [];
  #partial: Buffer | undefined;
  #current: { readonly body: Body; readonly interim: boolean } | undefined;
  #state: 'reading' | 'changed' | 'lost' = 'reading';

  /** `changed`: the other end agreed to another protocol. `lost`: the responses can no longer be told apart. */
  get state(): 'reading' | 'changed' | 'lost' {
    return this.#state;
  }

  /** How many requests have no complete response yet. */
  get outstanding(): number {
    return this.#asked.length;
  }

  /** A request was passed on. */
  ask(method: string): void {
    this.#asked.push(method);
  }

  /** Bytes of the application, in the order in which they come. */
  feed(chunk: Buffer): void {
    if (this.#state !== 'reading') return;
    const bytes = this.#partial === undefined ? chunk : Buffer.concat([this.#partial, chunk]);
    this.#partial = undefined;
    let at = 0;
    while (at < bytes.length) {
      if (this.#current === undefined) {
        const end = bytes.indexOf(HEAD_END, at);
        if (end < 0 && bytes.length - at < LONGEST_HEAD) {
          this.#partial = Buffer.from(bytes.subarray(at));
          // An application that speaks first speaks no HTTP.
          if (this.#asked.length === 0) this.#state = 'lost';
          return;
        }
        const head = end < 0 ? undefined : this.#readHead(bytes.toString('latin1', at, end + HEAD_END.length));
        if (head === undefined || head.changesProtocol) {
          this.#state = head === undefined ? 'lost' : 'changed';
          return;
        }
        this.#current = { body: new Body(head.framing), interim: head.interim };
        at = end + HEAD_END.length;
      }
      at = this.#current.body.take(bytes, at);
      if (this.#current.body.broken) this.#state = 'lost';
      if (this.#state === 'lost') return;
      if (this.#current.body.ended) {
        if (!this.#current.interim) this.#asked.shift();
        this.#current = undefined;
      }
    }
  }

  #readHead(text: string): ResponseHead | undefined {
    const [method] = this.#asked;
    return method === undefined ? undefined : parseResponseHead(text, method);
  }
}
