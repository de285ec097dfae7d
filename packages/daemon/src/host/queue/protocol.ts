/** What the main thread and the thread of the queue backend say to each other. */
import type { QueuePolicy, TapCounts, TapPolicy } from '../../contract/host.ts';

/** What the thread is given when it starts. */
export interface WorkerStart {
  /** The eventfd by which the main thread wakes it. */
  readonly wakeFd: number;
}

/** A TAP device to serve; the main thread owns the descriptors. */
export interface TapService {
  /** All TAP devices of a namespace share what may wait there. */
  readonly netnsFd: number;
  readonly tapFd: number;
  /** The packet socket by which frames leave. */
  readonly outFd: number;
  readonly policy: TapPolicy;
}

/** A command without its number. Namespaces are named by the main thread's descriptor of them. */
export type Command =
  | { readonly kind: 'serve'; readonly netnsFd: number; readonly queue: number; readonly policy: QueuePolicy }
  | { readonly kind: 'stop'; readonly netnsFd: number }
  | { readonly kind: 'statistics'; readonly netnsFd: number }
  | ({ readonly kind: 'serve-tap' } & TapService)
  | { readonly kind: 'stop-tap'; readonly tapFd: number }
  | { readonly kind: 'tap-statistics'; readonly netnsFd: number }
  | { readonly kind: 'exit' };

/** A command as it is sent. */
export interface Request {
  readonly id: number;
  readonly command: Command;
}

/** What was counted, where it was asked for. */
export interface Counted {
  /** Packets of a queue by bit. */
  readonly handled?: ReadonlyMap<number, number>;
  /** TAP devices by name. */
  readonly taps?: ReadonlyMap<string, TapCounts>;
}

/** The answer to the request of that number; number 0 is said unasked, at the end. */
export interface Reply extends Counted {
  readonly id: number;
  /** Why it was refused; absent when it was done. */
  readonly error?: string;
  /** The sockets that the thread has open now: should it die without closing them, the main thread does. */
  readonly openFds: readonly number[];
}
