/** One proxied TCP connection: passes bytes both ways, and holds up, answers or resets the requests that rules hit. */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '@chaosplane/common';
import { decideConnection, decideRequest, type ActiveHttpRule, type HttpDecision } from '../../proxy/http/decide.ts';
import type { RequestHead } from '../../proxy/http/head.ts';
import { ownResponse } from '../../proxy/http/own-response.ts';
import { RequestStream, type Piece } from '../../proxy/http/requests.ts';
import { ResponseStream } from '../../proxy/http/responses.ts';

/** What a connection needs. */
export interface ConnectionOptions {
  /** The client's end, which has been accepted and not read from. */
  readonly front: Socket;
  /** Begins a connection to the other end. May throw. */
  readonly connect: () => Socket;
  /** The rules of its port at this moment. */
  readonly rules: () => readonly ActiveHttpRule[];
  readonly clock: Clock;
}

/** How long part of a head is held back for the rest of it; then it is taken for another protocol. */
const HEAD_TIMEOUT_MS = 3000;
/** How long a client may go on sending after it was told that the connection ends; a reset would lose what it was told. */
const LINGER_MS = 2000;

/** One connection, until it is closed. */
export class ProxiedConnection {
  readonly #front: Socket;
  readonly #connect: () => Socket;
  readonly #rules: () => readonly ActiveHttpRule[];
  readonly #clock: Clock;
  readonly #requests = new RequestStream();
  readonly #responses = new ResponseStream();
  /** What the client sent and was not passed on yet; at most what was read in one go. */
  readonly #queue: Piece[] = [];
  #back: Socket | undefined;
  /** What was decided of the request at the head of the queue. */
  #decision: HttpDecision | undefined;
  /** What the queue waits for: a delay, responses that come before, an answer to an upgrade. */
  #waits: 'nothing' | 'delay' | 'responses' = 'nothing';
  /** The rest of a request that was answered here. */
  #discarding = false;
  /** From here on it is a tunnel: all that comes is passed on. */
  #tunnel = false;
  #clientEnded = false;
  #closing = false;
  #timer: Timer | undefined;
  #headTimer: Timer | undefined;

  constructor({ front, connect, rules, clock }: ConnectionOptions) {
    this.#front = front;
    this.#connect = connect;
    this.#rules = rules;
    this.#clock = clock;
    front.setNoDelay(true);
    front.on('error', () => this.#back?.resetAndDestroy());
    front.once('close', () => this.#end());
    const { delayMs, end } = decideConnection(rules(), clock.random);
    const begin = (): void => (end === undefined ? this.#open() : this.destroy());
    if (delayMs === 0) begin();
    else this.#timer = clock.after(delayMs, begin);
  }

  /** Nothing is under way: closing it now loses no request that was passed on. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.#responses.outstanding === 0 && !this.#requests.holding && !this.#tunnel;
  }

  /** Closes it in good order. */
  close(): void {
    this.#closing = true;
    this.#front.end();
    this.#back?.end();
  }

  /** Resets it. */
  destroy(): void {
    this.#front.resetAndDestroy();
  }

  /** Not before the client is heard: an application that speaks first must be heard by the client, too. */
  #open(): void {
    const front = this.#front;
    if (front.destroyed) return;
    let back: Socket;
    try {
      back = this.#connect();
    } catch {
      this.destroy();
      return;
    }
    this.#back = back;
    back.setNoDelay(true);
    back.on('error', () => front.resetAndDestroy());
    back.on('data', (chunk) => this.#answered(chunk));
    back.on('end', () => front.end());
    back.on('drain', () => this.#listen());
    front.on('drain', () => back.resume());
    front.on('data', (chunk) => this.#asked(chunk));
    front.on('end', () => {
      this.#clientEnded = true;
      this.#pump();
    });
    this.#listen();
  }

  #asked(chunk: Buffer): void {
    if (this.#closing) return;
    if (this.#tunnel) {
      this.#queue.push({ bytes: chunk, ends: false });
    } else {
      this.#queue.push(...this.#requests.feed(chunk));
      if (this.#requests.opaque) this.#passUntouched();
      this.#watchHead();
    }
    this.#pump();
  }

  #answered(chunk: Buffer): void {
    // First of all: it passes as it is, regardless of what is read in it, and the client need not wait for the reading.
    if (!this.#front.write(chunk)) this.#back?.pause();
    if (!this.#tunnel) {
      this.#responses.feed(chunk);
      if (this.#responses.state === 'changed') this.#becomeTunnel();
      else if (this.#responses.state === 'lost') this.#passUntouched();
    }
    if (this.#waits === 'responses' && (this.#tunnel || this.#responses.outstanding === 0)) {
      this.#waits = 'nothing';
      this.#pump();
    }
  }

  /** A head that stays incomplete may be another protocol, whose client waits for an answer. */
  #watchHead(): void {
    if (!this.#requests.holding) {
      this.#headTimer?.cancel();
      this.#headTimer = undefined;
    } else {
      this.#headTimer ??= this.#clock.after(HEAD_TIMEOUT_MS, () => {
        this.#passUntouched();
        this.#pump();
      });
    }
  }

  #passUntouched(): void {
    if (this.#tunnel) return;
    for (const active of this.#rules()) if (active.rule.level === 'request') active.passed += 1;
    this.#becomeTunnel();
  }

  #becomeTunnel(): void {
    this.#tunnel = true;
    this.#headTimer?.cancel();
    const held = this.#requests.giveUp();
    if (held !== undefined) this.#queue.push({ bytes: held, ends: false });
  }

  #pump(): void {
    const back = this.#back;
    if (back === undefined) return;
    while (this.#waits === 'nothing') {
      const [piece] = this.#queue;
      if (piece === undefined) break;
      if (this.#discarding) {
        this.#queue.shift();
        this.#discarding = !piece.ends;
      } else if (piece.begins === undefined || this.#passes(piece.begins, piece.ends)) {
        this.#queue.shift();
        this.#pass(back, piece);
      }
    }
    if (this.#clientEnded && this.#queue.length === 0) {
      const held = this.#requests.giveUp();
      if (held !== undefined) back.write(held);
      back.end();
    } else this.#listen();
  }

  /** Reads on when nothing is in the way of what was read. */
  #listen(): void {
    if (this.#waits === 'nothing' && this.#back?.writableNeedDrain !== true) this.#front.resume();
    else this.#front.pause();
  }

  /** Whether the request at the head of the queue may be passed on now; otherwise it waits, or it was dealt with. */
  #passes(head: RequestHead, whole: boolean): boolean {
    this.#decision ??= decideRequest(this.#tunnel ? [] : this.#rules(), head, this.#clock.random);
    const { delayMs, end } = this.#decision;
    if (delayMs > 0) {
      this.#decision = { ...this.#decision, delayMs: 0 };
      this.#waits = 'delay';
      this.#timer = this.#clock.after(delayMs, () => {
        this.#waits = 'nothing';
        this.#pump();
      });
      return false;
    }
    // A tunnel by now: what this request was to get can no longer be told from what the application says.
    if (end === undefined || this.#tunnel) return true;
    if (this.#responses.outstanding > 0) {
      this.#waits = 'responses';
      return false;
    }
    this.#decision = undefined;
    if (end.kind === 'reset') this.destroy();
    else this.#answer(end.status, head, whole);
    if (this.#queue.length > 0) this.#queue.shift();
    return false;
  }

  #answer(status: number, head: RequestHead, whole: boolean): void {
    // Whether a client that waits for a go-ahead sends its body after this answer, the proxy cannot know (RFC 9110, 10.1.1).
    const last = head.last || (head.expectsContinue && !whole);
    this.#front.write(ownResponse(status, { method: head.method, last }));
    this.#discarding = !whole;
    if (!last) return;
    this.#queue.length = 0;
    this.close();
    this.#timer = this.#clock.after(LINGER_MS, () => this.#front.destroy());
    this.#front.resume();
  }

  #pass(back: Socket, { begins, bytes, ends }: Piece): void {
    this.#decision = undefined;
    if (begins !== undefined) this.#responses.ask(begins.method);
    back.write(bytes);
    // What comes next is a request or the other protocol, depending on the answer.
    if (begins?.mayChangeProtocol === true) this.#upgrading = true;
    if (ends && this.#upgrading && !this.#tunnel) {
      this.#upgrading = false;
      this.#waits = 'responses';
    }
  }

  #upgrading = false;

  #end(): void {
    this.#timer?.cancel();
    this.#headTimer?.cancel();
    this.#queue.length = 0;
    if (this.#back !== undefined && !this.#back.destroyed) this.#back.destroy();
  }
}
